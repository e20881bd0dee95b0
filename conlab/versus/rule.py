"""The rule: from pairs of times to a verdict, with a stated rate of false alarms.

Each pair gives the logarithm of the ratio of its two times. Which side goes first in a pair is
decided by the toss of a coin, each time anew; so between identical sides the *sign* of that
logarithm is a fair coin as well, whatever its size. Drift, outliers and two kinds of processes
change the sizes and cannot bend the coin. Wilcoxon's signed-rank test asks nothing else of the
pairs. With it go the Hodges-Lehmann estimate, which is the median of the averages of any two pairs
(the Walsh averages), and an interval between two of these averages, exact for few pairs too.

To look again and again at an interval breaks its promise. So there are looks at numbers of pairs
that are set beforehand, and each may use up its share of the run's rate and no more.

The jobs of a cell are divided into strata before the first pair, and each is judged, beside the
whole. Who goes first is drawn for all strata of a pair at once; but each keeps its own promise, and
they share the rate as cells do, so it does not matter how they hang together (Bonferroni).

Wall time raises the alarm. CPU seconds are judged by the same rule; where they may raise it as
well, the cell's share of the rate is halved between the two clocks.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.util import find_spec
from statistics import NormalDist, median
from typing import Any

SPARE = 3  # pairs at the first look beyond the fewest that can say anything: room for an outlier
GROWTH = 1.4  # from one look to the next
MOST = 2_000  # pairs of a cell: what takes longer than an hour is left undecided
NINE_IN_TEN = NormalDist().inv_cdf(0.95)  # an estimate off by more, either way, is the tenth
EXACT = 300  # pairs: beyond, the normal distribution is as good, and a bit wider at the ends


class Verdict(StrEnum):
    """What can be said of a cell under two sides."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = "no change that matters"
    UNSURE = "cannot tell"

    @property
    def is_alarm(self) -> bool:
        """Whether it says that there is a change."""
        return self in (Verdict.SLOWER, Verdict.FASTER)


@dataclass(frozen=True)
class Judgement:
    """A verdict and what it rests on.

    ``estimate``, ``low`` and ``high`` are changes as shares: 0.083 is 8.3% slower. ``pairs_needed``
    comes with *cannot tell*: how many pairs decide nine cells in ten at the spread seen; None if
    there were as many, so that the change is about as large as the least that matters, or if not
    even 2,000 would do.
    """

    verdict: Verdict
    estimate: float
    low: float
    high: float
    pairs: int
    pairs_needed: int | None = None


@dataclass(frozen=True)
class Rule:
    """When to look at the pairs of a cell, and what to conclude.

    ``alpha`` is the probability, at most, that in a run any interval at any look in any of its
    ``cells`` misses the true change, and so that identical sides raise any alarm. ``clocks`` is how
    many may raise it of this cell, and ``strata`` how many of its strata, the whole counted as one:
    each has an equal share of what the cell has. ``matters`` is the least change that matters, as a
    share; if the true change is just as large, the verdict is the toss of a coin.
    """

    alpha: float
    cells: int
    matters: float
    clocks: int = 1
    strata: int = 1

    def __post_init__(self) -> None:
        least = min(self.cells, self.clocks, self.strata)
        if not (0 < self.alpha < 1 and least >= 1 and 0 < self.matters < 1):
            raise ValueError(
                f"{self}: alpha and matters lie between 0 and 1,"
                " cells, clocks and strata are 1 or more"
            )

    def looks(self) -> Iterator[int]:
        """The numbers of pairs at which to look, increasing; after the last there is no verdict."""
        pairs = math.ceil(1 - math.log2(self.allowance(0))) + SPARE
        while pairs <= MOST:
            yield pairs
            pairs = math.ceil(pairs * GROWTH)

    def allowance(self, look: int) -> float:
        """The probability, at most, that the interval of one look (0 is the first) misses.

        1/3, 1/6, 1/10, 1/15 ... of what a clock of a stratum has, which over all looks is used up.
        """
        return self.alpha / self.cells / self.clocks / self.strata * 2 / ((look + 2) * (look + 3))

    def judge(self, log_ratios: Sequence[float]) -> Judgement:
        """Judge a cell by all its pairs so far, whose number must be one of the looks.

        ``log_ratios`` are log(seconds of the new side / seconds of the old). Raises ValueError
        between looks, for what the rate does not allow, and for a time that was zero.
        """
        pairs = len(log_ratios)
        look = self._which_look(pairs)
        if not all(map(math.isfinite, log_ratios)):
            raise ValueError("a pair has no finite ratio: one of its times is zero")
        bounds = interval(log_ratios, end_of_interval(pairs, self.allowance(look)))
        low, estimate, high = map(math.expm1, bounds)
        verdict = self.conclude(low, estimate, high)
        needed = self.pairs_needed(spread(log_ratios)) if verdict is Verdict.UNSURE else None
        if needed is not None and needed <= pairs:
            needed = None
        return Judgement(verdict, estimate, low, high, pairs, needed)

    def conclude(self, low: float, estimate: float, high: float) -> Verdict:
        """The verdict from the interval and the estimate alone, all three as shares."""
        if low > 0 and estimate >= self.matters:
            return Verdict.SLOWER
        if high < 0 and estimate <= -self.matters:
            return Verdict.FASTER
        if -self.matters <= low and high <= self.matters:
            return Verdict.SAME
        return Verdict.UNSURE

    def pairs_needed(self, deviation: float) -> int | None:
        """The look at which nine cells in ten would be decided that did not change, or by far.

        ``deviation`` is the spread of a pair. By far is twice what matters: more than enough then.
        None if there is no such look.
        """
        for number, look in enumerate(self.looks()):
            half = (_deviations(self.allowance(number)) + NINE_IN_TEN) * deviation / math.sqrt(look)
            if half < math.log1p(self.matters):
                return look
        return None

    def _which_look(self, pairs: int) -> int:
        for number, look in enumerate(self.looks()):
            if look == pairs:
                return number
        raise ValueError(f"{pairs} pairs are no look: there are {next(self.looks())} at the first")


def provisional(log_ratios: Sequence[float]) -> float:
    """The Hodges-Lehmann estimate of the change, as a share, of any number of pairs from 1 on."""
    averages = [(one + two) / 2 for n, one in enumerate(log_ratios) for two in log_ratios[n:]]
    return math.expm1(median(averages))


def interval(log_ratios: Any, end: int) -> Any:
    """Low end, Hodges-Lehmann estimate and high end; for an array (runs, pairs), an array of each.

    ``end`` counts in from both ends of the sorted averages of any two pairs.
    """
    import numpy as np

    pairs = np.asarray(log_ratios, dtype=float)
    one, other = np.triu_indices(pairs.shape[-1])
    averages = np.sort((pairs[..., one] + pairs[..., other]) / 2)
    return averages[..., end], np.median(averages, axis=-1), averages[..., -1 - end]


def spread(log_ratios: Sequence[float]) -> float:
    """The standard deviation of a pair, as far as outliers do not make it."""
    pairs = len(log_ratios)
    low, _, high = interval(log_ratios, end_of_interval(pairs, 2 * NormalDist().cdf(-1)))
    return float(high - low) / 2 * math.sqrt(pairs)


@lru_cache(maxsize=1000)
def end_of_interval(pairs: int, allowed: float) -> int:
    """Where among the sorted averages the interval ends that misses with probability ``allowed``.

    A change is left out exactly if Wilcoxon's test rejects it: if no more averages than the rank
    sums that it rejects lie on one side of it. Ties make the interval wider, never narrower.
    """
    from scipy import stats

    def p_value(rank_sum: int) -> float:
        ranks = list(range(1, pairs + 1))
        for at in reversed(range(pairs)):
            if ranks[at] <= rank_sum:
                rank_sum -= ranks[at]
            else:
                ranks[at] *= -1
        method = "exact" if pairs <= EXACT else "asymptotic"
        return float(stats.wilcoxon(ranks, method=method).pvalue)

    rejected = bisect_right(range(pairs * (pairs + 1) // 4 + 1), allowed, key=p_value)
    if not rejected:
        raise ValueError(f"{pairs} pairs are too few to be wrong with probability {allowed} only")
    return rejected - 1


def missing_library() -> str | None:
    """What to tell the reader if there is nothing to calculate with, or None."""
    if find_spec("scipy") is not None and find_spec("numpy") is not None:
        return None
    return "comparing needs scipy: install it with `python -m pip install scipy`"


def _deviations(allowed: float) -> float:
    """How many standard deviations a normal variable exceeds that rarely, on either side."""
    return NormalDist().inv_cdf(1 - allowed / 2)

"""The sequential test of a cell: pairs are added until enough is known, or the budget is spent.

The rule judges the pairs, by one clock at a time. Here it is decided which clock speaks for the
cell, and which cell gets the next pair.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from conlab.bench.running import CellAbsent
from conlab.versus.clocks import Clock
from conlab.versus.pairs.measuring import Pair
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.rule import Judgement, Rule, Verdict, provisional

MOST_SHARE = 2.0


class Named(Protocol):
    """What is compared: a cell, or what stands for it."""

    @property
    def id(self) -> str:
        """The name as a test id."""
        ...


@dataclass(slots=True)
class Judged:
    """What the latest look said of the whole of a cell, or of one stratum, by each clock."""

    computes: bool
    wall: Judgement | None = None
    cpu: Judgement | None = None
    others: Mapping[Clock, Judgement] = field(default_factory=dict)

    @property
    def by_clock(self) -> dict[Clock, Judgement]:
        """What each clock says, as far as there was a look."""
        found = {Clock.WALL: self.wall, Clock.CPU: self.cpu, **self.others}
        return {clock: judged for clock, judged in found.items() if judged}

    @property
    def slower_by(self) -> list[Clock]:
        """The clocks by which it got slower, or takes more.

        More work may take less time, on more cores: CPU seconds raise no alarm beside a wall time
        that fell.
        """
        faster = self.wall is not None and self.wall.verdict is Verdict.FASTER
        return [
            clock
            for clock, judged in self.by_clock.items()
            if judged.verdict is Verdict.SLOWER and not (clock is Clock.CPU and faster)
        ]

    @property
    def by_cpu(self) -> bool:
        """Whether the verdict is that of CPU seconds, and wall time has another.

        A busy machine makes jobs wait for a core, which is no work of theirs. Of jobs that compute,
        fewer CPU seconds tell *faster* where wall time cannot, and does not rule it out.
        """
        wall, cpu = self.wall, self.cpu
        if slower := self.slower_by:
            return slower[0] is Clock.CPU
        if not (self.computes and wall and cpu):
            return False
        unsure = wall.verdict is Verdict.UNSURE and wall.low <= cpu.estimate <= wall.high
        return unsure and cpu.verdict.is_alarm

    @property
    def decisive(self) -> Judgement | None:
        """The judgement that counts; None before the first look."""
        if slower := self.slower_by:
            return self.by_clock[slower[0]]
        return self.cpu if self.by_cpu else self.wall

    @property
    def verdict(self) -> Verdict:
        """What is said."""
        return self.decisive.verdict if self.decisive else Verdict.UNSURE


@dataclass(slots=True)
class SequentialTest:
    """What is known of one cell so far: its pairs, and what the latest look at them said.

    ``absent`` says why there is nothing to compare, ``failure`` what went wrong. ``computes`` says
    that its jobs only compute, so that CPU seconds speak where wall time cannot tell. How many
    strata there are, the first pair says; ``names`` are theirs, and ``jobs`` how many were measured
    of how many. ``clocks`` are those that may raise an alarm, under one share of the rate;
    ``matters`` says of which another change matters than the rule has.
    """

    cell: Named
    rule: Rule
    pairs: list[Pair] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)  # seconds, for each pair
    wall: Judgement | None = None
    cpu: Judgement | None = None
    absent: str | None = None
    failure: str | None = None
    computes: bool = False
    names: tuple[str, ...] = ()
    jobs: tuple[int, int] | None = None
    strata: dict[int, Judged] = field(default_factory=dict)
    clocks: tuple[Clock, ...] = (Clock.WALL, Clock.CPU)
    matters: Mapping[Clock, float] = field(default_factory=dict)
    others: dict[Clock, Judgement] = field(default_factory=dict)  # clocks but for wall and CPU
    looks: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.rule = replace(self.rule, clocks=len(self.clocks))
        self.looks = list(self.rule.looks())

    def add(self, pair: Pair, seconds: float) -> None:
        """Take a pair that took so many seconds, and judge if a look is due."""
        if not self.pairs and pair.kinds:
            self.strata = {kind: Judged(self.computes) for kind in pair.kinds}
            self.rule = replace(self.rule, strata=1 + len(pair.kinds))
            self.looks = list(self.rule.looks())
        self.pairs.append(pair)
        self.spent.append(seconds)
        if len(self.pairs) == self.looks[0]:
            self.looks.pop(0)
            self.look()

    def measure(
        self, measure: Callable[[Any], Pair], now: Callable[[], float] = time.monotonic
    ) -> None:
        """Add one more pair, or take down why there can be none."""
        started = now()
        try:
            pair = measure(self.cell)
        except CellAbsent as reason:
            self.absent = str(reason)
        except SideFailed as failure:
            self.failure = str(failure)
        else:
            self.add(pair, now() - started)

    def look(self) -> None:
        """Judge all pairs so far: the whole of them by each clock, the strata by two."""
        judged = {clock: found for clock in self.clocks if (found := self.judged(clock))}
        self.wall = judged.pop(Clock.WALL)
        self.cpu = judged.pop(Clock.CPU, None)
        self.others = judged
        for kind, one in self.strata.items():
            one.wall = self.judged(Clock.WALL, kind)
            if Clock.CPU in self.clocks:
                one.cpu = self.judged(Clock.CPU, kind) or one.cpu

    def judged(self, clock: Clock, stratum: int | None = None) -> Judgement | None:
        """What the pairs say by a clock, of a stratum if that is given; None if one lacks it."""
        ratios = [pair.log_by(clock, stratum) for pair in self.pairs]
        known = [ratio for ratio in ratios if ratio is not None]
        if len(known) < len(ratios):
            return None
        rule = replace(self.rule, matters=self.matters.get(clock, self.rule.matters))
        return rule.judge(known)

    @property
    def whole(self) -> Judged:
        """What is said of all jobs as one."""
        return Judged(self.computes, self.wall, self.cpu, self.others)

    @property
    def by_clock(self) -> dict[Clock, Judgement]:
        """What each clock says of the part that speaks for the cell."""
        return self.spokesman.by_clock

    @property
    def slower_by(self) -> list[Clock]:
        """The clocks by which the cell, or the part that speaks for it, got slower."""
        return self.spokesman.slower_by

    @property
    def parts(self) -> list[Judged]:
        """All that is judged: the whole, then each stratum."""
        return [self.whole, *self.strata.values()]

    @property
    def moved(self) -> dict[int, Judged]:
        """The strata of which a change is known, by their numbers."""
        return {kind: one for kind, one in self.strata.items() if one.verdict.is_alarm}

    @property
    def all_alike(self) -> bool:
        """Say whether the whole and each stratum have the same verdict: no kind moved by itself."""
        return len({part.verdict for part in self.parts}) == 1

    @property
    def by_cpu(self) -> bool:
        """Whether what is said rests on CPU seconds."""
        return self.spokesman.by_cpu

    @property
    def spokesman(self) -> Judged:
        """The part that says what is said of the cell: the whole, or the stratum that moved."""
        verdict = self.verdict
        if self.whole.verdict is verdict or not self.strata:
            return self.whole
        saying = [one for one in self.strata.values() if one.verdict is verdict and one.decisive]
        return max(saying, key=lambda one: abs(one.decisive.estimate), default=self.whole)  # type: ignore[union-attr]

    @property
    def decisive(self) -> Judgement | None:
        """The judgement that is the cell's; None before the first look."""
        return self.spokesman.decisive

    @property
    def verdict(self) -> Verdict:
        """What is said of the cell: slower if any part is, no change only if that is so of each.

        Faster where a part is, and none may have become slower by as much as matters.
        """
        if not self.strata:
            return self.whole.verdict
        found = [part.verdict for part in self.parts]
        if Verdict.SLOWER in found:
            return Verdict.SLOWER
        if all(verdict is Verdict.SAME for verdict in found):
            return Verdict.SAME
        if Verdict.FASTER in found and not any(map(self.may_be_slower, self.parts)):
            return Verdict.FASTER
        return Verdict.UNSURE

    def may_be_slower(self, part: Judged) -> bool:
        """Whether a part may have become slower by as much as matters, for all that is known."""
        if part.verdict in (Verdict.FASTER, Verdict.SAME):
            return False
        return part.wall is None or part.wall.high >= self.rule.matters

    @property
    def kind(self) -> str | None:
        """Which stratum speaks for the cell, in words; None if that is the whole."""
        spokesman = self.spokesman
        for number, one in self.strata.items():
            if one is spokesman:
                return self.name_of(number)
        return None

    def name_of(self, stratum: int) -> str:
        """What the stratum is, in words."""
        return self.names[stratum] if stratum < len(self.names) else f"kind {stratum + 1}"

    @property
    def provisional(self) -> tuple[float, int] | None:
        """An estimate of the change without an interval, and in how many pairs B was slower."""
        found = [pair.log_wall for pair in self.pairs]
        return (provisional(found), sum(each > 0 for each in found)) if found else None

    @property
    def is_new_or_gone(self) -> bool:
        """Say whether one side has such a cell, and the other none: ``absent`` says which."""
        return str(self.absent).startswith(("new: ", "gone: "))

    @property
    def first_look(self) -> int:
        """The number of pairs at which the cell is looked at first."""
        return next(self.rule.looks())

    @property
    def is_over(self) -> bool:
        """Say whether more pairs are of no use."""
        others = all(one.verdict is not Verdict.UNSURE for one in self.others.values())
        wall = self.verdict is not Verdict.UNSURE
        decided = wall and (others or bool(self.slower_by))
        return bool(self.absent or self.failure or decided or not self.looks)

    @property
    def width(self) -> float:
        """How undecided the cell is: how wide its widest interval is, endless before a look."""
        if self.wall is None:
            return float("inf")
        if not self.strata:
            return self.wall.high - self.wall.low
        unsure = [part.wall for part in self.parts if part.verdict is Verdict.UNSURE and part.wall]
        return max((one.high - one.low for one in unsure), default=self.wall.high - self.wall.low)

    @property
    def pairs_needed(self) -> int | None:
        """How many pairs it would take, as far as that is known."""
        if self.wall is None:
            return self.looks[0]
        unsure = [part.wall for part in self.parts if part.verdict is Verdict.UNSURE and part.wall]
        needed = [one.pairs_needed for one in unsure]
        known = [one for one in needed if one is not None]
        return max(known) if known and len(known) == len(needed) else None

    @property
    def seconds_of_a_pair(self) -> float:
        """What a pair takes, as the pairs so far did; the first has set-up to do besides."""
        return statistics.median(self.spent) if self.spent else 0.0

    @property
    def seconds(self) -> float:
        """What all its pairs took."""
        return sum(self.spent)


def take_pairs(
    tests: Sequence[SequentialTest],
    measure: Callable[[Any], Pair],
    budget: float,
    progress: Callable[[SequentialTest], None] = lambda _: None,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Add pairs until every cell has its verdict, or no further pair fits into the budget.

    ``progress`` is called after each pair.
    """
    began = now()
    while test := most_undecided(tests, budget - (now() - began)):
        test.measure(measure, now)
        progress(test)


def most_undecided(tests: Iterable[SequentialTest], left: float) -> SequentialTest | None:
    """The cell that gets the next pair, of those whose pairs fit into the seconds ``left``.

    That is the one with the widest interval; before the first look, the one with the fewest pairs.
    But a wild cell starves no other: none gets more than MOST_SHARE times what another has got.
    """
    fitting = [
        test for test in tests if not test.is_over and left > 0 and test.seconds_of_a_pair <= left
    ]
    least = min((test.seconds for test in fitting), default=0.0)
    served = [test for test in fitting if test.seconds <= MOST_SHARE * least]
    return max(served, key=lambda test: (test.width, -len(test.pairs)), default=None)


def figures(test: SequentialTest) -> dict[str, Any]:
    """All that is known of a cell, as plain data."""

    def judged(judgement: Judgement | None) -> dict[str, Any] | None:
        if judgement is None:
            return None
        return {name: getattr(judgement, name) for name in judgement.__dataclass_fields__}

    return {
        "cell": test.cell.id,
        "verdict": None if test.absent or test.failure else test.verdict,
        "absent": test.absent,
        "failure": test.failure,
        "by_cpu": test.by_cpu,
        "wall": judged(test.wall),
        "cpu": judged(test.cpu),
        "other_clocks": {clock: judged(one) for clock, one in test.others.items()},
        "slower_by": test.slower_by,
        "jobs": {"measured": test.jobs[0], "of": test.jobs[1]} if test.jobs else None,
        "provisional": dict(zip(("estimate", "slower_pairs"), test.provisional, strict=True))
        if test.provisional
        else None,
        "strata": [
            {
                "name": test.name_of(kind),
                "verdict": one.verdict,
                "wall": judged(one.wall),
                "cpu": judged(one.cpu),
            }
            for kind, one in test.strata.items()
        ],
        "seconds": test.seconds,
        "pairs_needed": test.pairs_needed if test.verdict is Verdict.UNSURE else None,
        "pairs": [
            {
                "wall": pair.wall,
                "cpu": pair.cpu,
                "first": pair.first,
                "figures": dict(pair.figures),
                "strata": pair.strata,
            }
            for pair in test.pairs
        ],
    }

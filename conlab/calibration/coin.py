"""Tosses a coin again for pairs of identical sides: which of the two was the slower.

In a comparison chance decides which side goes first, so between identical sides it is a fair coin
that gives the sign to the logarithm of a pair's ratio; its size is whatever the machine makes it.
That is all that the rule relies on. So the signs of recorded pairs may be drawn anew, many times,
by a fair coin; and by one that is as unfair as the recorded signs leave possible.
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from conlab.calibration.rates import SURE, rate
from conlab.calibration.recording import SAME, Record, Stream
from conlab.calibration.replay import runs, tape
from conlab.versus.pairs.measuring import Pair
from conlab.versus.rule import Rule
from conlab.versus.sequential_test import SequentialTest

TOSSES = 20  # for each recorded pair
COINS = sum(2 if stream.computes else 1 for stream in SAME)  # one for each clock that raises alarms


def fair(_log_ratios: Sequence[float]) -> float:
    """The probability that B is the slower of two identical sides."""
    return 0.5


def unfair(log_ratios: Sequence[float]) -> float:
    """The same, as far from a half as what was seen allows: the end of its interval.

    The intervals of all coins hold the truth together as surely as any other here.
    """
    slower = [ratio > 0 for ratio in log_ratios if ratio]
    seen = rate(slower, 1 - (1 - SURE) / COINS)
    return max(seen.low, seen.high, key=lambda end: abs(end - 0.5))


@dataclass(frozen=True, slots=True)
class Tossed:
    """A pair of identical sides, with other signs."""

    log_wall: float
    log_cpu: float
    seconds: float

    @property
    def pair(self) -> Pair:
        """One round of these ratios."""
        wall, cpu = math.exp(self.log_wall), math.exp(self.log_cpu)
        return Pair("", ((1.0,), (wall,)), ((1.0,), (cpu,)), 0)


def tossed_again(
    rule: Rule,
    streams: Mapping[Stream, Sequence[Record]],
    coin: Callable[[Sequence[float]], float],
) -> Iterator[bool]:
    """Alarms on pairs of identical sides of which a coin decides anew which was the slower.

    The sizes are as they were, with their drift, their outliers, their kinds. So these runs are
    independent as to the coin, and not as to the machine. Each clock has its own coin.
    """
    chance = random.Random(TOSSES)
    walls, cpus = (
        {stream: list(map(ratio, records)) for stream, records in streams.items()}
        for ratio in (log_wall, log_cpu)
    )

    def toss(ratios: Sequence[float]) -> list[float]:
        b_slower = coin(ratios)
        return [abs(ratio) if chance.random() < b_slower else -abs(ratio) for ratio in ratios]

    for _ in range(TOSSES):
        again = {}
        for stream, records in streams.items():
            signs = toss(walls[stream]), toss(cpus[stream])
            seconds = [record.seconds for record in records]
            again[stream] = list(map(Tossed, *signs, seconds))
        yield from map(any_alarm, runs(list(streams), rule, tape(again)))


def any_alarm(run: Iterable[SequentialTest]) -> bool:
    """Whether a run over cells that did not change is wrong."""
    return any(test.verdict.is_alarm for test in run)


def log_wall(record: Record) -> float:
    """The logarithm of B's wall time over A's."""
    return record.pair.log_wall


def log_cpu(record: Record) -> float:
    """The same of the CPU seconds; 0 where there were none to be seen."""
    return record.pair.log_cpu if all(map(sum, record.pair.cpu)) else 0.0

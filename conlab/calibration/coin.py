"""Tosses a coin again for pairs of identical sides: which of the two was the slower.

In a comparison chance decides which side goes first, so between identical sides it is a fair coin
that gives the sign to the logarithm of a pair's ratio; its size is whatever the machine makes it.
That is all that the rule relies on. So the signs of recorded pairs may be drawn anew, many times,
by a fair coin; and by one that is as unfair as the recorded signs leave possible.
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from conlab.calibration.rates import SURE, rate
from conlab.calibration.recording import SAME, Record, Stream
from conlab.calibration.replay import runs, tape
from conlab.versus.pairs.measuring import Pair, Rounds
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
    """A pair of identical sides that changed places, or did not; and the seconds that it took."""

    pair: Pair
    seconds: float


def tossed_again(
    rule: Rule,
    streams: Mapping[Stream, Sequence[Record]],
    coin: Callable[[Sequence[float]], float],
) -> Iterator[bool]:
    """Alarms on pairs of identical sides of which a coin decides anew which was the slower.

    The sizes are as they were, with their drift, their outliers, their kinds. So these runs are
    independent as to the coin, and not as to the machine. Each clock has its own coin, and it is
    tossed for all strata of a pair at once, as in a comparison.
    """
    chance = random.Random(TOSSES)
    short = {stream: [in_short(one.pair) for one in records] for stream, records in streams.items()}

    def toss(ratios: Sequence[float]) -> list[bool]:
        """Whether the sides of each pair change places."""
        b_slower = coin(ratios)
        return [(ratio > 0) is not (chance.random() < b_slower) for ratio in ratios]

    for _ in range(TOSSES):
        again = {}
        for stream, records in streams.items():
            walls = toss([pair.log_wall for pair in short[stream]])
            cpus = toss([pair.log_cpu for pair in short[stream]])
            again[stream] = [
                Tossed(turned(pair, wall, cpu), record.seconds)
                for pair, record, wall, cpu in zip(short[stream], records, walls, cpus, strict=True)
            ]
        yield from map(any_alarm, runs(list(streams), rule, tape(again)))


def in_short(pair: Pair) -> Pair:
    """The pair with one round of each stratum, of the same ratios; 1 where there were no ticks."""
    strata = range(len(pair.weights))

    def rounds(clock: Rounds) -> Rounds:
        logs = [
            pair.log_of(clock, stratum) if all(map(sum, pair.of(clock, stratum))) else 0.0
            for stratum in strata
        ]
        return tuple(1.0 for _ in logs), tuple(map(math.exp, logs))

    return replace(
        pair,
        wall=rounds(pair.wall),
        cpu=rounds(pair.cpu),
        strata=tuple(strata) if pair.strata else (),
    )


def turned(pair: Pair, wall: bool, cpu: bool) -> Pair:
    """The pair with its sides in each other's places, by these clocks."""
    return replace(
        pair,
        wall=pair.wall[::-1] if wall else pair.wall,
        cpu=pair.cpu[::-1] if cpu else pair.cpu,
    )


def any_alarm(run: Iterable[SequentialTest]) -> bool:
    """Whether a run over cells that did not change is wrong."""
    return any(test.verdict.is_alarm for test in run)


def log_wall(record: Record) -> float:
    """The logarithm of B's wall time over A's."""
    return record.pair.log_wall

"""Other programs that do the same job, measured beside this suite's in paired rounds of one run.

A peer's module gives one Peer for each way to run it that may be its best; the fastest is compared.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

SEED = 2026


class PeerAbsent(Exception):
    """The peer is not on this machine; the message says how to get it."""


class PeerFailed(Exception):
    """The peer ran and did not do its job; the message says what it said."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round gave, and the seconds that count of it."""

    seconds: float
    result: Any


@dataclass(frozen=True, slots=True)
class Peer:
    """A program in one setting, ready to run: ``command`` is exact, ``tuning`` is in words."""

    name: str
    version: str
    command: str
    tuning: str
    run: Callable[[], Round]


@dataclass(frozen=True, slots=True)
class Compared:
    """A cell and a peer that did the same. Times are seconds, one of each a pair of rounds.

    ``goal`` is the largest ratio of the cell's time to the peer's that is good enough, ``floor``
    the cell's floor in seconds, or None where it has none.
    """

    cell: str
    jobs: int
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    goal: float
    floor: float | None
    name: str
    version: str
    command: str
    tuning: str

    @property
    def ratios(self) -> list[float]:
        """The cell's time over the peer's, pair by pair."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles of the ratios."""
        low, _, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return (high - low) / 2

    @property
    def floor_share(self) -> float | None:
        """The floor over the cell's median time."""
        return self.floor / statistics.median(self.ours) if self.floor else None

    def figures(self) -> dict[str, Any]:
        """What the JSON is to hold."""
        return asdict(self) | {
            "ratio": self.ratio,
            "spread": self.spread,
            "floor_share": self.floor_share,
        }


def timed(work: Callable[[], Any]) -> Round:
    """A round of ``work``, all its time counted."""
    began = time.perf_counter()
    result = work()
    return Round(time.perf_counter() - began, result)


def fastest(candidates: Iterable[Peer], tries: int) -> Peer:
    """The candidate whose best of ``tries`` rounds is the shortest."""
    return min(candidates, key=lambda peer: min(peer.run().seconds for _ in range(tries)))


def paired_rounds(
    benchmark: Any,
    ours: Callable[[], Any],
    peer: Peer,
    check: Callable[[Any, Any], None],
    pairs: int,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Time ``ours`` with pytest-benchmark's fixture, and with each round, before or after it at
    random, one of the peer; give the seconds of both.

    ``check(result, peer_result)`` raises AssertionError unless both did the same. It sees every
    pair, and first of all one that is not timed.
    """
    check(ours(), peer.run().result)
    coin = random.Random(SEED)
    peer_first = [coin.random() < 0.5 for _ in range(pairs)]
    results: list[Any] = []
    rounds: list[Round] = []

    def before() -> None:
        if peer_first[len(rounds)]:
            rounds.append(peer.run())

    def after() -> None:
        if len(rounds) < len(results):
            rounds.append(peer.run())
        check(results[-1], rounds[-1].result)

    benchmark.pedantic(lambda: results.append(ours()), setup=before, teardown=after, rounds=pairs)
    return tuple(benchmark.stats.stats.data), tuple(one.seconds for one in rounds)

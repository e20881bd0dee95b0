"""The turns of a workload: every model is visited once in each, in an order that is drawn anew.

A visit starts the model's pool, warms it up, times rounds, and stops the pool: so no idle pool of
another model stands beside it, and whatever drifts (a neighbour, the clock of the cores, a cache
that fills) hits all models alike.
"""

import gc
import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pytest_benchmark.fixture import PauseInstrumentation

from conlab.bench.contention import Contention
from conlab.bench.leading import chance, visits_needed

FEWEST = 3
MOST = 8
DEGREES = 4  # of freedom, from which what chance does is known well enough to say what is needed
LONG = 60.0  # seconds of a workload after which two turns have to do
SPARE = 10.0  # seconds of a workload in which all turns beyond the fewest have to end

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit: seconds of its rounds, of its pool's start and stop, and what others took."""

    rounds: tuple[float, ...]
    start: float
    stop: float
    contention: Contention

    @property
    def seconds(self) -> float:
        """The time of a round in this visit: what one burst hits is left out by the median."""
        return statistics.median(self.rounds)


@dataclass(slots=True)
class Turns:
    """The turns of one workload: which cell comes next, and when there are enough.

    ``alpha`` is the rate of errors of its table; ``seconds`` are those of each turn that ended.
    After the first, no turn begins that would not end within ``budget`` seconds of all of them.
    """

    name: str
    seed: int
    alpha: float
    budget: float = math.inf
    visits: dict[str, list[Visit]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    now: Callable[[], float] = time.monotonic

    def take(self, cells: Sequence[T], visit: Callable[[T], None]) -> None:
        """Visit every cell in turn until there are enough turns.

        ``visit`` is given a cell each time. Those of ``cells`` that are taken out of the list
        meanwhile are visited no more.
        """
        while cells and self.is_another_needed:
            began = self.now()
            for cell in drawn(cells, self.seed, self.name, len(self.seconds)):
                visit(cell)
            self.seconds.append(self.now() - began)

    @property
    def is_another_needed(self) -> bool:
        """Say whether there should be one more turn: enough are there, or no time is left."""
        done, spent = len(self.seconds), sum(self.seconds)
        if done and spent + spent / done > self.budget:
            return False
        if done < 2:
            return True
        if done < self.fewest:
            return spent < LONG
        return done < self.needed and spent + spent / done <= SPARE

    @property
    def fewest(self) -> int:
        """How many turns there are where they do not take long: two models need more than six."""
        if len(self.visits) < 2:
            return FEWEST
        return min(MOST, max(FEWEST, 1 + math.ceil(DEGREES / (len(self.visits) - 1))))

    @property
    def needed(self) -> int:
        """How many turns tell a lead that matters, going by what chance did so far.

        It is asked how far the visits of a model lie apart, never which model leads: else to go on
        as long as that suits would make more errors than are stated.
        """
        logs = [
            [math.log(visit.seconds) for visit in found]
            for found in self.visits.values()
            if len(found) == len(self.seconds)
        ]
        if len(logs) < 2 or len(self.seconds) < 2:
            return 2
        return visits_needed(chance(logs), len(logs), self.alpha, MOST)


def drawn(cells: Sequence[T], seed: int, workload: str, turn: int) -> list[T]:
    """The cells in the order of that turn, the same again from the same seed."""
    return random.Random(f"{seed} {workload} {turn}").sample(list(cells), len(cells))


def timed(call: Callable[[], object], disable_gc: bool) -> float:
    """Seconds of a call, with what traces this thread put aside, as pytest-benchmark does."""
    enabled = gc.isenabled()
    with PauseInstrumentation():  # type: ignore[no-untyped-call]  # it has no annotations
        if disable_gc:
            gc.disable()
        try:
            began = time.perf_counter()
            call()
            return time.perf_counter() - began
        finally:
            if enabled:
                gc.enable()


def hand_over(rounds: Sequence[float], benchmark: Any) -> None:
    """Give pytest-benchmark's fixture rounds that were timed before.

    It times in one stretch, and only once; the rounds were timed in several visits. So it gets a
    clock that shows for each round what that took.
    """
    hands = shown(rounds)

    def perf_counter() -> float:
        return next(hands)

    benchmark._timer = perf_counter
    benchmark.pedantic(lambda: None, rounds=len(rounds))


def shown(rounds: Sequence[float]) -> Iterator[float]:
    """What that clock shows, at the beginning and at the end of each round."""
    for seconds in rounds:
        yield 0.0
        yield seconds

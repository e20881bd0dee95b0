"""Schedules drawn by chance within a bound: what they come to, a search within it must find."""

import random
from collections.abc import Callable, Hashable, Iterator
from math import inf
from typing import Any

from conlab.explorer.search.traced import TracedSchedule


class DrawnSchedule(TracedSchedule):
    """Each choice is drawn from those that the bound still allows."""

    __slots__ = ("_bound", "_chance")

    def __init__(self, chance: random.Random, bound: int | None) -> None:
        super().__init__(bounded=bound is not None)
        self._chance, self._bound = chance, inf if bound is None else bound

    def choose(self, costs: tuple[int, ...], site: Hashable, default: int = 0) -> int:  # noqa: ARG002
        left = self._bound - self.preemptions
        allowed = [at for at, cost in enumerate(costs) if cost <= left]
        return super().choose(costs, site, self._chance.choice(allowed))

    def choose_thread(
        self,
        costs: tuple[int, ...],
        site: Hashable,
        threads: tuple[int, ...],  # noqa: ARG002 - whoever they are
        timed: int,  # noqa: ARG002
    ) -> int:
        return self.choose(costs, site)


def drawn(
    execute: Callable[[DrawnSchedule], Any], bound: int | None, schedules: int, seed: int = 0
) -> Iterator[DrawnSchedule]:
    """Execute and give so many schedules."""
    chance = random.Random(seed)
    for _ in range(schedules):
        schedule = DrawnSchedule(chance, bound)
        execute(schedule)
        yield schedule

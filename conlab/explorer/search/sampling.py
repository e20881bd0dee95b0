"""Draws schedules by chance: a walk that is uniform over the orders of the steps that matter.

Selectively uniform random walk (Zhao, Wolff, Mathur and Roychoudhury, *Selectively uniform
concurrency testing*, ASPLOS 2025). To draw each order with the same chance, the thread that takes
the next step that matters is drawn in proportion to how many such steps each has left, as one trial
execution counted them; what does not matter goes on meanwhile in any order. Where threads neither
wait nor branch this is uniform; where they do, each order still has a chance.

How many schedules were not met is estimated from those that were met once: Good, *The population
frequencies of species and the estimation of population parameters*, Biometrika 1953.
"""

import random
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from conlab.explorer.search.budget import Budget
from conlab.explorer.search.happens_before import HappensBefore, TracedStep
from conlab.explorer.search.schedule import Schedule
from conlab.explorer.search.traced import TracedSchedule

T = TypeVar("T")
MOST_SAMPLES = 10_000  # behind a search, where nobody has said how many


class SampledSchedule(TracedSchedule):
    """A schedule whose choices are drawn; ``matter`` are places at which a step matters."""

    __slots__ = ("_at", "_chance", "_intended", "_left", "_matter")

    def __init__(
        self, chance: random.Random, left: Mapping[int, int], matter: Container[Hashable]
    ) -> None:
        """Draw by ``chance``; ``left`` says how many steps that matter each thread has."""
        super().__init__()
        self._chance = chance
        self._left = dict(left)
        self._matter = matter
        self._at: dict[int, Hashable] = {}  # where each thread has stopped
        self._intended = self._draw(tuple(self._left))

    def choose(self, costs: tuple[int, ...], site: Hashable, default: int = 0) -> int:  # noqa: ARG002
        """Return an option, each with the same chance: this is no order of threads."""
        return super().choose(costs, site, self._one_of(range(len(costs))))

    def choose_thread(
        self, costs: tuple[int, ...], site: Hashable, threads: tuple[int, ...], timed: int
    ) -> int:
        """Return which thread takes the next step: of those whose step matters, the drawn one."""
        match site:
            case (int(stopped), place):
                self._at[stopped] = place
        enabled = threads[: len(threads) - timed]
        free = [
            option
            for option, thread in enumerate(enabled)
            if thread == self._intended or not self._matters(thread)
        ]
        if enabled and not free:
            self._intended = self._draw(enabled)
            free = [enabled.index(self._intended)]
        free += range(len(enabled), len(threads))
        return Schedule.choose(self, costs, site, self._one_of(free))

    def begin(self, thread: int, known: int = 0) -> TracedStep:
        """Take note that a thread begins its next step, and draw who is next if that matters."""
        step = super().begin(thread, known)
        if self._matters(thread):
            self._left[thread] = max(0, self._left.get(thread, 0) - 1)
            self._intended = self._draw(tuple(self._left))
        self._at.pop(thread, None)
        return step

    def _matters(self, thread: int) -> bool:
        return self._at.get(thread) in self._matter

    def _draw(self, threads: tuple[int, ...]) -> int:
        if not threads:
            return -1
        sums = list(accumulate(self._left.get(thread, 0) for thread in threads))
        if not sums[-1]:
            return self._one_of(threads)
        return threads[bisect(sums, self._chance.random() * sums[-1])]

    def _one_of(self, options: Sequence[T]) -> T:
        """Draw one, each with the same chance.

        By `random`, which is in C: what is in Python would be taken for code that the program runs.
        """
        return options[int(self._chance.random() * len(options))]


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was drawn: so many schedules, how many of them differ, how many of these came once."""

    schedules: int
    differing: int
    once: int
    seed: int

    @property
    def chance_of_new(self) -> float:
        """The chance that a next one differs from all that were drawn, as far as these tell."""
        return self.once / self.schedules if self.schedules else 1.0


def sample(
    fails: Callable[[SampledSchedule], bool],
    draw: Callable[[random.Random], SampledSchedule],
    number: Callable[[SampledSchedule], int],
    budget: Budget,
    seed: int,
) -> tuple[Sampled, SampledSchedule | None, set[int]]:
    """Execute schedules drawn by ``draw`` until one fails or the budget is over.

    ``number`` is the same for two schedules that do not differ. Returns also the one that fails,
    and the numbers that were met.
    """
    chance = random.Random(seed)
    met: Counter[int] = Counter()
    failing: SampledSchedule | None = None
    while not budget.over and failing is None:
        budget.spend()
        schedule = draw(chance)
        if fails(schedule):
            failing = schedule
        met[number(schedule)] += 1
    return sampled(met, seed), failing, set(met)


def sampled(met: Counter[int], seed: int) -> Sampled:
    """Say what was drawn, from how often each was met."""
    once = sum(1 for times in met.values() if times == 1)
    return Sampled(met.total(), len(met), once, seed)


def trace_of(schedule: TracedSchedule) -> int:
    """Return the number of a schedule's trace, which nobody has ordered yet."""
    order = HappensBefore()
    for step in schedule.steps:
        order.add(step)
    return schedule.trace

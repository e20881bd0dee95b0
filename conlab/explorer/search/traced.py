"""A schedule whose steps are traced, and its forks: who goes first there, and who need go first."""

from array import array
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, Self

from conlab.explorer.search.happens_before import Location, TracedStep, dependent
from conlab.explorer.search.schedule import Schedule

Touches = dict[Location, bool]


class Redundant(Exception):
    """Whatever the execution can still do was done by an earlier one."""


class Demand(NamedTuple):
    """What a race demands of a choice: that one of the enabled, or everybody, goes first."""

    choice: int
    enabled: tuple[int, ...]  # that can begin with what leads to the other order; none are all
    best: int  # of those


@dataclass(slots=True, eq=False)
class Fork:
    """A choice between threads: which were enabled, which have been tried, which need be."""

    step: int  # the number of the step that it chose
    choice: int  # its own number among the choices
    spent: int  # preemptions before it
    threads: tuple[int, ...]
    costs: tuple[int, ...]
    tried: dict[int, Touches] = field(default_factory=dict)
    needed: dict[int, None] = field(default_factory=dict)  # in the order in which it came up
    asleep: dict[int, Touches] = field(default_factory=dict)

    def need(self, demand: Demand) -> None:
        """Have those go first as well that a race demands, if none of them does."""
        if not demand.enabled:
            self.needed |= dict.fromkeys(self.threads)
        elif self.needed.keys().isdisjoint(demand.enabled):
            self.needed[demand.best] = None

    def untried(self, bound: int | None) -> Iterator[int]:
        """Give the threads that are still to go first, in that order."""
        for thread in self.needed:
            if thread not in self.tried and thread not in self.asleep:
                cost = self.costs[self.threads.index(thread)]
                if bound is None or self.spent + cost <= bound:
                    yield thread

    def open(self, bound: int | None) -> bool:
        """Whether some are."""
        return next(self.untried(bound), None) is not None


@dataclass(frozen=True, slots=True)
class Branch:
    """Where an execution begins: the choices to replay, and who sleeps from which step on."""

    choices: tuple[int, ...] = ()
    sites: tuple[Hashable, ...] = ()
    asleep: dict[int, Touches] = field(default_factory=dict)
    step: int = 0  # that the last of the choices chose
    bounded: bool = False  # whether it counts what a choice costs


def whole(bound: int | None) -> Branch:
    """Return where a search of everything within a bound begins."""
    return Branch(bounded=bound is not None)


class TracedSchedule(Schedule):
    """A schedule that takes note of the steps, and chooses none that sleeps."""

    __slots__ = (
        "_awake_from",
        "_instead",
        "asleep",
        "bounded",
        "choice_of",
        "forks",
        "pending",
        "redundant",
        "steps",
    )

    def __init__(
        self,
        replay: tuple[int, ...] = (),
        sites: Sequence[Hashable] | None = None,
        asleep: dict[int, Touches] | None = None,
        awake_from: int = 0,
        *,
        bounded: bool = False,
    ) -> None:
        """Replay these choices; from step ``awake_from`` on, let the threads ``asleep`` sleep."""
        super().__init__(replay, sites)
        self.steps: list[TracedStep] = []
        self.forks: list[Fork] = []  # of the choices that are not replayed
        self.choice_of: dict[int, int] = {}  # of each step that was chosen
        self.pending: list[TracedStep] = []  # what those would do next that have not ended
        self.redundant = False
        self.asleep = dict(asleep or {})
        self.bounded = bounded  # whether it counts what a choice costs
        self._awake_from = awake_from
        self._instead: tuple[int, ...] = ()

    @classmethod
    def at(cls, branch: Branch) -> Self:
        """Return the schedule of the execution that begins with a branch."""
        asleep, step = branch.asleep, branch.step
        return cls(branch.choices, branch.sites, asleep, step, bounded=branch.bounded)

    def choose_thread(
        self, costs: tuple[int, ...], site: Hashable, threads: tuple[int, ...], timed: int
    ) -> int:
        """Return which of ``threads`` takes the next step: none that sleeps."""
        self._instead = threads[: len(threads) - timed]
        if len(self.choices) < len(self._replay):
            self.choice_of[len(self.steps)] = len(self.choices)
            return self.choose(costs, site)
        self._settle()
        awake = [at for at, thread in enumerate(threads) if thread not in self.asleep]
        if not awake:
            raise Redundant
        self.choice_of[len(self.steps)] = len(self.choices)
        self.forks.append(
            Fork(
                len(self.steps),
                len(self.choices),
                self.preemptions,
                threads,
                costs,
                needed=dict.fromkeys([threads[awake[0]], *threads[len(threads) - timed :]]),
                asleep=dict(self.asleep),
            )
        )
        return self.choose(costs, site, awake[0])

    def choose_way(self, costs: tuple[int, ...], site: Hashable) -> int:
        """Return which way the step goes on that is being taken: each way, one after the other.

        Of what else the step does another way is known only when it has been taken. So whoever
        sleeps beside it is woken by the step's ``varies``, whatever it touches.
        """
        if len(self.choices) >= len(self._replay):
            ways = tuple(-1 - way for way in range(len(costs)))  # are no threads
            self.forks.append(
                Fork(
                    len(self.steps) - 1,
                    len(self.choices),
                    self.preemptions,
                    ways,
                    costs,
                    needed=dict.fromkeys(ways),
                    asleep=dict(self.asleep),
                )
            )
        way = self.choose(costs, site)
        step = self.steps[-1]
        step.way = (step.way * 3 + way + 1) % (2**31 - 1)  # of all that were chosen in it
        return way

    @property
    def trace(self) -> int:
        """A number for the order that the steps' dependence makes: two of one trace have the same.

        Two of different traces have the same with a chance of one in 2 ** 64. That is why it is no
        sum of `hash`, of which small numbers make many that are alike.
        """
        numbers = array("L")
        for step in sorted(self.steps, key=lambda step: step.thread):
            numbers.extend(
                (step.thread, 2 * step.way + step.timed_out, len(step.clock), *step.clock)
            )
        return int.from_bytes(blake2b(numbers, digest_size=8).digest())

    def begin(self, thread: int, known: int = 0) -> TracedStep:
        """Take note that a thread begins its next step; so many objects are known by now."""
        self._settle()
        if thread in self.asleep and len(self.steps) >= self._awake_from:
            raise Redundant
        step = TracedStep(thread, known=known, instead=self._instead)
        self._instead = ()
        self.steps.append(step)
        return step

    def _settle(self) -> None:
        """Wake those whose next step depends on the last one that was taken."""
        if self.asleep and len(self.steps) > self._awake_from:
            touches = self.steps[-1].touches
            for thread in [a for a, its in self.asleep.items() if dependent(its, touches)]:
                del self.asleep[thread]

"""Executes one schedule of each trace: those that differ only in the order of independent steps.

Without a bound this is source-DPOR with sleep sets (Abdulla, Aronis, Jonsson and Sagonas, *Source
sets: a foundation for optimal dynamic partial order reduction*, JACM 2017). With a bound it is
bounded partial-order reduction (Coons, Musuvathi and McKinley, *Bounded partial-order reduction*,
OOPSLA 2013): to let a thread go first right before the step that it races with may cost a
preemption more than the bound allows, and to let it go first where the turn before that step began
does not. So it is let go first there, too; and before a step that ends its wait, for if it comes to
wait there, the turn goes back for nothing. What sleeps in one branch may be cut by the bound in the
other, so nobody sleeps.

Within a bound the promise is of what each thread can come to, and so of each outcome. A trace can
have schedules that cost more than others; that one within the bound is met of each trace is not
proved, but compared with plain enumeration by the tests. So a count of traces is of those executed.

What is no order of two threads, as that a wait times out, is taken every way.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from conlab.explorer.search.happens_before import HappensBefore
from conlab.explorer.search.reversals import demands
from conlab.explorer.search.schedule import Diverged
from conlab.explorer.search.traced import (
    Branch,
    Demand,
    Fork,
    Redundant,
    Touches,
    TracedSchedule,
    whole,
)

Unknown = tuple[tuple[str, int], ...]  # how often was done what touches everything
T = TypeVar("T")


class Noted(NamedTuple):
    """What is to be said of an execution besides: whether a loop was held back, and more."""

    held_back: bool = False
    unknown: Unknown = ()
    steps: int = 0  # that it had


NOTHING = Noted()


class Executed(NamedTuple):
    """What came of one execution.

    ``choices`` and ``preemptions`` are of one that fails.
    """

    trace: int
    fails: bool = False
    redundant: bool = False
    choices: tuple[int, ...] = ()
    preemptions: int = 0
    noted: Noted = NOTHING

    @classmethod
    def of(cls, schedule: TracedSchedule, fails: bool, noted: Noted = NOTHING) -> "Executed":
        """Say what came of executing a schedule."""
        return cls(
            0 if schedule.redundant else schedule.trace,
            fails,
            schedule.redundant,
            tuple(schedule.choices) if fails else (),
            schedule.preemptions if fails else 0,
            noted,
        )


class Subtree:
    """The executions that begin with the same choices, depth first: what is left of them.

    What it demands of the choices before those is for whoever began it to meet. Between two
    executions it can be pickled.
    """

    __slots__ = (
        "_branch",
        "_choices",
        "_last",
        "_order",
        "_sites",
        "bound",
        "demanded",
        "forks",
        "root",
        "touches",
    )  # fmt: skip

    def __init__(self, branch: Branch, bound: int | None) -> None:
        """Begin with no execution."""
        self.bound = bound
        self.root = len(branch.choices)  # the number of the first choice that it makes itself
        self.forks: list[Fork] = []
        self.touches: Touches | None = None  # of the step that the last choice before it chose
        self.demanded: set[Demand] = set()  # of the choices before it
        self._branch: Branch | None = branch
        self._last: TracedSchedule | None = None
        self._order = HappensBefore()  # of its steps
        self._choices: Sequence[int] = branch.choices  # of the last execution
        self._sites: Sequence[Hashable] = branch.sites

    def next(self) -> Branch | None:
        """Return where the next execution begins: at the last fork of which one is still needed."""
        if self._branch is not None:
            return self._branch
        while self.forks:
            fork = self.forks[-1]
            self._settle(fork)
            for thread in fork.untried(self.bound):
                self._branch = self.branch(fork, thread, fork.tried)
                return self._branch
            self.forks.pop()
        return None

    def branch(self, fork: Fork, thread: int, tried: dict[int, Touches]) -> Branch:
        """Return where an execution begins in which the thread goes first, after those tried."""
        threads = {each: touches for each, touches in tried.items() if each >= 0}  # and no ways
        asleep = {} if self.bound is not None else fork.asleep | threads
        choices = (*self._choices[: fork.choice], fork.threads.index(thread))
        sites = tuple(self._sites[: fork.choice])
        return Branch(choices, sites, asleep, fork.step, self.bound is not None)

    def take(self, schedule: TracedSchedule) -> list[Demand]:
        """Take what was executed last; return what is newly demanded of the choices before."""
        branch, self._branch = self._branch, None
        assert branch is not None
        if self.touches is None and branch.choices and self.bound is None:
            self.touches = schedule.steps[branch.step].touches_in_any_execution()
        self._last, self._choices, self._sites = schedule, schedule.choices, schedule.sites
        self.forks += schedule.forks
        self._order.cut(branch.step)  # what comes before the branch is as it was
        schedule.steps[: len(self._order.steps)] = self._order.steps
        above: list[Demand] = []
        for demand in dict.fromkeys(demands(schedule, self._order, branch.step, self.bound)):
            if demand.choice >= self.root:
                self.need(demand)
            elif demand not in self.demanded:
                self.demanded.add(demand)
                above.append(demand)
        return above

    def need(self, demand: Demand) -> None:
        """Meet a demand of one of its own forks."""
        at = bisect_left(self.forks, demand.choice, key=lambda fork: fork.choice)
        if at < len(self.forks) and self.forks[at].choice == demand.choice:
            self.forks[at].need(demand)

    def split(self) -> "Subtree | None":
        """Give away the forks down to the first that needs more, if one does; go on below it."""
        self.settle()
        for at, fork in enumerate(self.forks):
            if fork.open(self.bound):
                upper = Subtree(Branch(), self.bound)
                upper.root, upper.forks = self.root, self.forks[: at + 1]
                upper._branch, upper._choices, upper._sites = None, self._choices, self._sites
                self.root, self.forks = fork.choice + 1, self.forks[at + 1 :]
                return upper
        return None

    def begun(self, branch: Branch, touches: Touches) -> None:
        """Take note that another explores this branch of the last fork, and what leads to it."""
        fork = self.forks[-1]
        fork.tried[fork.threads[branch.choices[fork.choice]]] = touches
        self._branch = None

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self._branch is None and not any(fork.open(self.bound) for fork in self.forks)

    def settle(self) -> None:
        """Forget the last execution, but for what its steps touched that the forks chose."""
        for fork in self.forks:
            self._settle(fork)
        if self.forks:
            self._branch = None  # the last of them says it as well
        self._last, self._choices, self._sites = None, tuple(self._choices), tuple(self._sites)

    def _settle(self, fork: Fork) -> None:
        taken = fork.threads[self._choices[fork.choice]]
        if self._last is not None and taken not in fork.tried:
            if fork.step >= len(self._last.steps):
                raise Diverged(f"a replay ended after {len(self._last.steps)} steps, too early")
            step = self._last.steps[fork.step]
            fork.tried[taken] = step.touches_in_any_execution() if self.bound is None else {}

    def __reduce__(self) -> tuple[object, ...]:
        """Be pickled as what it is between two executions."""
        self.settle()
        state = {name: getattr(self, name) for name in self.__slots__ if name != "_order"}
        return Subtree, (Branch(), self.bound), (None, state)


def reduced_schedules(
    execute: Callable[[TracedSchedule], object], bound: int | None
) -> Iterator[TracedSchedule]:
    """Execute at least one schedule of each trace of at most ``bound`` preemptions, or of any.

    Yields each, also those that are redundant: what those are of was executed before.
    """
    tree = Subtree(whole(bound), bound)
    while (branch := tree.next()) is not None:
        schedule = TracedSchedule.at(branch)
        run(execute, schedule)
        tree.take(schedule)
        yield schedule


def executions(fails: Callable[[TracedSchedule], bool], bound: int | None) -> Iterator[Executed]:
    """Give what came of each; ``fails`` executes a schedule and says whether it fails."""
    failed = False

    def execute(schedule: TracedSchedule) -> None:
        nonlocal failed
        failed = False
        failed = fails(schedule)

    for schedule in reduced_schedules(execute, bound):
        yield Executed.of(schedule, failed)


def run(execute: Callable[[TracedSchedule], T], schedule: TracedSchedule) -> T | None:
    """Execute a schedule; it may turn out to be redundant."""
    try:
        return execute(schedule)
    except Redundant:
        schedule.redundant = True
        return None

"""Executes one schedule of each trace: those that differ only in the order of independent steps.

Without a bound this is source-DPOR with sleep sets (Abdulla, Aronis, Jonsson and Sagonas, *Source
sets: a foundation for optimal dynamic partial order reduction*, JACM 2017). With a bound it is
bounded partial-order reduction (Coons, Musuvathi and McKinley, *Bounded partial-order reduction*,
OOPSLA 2013): to let a thread go first right before the step that it races with may cost a
preemption more than the bound allows, and to let it go first where the turn before that step began
does not. So it is let go first there, too; and before a step that ends its wait, for if it comes to
wait there, the turn goes back for nothing. What sleeps in one branch may be cut by the bound in the
other, so nobody sleeps.

What is no order of two threads, as that a wait times out, is taken every way.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, Self, TypeVar

from conlab.explorer.search.happens_before import HappensBefore, Location, TracedStep, dependent
from conlab.explorer.search.schedule import Schedule

Touches = dict[Location, bool]
Unknown = tuple[tuple[str, int], ...]  # how often was done what touches everything
T = TypeVar("T")


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
        above: list[Demand] = []
        for demand in dict.fromkeys(_demands(schedule, branch.step, self.bound)):
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
            step = self._last.steps[fork.step]
            fork.tried[taken] = step.touches_in_any_execution() if self.bound is None else {}

    def __reduce__(self) -> tuple[object, ...]:
        """Be pickled as what it is between two executions."""
        self.settle()
        state = {name: getattr(self, name) for name in self.__slots__}
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


def _demands(schedule: TracedSchedule, since: int, bound: int | None) -> Iterator[Demand]:
    """Demand both orders of every race, of those whose later step is ``since`` or after."""
    order = HappensBefore()
    reverse = _reverse_anyway if bound is None else _reverse_within_bound
    for here, step in enumerate(schedule.steps):
        races = _reversible(order, step, bound) if here >= since else []
        order.add(step)
        for earlier in races:
            yield from reverse(schedule, schedule.steps[: here + 1], earlier, step)
    for step in schedule.pending:
        step.clock = order.clock_of(step)
        for earlier in _reversible(order, step, bound):
            yield from reverse(schedule, [*schedule.steps, step], earlier, step)


def _reversible(order: HappensBefore, step: TracedStep, bound: int | None) -> list[int]:
    """Give the earlier steps before which, or instead of which, a step's thread may have to go."""
    races = order.races(step)
    return races if bound is None else races + order.enabling(step)


def _reverse_within_bound(
    schedule: TracedSchedule, steps: list[TracedStep], earlier: int, later: TracedStep
) -> Iterator[Demand]:
    """Let the later step's thread go first, right there and where the turn before it began."""
    turn = max(earlier - 1, 0)
    while turn and steps[turn - 1].thread == steps[turn].thread:
        turn -= 1
    for at in dict.fromkeys([earlier, turn]):
        if (choice := schedule.choice_of.get(at)) is not None:
            enabled = (later.thread,) if later.thread in steps[at].instead else ()
            yield Demand(choice, enabled, later.thread)


def _reverse_anyway(
    schedule: TracedSchedule, steps: list[TracedStep], earlier: int, later: TracedStep
) -> Iterator[Demand]:
    """Have somebody go first who can bring the later step about without the earlier one."""
    choice = schedule.choice_of.get(earlier)
    if choice is None:
        return  # nobody else could have gone on
    first = _first_without(steps, earlier, later)
    enabled = tuple(thread for thread in first if thread in steps[earlier].instead)
    best = later.thread if later.thread in enabled or not enabled else enabled[0]
    yield Demand(choice, enabled, best)


def _first_without(steps: list[TracedStep], earlier: int, later: TracedStep) -> list[int]:
    """Give the threads that can begin with what leads to the later step without the earlier one."""
    gone = steps[earlier]
    seen: dict[int, TracedStep] = {}
    first: list[int] = []
    for step in steps[earlier + 1 :]:
        if step.thread in seen or (step is not later and gone.comes_before(step.clock)):
            continue
        if not any(before.comes_before(step.clock) for before in seen.values()):
            first.append(step.thread)
        seen[step.thread] = step
    return first

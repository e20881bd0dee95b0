"""Executes one schedule of each trace: those that differ only in the order of independent steps.

Without a bound this is source-DPOR with sleep sets (Abdulla, Aronis, Jonsson and Sagonas, *Source
sets: a foundation for optimal dynamic partial order reduction*, JACM 2017). With a bound it is
bounded partial-order reduction (Coons, Musuvathi and McKinley, *Bounded partial-order reduction*,
OOPSLA 2013): to let a thread go first right before the step that it races with may cost a
preemption more than the bound allows, and to let it go first where the other thread's turn began
does not. So it is let go first there, too. What sleeps in one branch may be cut by the bound in the
other, so nobody sleeps.

What is no order of two threads, as that a wait times out, is taken every way.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field

from conlab.explorer.search.happens_before import HappensBefore, Location, TracedStep, dependent
from conlab.explorer.search.schedule import Schedule

Touches = dict[Location, bool]


class Redundant(Exception):
    """Whatever the execution can still do was done by an earlier one."""


@dataclass(slots=True, eq=False)
class Fork:
    """A choice between threads: which were enabled, which have been tried, which need be."""

    step: int  # the number of the step that it chose
    choice: int  # its own number among the choices
    spent: int  # preemptions before it
    threads: tuple[int, ...]
    enabled: tuple[int, ...]  # those of them that would not time out
    costs: tuple[int, ...]
    tried: dict[int, Touches] = field(default_factory=dict)
    needed: set[int] = field(default_factory=set)
    asleep: dict[int, Touches] = field(default_factory=dict)


class TracedSchedule(Schedule):
    """A schedule that takes note of the steps, and chooses none that sleeps."""

    __slots__ = (
        "_awake_from",
        "_instead",
        "asleep",
        "bounded",
        "forks",
        "pending",
        "redundant",
        "steps",
    )

    def __init__(
        self,
        replay: tuple[int, ...] = (),
        sites: list[Hashable] | None = None,
        asleep: dict[int, Touches] | None = None,
        awake_from: int = 0,
        *,
        bounded: bool = False,
    ) -> None:
        """Replay these choices; from step ``awake_from`` on, let the threads ``asleep`` sleep."""
        super().__init__(replay, sites)
        self.steps: list[TracedStep] = []
        self.forks: list[Fork] = []  # of the choices that are not replayed
        self.pending: list[TracedStep] = []  # what those would do next that have not ended
        self.redundant = False
        self.asleep = dict(asleep or {})
        self.bounded = bounded  # whether it counts what a choice costs
        self._awake_from = awake_from
        self._instead: tuple[int, ...] = ()

    def choose_thread(
        self, costs: tuple[int, ...], site: Hashable, threads: tuple[int, ...], timed: int
    ) -> int:
        """Return which of ``threads`` takes the next step: none that sleeps."""
        self._instead = threads[: len(threads) - timed]
        if len(self.choices) < len(self._replay):
            return self.choose(costs, site)
        self._settle()
        awake = [at for at, thread in enumerate(threads) if thread not in self.asleep]
        if not awake:
            raise Redundant
        self.forks.append(
            Fork(
                len(self.steps),
                len(self.choices),
                self.preemptions,
                threads,
                self._instead,
                costs,
                needed={threads[awake[0]], *threads[len(threads) - timed :]},
                asleep=dict(self.asleep),
            )
        )
        return self.choose(costs, site, awake[0])

    @property
    def trace(self) -> int:
        """A number for the order that the steps' dependence makes: two of one trace have the same.

        Two of different traces have the same with a chance of one in 2 ** 61.
        """
        return sum(hash((step.thread, step.timed_out, *step.clock)) for step in self.steps)

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


def reduced_schedules(
    execute: Callable[[TracedSchedule], object], bound: int | None
) -> Iterator[TracedSchedule]:
    """Execute at least one schedule of each trace of at most ``bound`` preemptions, or of any."""
    forks: list[Fork] = []
    schedule = TracedSchedule(bounded=bound is not None)
    since = 0
    while True:
        try:
            execute(schedule)
        except Redundant:
            schedule.redundant = True
        forks += schedule.forks
        _find_races(schedule, forks, since, bound)
        if not schedule.redundant:
            yield schedule
        following = _next(forks, schedule, bound)
        if following is None:
            return
        since, schedule = forks[-1].step, following


def _next(forks: list[Fork], schedule: TracedSchedule, bound: int | None) -> TracedSchedule | None:
    """Return the schedule that takes, at the last fork that needs it, what was not taken yet."""
    while forks:
        fork = forks[-1]
        taken = fork.threads[schedule.choices[fork.choice]]
        if taken not in fork.tried:
            fork.tried[taken] = schedule.steps[fork.step].touches_in_any_execution()
        for option, (thread, cost) in enumerate(zip(fork.threads, fork.costs, strict=True)):
            if thread not in fork.needed or thread in fork.tried or thread in fork.asleep:
                continue
            if bound is not None and fork.spent + cost > bound:
                continue
            asleep = {} if bound is not None else fork.asleep | fork.tried
            choices = (*schedule.choices[: fork.choice], option)
            sites = schedule.sites[: fork.choice]
            return TracedSchedule(choices, sites, asleep, fork.step, bounded=bound is not None)
        forks.pop()
    return None


def _find_races(schedule: TracedSchedule, forks: list[Fork], since: int, bound: int | None) -> None:
    """Have both orders of every race tried, of those whose later step is ``since`` or after."""
    order = HappensBefore()
    at_step = {fork.step: fork for fork in forks}
    reverse = _reverse_anyway if bound is None else _reverse_within_bound
    for here, step in enumerate(schedule.steps):
        races = []
        if here >= since:
            races = order.races(step)
            if bound is not None:
                races += order.enabling(step)
        order.add(step)
        for earlier in races:
            reverse(at_step, schedule.steps[: here + 1], earlier, step)
    for step in schedule.pending:
        step.clock = order.clock_of(step)
        races = order.races(step)
        if bound is not None:
            races += order.enabling(step)
        for earlier in races:
            reverse(at_step, [*schedule.steps, step], earlier, step)


def _reverse_within_bound(
    forks: dict[int, Fork], steps: list[TracedStep], earlier: int, later: TracedStep
) -> None:
    """Let the later step's thread go first, right there and where the turn before it began."""
    turn = max(earlier - 1, 0)
    while turn and steps[turn - 1].thread == steps[turn].thread:
        turn -= 1
    for at in {earlier, turn}:
        if (fork := forks.get(at)) is not None:
            fork.needed.update([later.thread] if later.thread in fork.enabled else fork.threads)


def _reverse_anyway(
    forks: dict[int, Fork], steps: list[TracedStep], earlier: int, later: TracedStep
) -> None:
    """Have somebody go first who can bring the later step about without the earlier one."""
    fork = forks.get(earlier)
    if fork is None:
        return  # nobody else could have gone on
    first = _first_without(steps, earlier, later)
    enabled = [thread for thread in first if thread in fork.enabled]
    if not enabled:
        fork.needed.update(fork.threads)
    elif fork.needed.isdisjoint(enabled):
        fork.needed.add(later.thread if later.thread in enabled else enabled[0])


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

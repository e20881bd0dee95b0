"""Which reduced searches are made, in which order, until there is a verdict.

A search without a bound says most and is often the shortest, for only there threads may sleep; but
what fails in it may need many preemptions, and it may have no end. A search within a bound finds
what needs few preemptions, and executes many a trace again and again. So the first search has no
bound; when it takes long, it takes turns with those within a bound.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf

from conlab.explorer.search.budget import Budget
from conlab.explorer.search.found import Found
from conlab.explorer.search.reduction import Executed
from conlab.explorer.search.traces import Traces

AT_FIRST = 300  # executions without a bound, before anything is searched within one
ONCE_MORE = 1_500  # before the search within that many preemptions:
ONCE_MORE_AT = 2  # preemptions
FEWER = 2_000  # executions, at most, in search of fewer preemptions behind a failure
WITHIN = 600  # executions within a bound, and then so many without one, in turns:
WITHOUT = 300

Executions = Callable[[int | None], Iterator[Executed]]  # of the search within a bound
Show = Callable[[Executed], int]
Steer = Callable[[], tuple[Executed, int] | None]  # and how many preemptions it needs


class Search:
    """A reduced search within one bound, to be gone on with."""

    def __init__(self, executions: Executions, bound: int | None) -> None:
        """``executions`` gives what comes of each execution of the search within a bound."""
        self.bound = bound
        self.first: Executed | None = None
        self.ended = False
        self.traces = Traces()
        self.failing = Traces()
        self._executions = executions(bound)

    def passes(self) -> bool:
        """Whether it has ended and nothing has failed."""
        return self.ended and self.first is None

    def at_an_end(self, budget: Budget) -> bool:
        """Whether it goes no further, until a failure and within a budget."""
        return self.ended or self.first is not None or budget.over

    def go_on(self, budget: Budget, *, until_failure: bool) -> None:
        """Execute schedules until the budget is over, there are no more, or one has failed."""
        while not budget.over and not (until_failure and self.first):
            executed = next(self._executions, None)
            if executed is None:
                self.ended = True
                return
            budget.spend()
            if not executed.redundant:
                self.traces.add(executed.trace)
            if executed.fails:
                self.failing.add(executed.trace)
                self.first = self.first or executed

    def add(self, other: "Search") -> None:
        """Count the traces of another search as well, of fewer preemptions."""
        self.traces.update(other.traces)
        self.failing.update(other.failing)
        self.first = other.first or self.first

    def found(self, complete: int | None = None) -> Found:
        """Say what was found so far; ``complete`` is the bound of a search that has ended."""
        bound = self.bound if self.ended else complete
        counts = len(self.traces), len(self.failing)
        return Found(*counts, self.first, bound, self.ended, traces=self.traces)


def search_for_failure(
    executions: Executions,
    bound: int | None,
    budget: Budget,
    count_on: int,
    show: Show = lambda executed: executed.preemptions,
    steer: Steer = lambda: None,
    at_most: Callable[[int], int] = lambda executions: executions,
) -> Found:
    """Search until a schedule fails, or all up to ``bound`` preemptions were executed.

    And all beyond, where that is soon done. The first that fails is given to ``show`` at once,
    which says how many preemptions it needs; then one with fewer is looked for, and ``count_on``
    schedules more are executed to say how many fail. ``steer`` is asked for a failing schedule, and
    how many preemptions that needs, when the first search has found none. ``at_most`` makes of a
    number of executions a smaller one where the last was long.
    """
    whole = Search(executions, None)
    whole.go_on(budget.part(executions=1), until_failure=True)
    whole.go_on(budget.part(1 / 3, at_most(AT_FIRST)), until_failure=True)
    if whole.passes():
        return whole.found()
    highest = inf if bound is None else bound
    first = whole.first
    if first is not None:
        highest = min(highest, show(first) - 1)
    elif (steered := steer()) is not None:
        first, fewest = steered
        highest = min(highest, fewest - 1)
    looking = budget if first is None else budget.part(1 / 2, at_most(FEWER))
    done: Search | None = None
    for level in itertools.count():
        if first is None and level == ONCE_MORE_AT:
            more = at_most(ONCE_MORE) if bound is not None else inf
            whole.go_on(looking.part(executions=more), until_failure=True)
        if level > highest or looking.over:
            break
        current = Search(executions, level)
        if first is None:
            _in_turns(current, whole, looking, at_most)
            if whole.passes():
                return whole.found()
            if whole.first is not None:
                first, looking = whole.first, budget.part(1 / 2, at_most(FEWER))
                highest = min(highest, show(first) - 1)
        if level <= highest:
            current.go_on(looking, until_failure=True)
        if current.first is not None:
            show(current.first)
            return _counted(current, whole, done, budget, count_on)
        if not current.ended and first is None:
            return _unfinished(current, done)
        if not current.ended:
            break
        done = current
    if whole.first is not None:
        return _counted(whole, whole, done, budget, count_on)
    if first is not None:
        return _counted_from(first, Search(executions, int(highest) + 1), done, budget, count_on)
    if done is not None and done.bound == bound:
        return done.found()
    return _unfinished(whole, done)


def _in_turns(
    within: Search, without: Search, budget: Budget, at_most: Callable[[int], int]
) -> None:
    """Search within a bound and without one, until either goes no further."""
    while not (within.at_an_end(budget) or without.at_an_end(budget)):
        within.go_on(budget.part(executions=at_most(WITHIN)), until_failure=True)
        if not within.at_an_end(budget):
            without.go_on(budget.part(executions=at_most(WITHOUT)), until_failure=True)


def search_all(
    executions: Executions,
    bound: int | None,
    budget: Budget,
    show: Show = lambda executed: executed.preemptions,
) -> Found:
    """Search all schedules of up to ``bound`` preemptions, or of any number, whatever fails."""
    if bound is not None:
        return _every_level(executions, bound, budget, show)
    whole = Search(executions, None)
    whole.go_on(budget, until_failure=False)
    if whole.first is None:
        return whole.found() if whole.ended else _unfinished(whole, None)
    fewest = show(whole.first)
    for level in range(fewest):
        lower = Search(executions, level)
        lower.go_on(budget, until_failure=True)
        if lower.first is not None:
            show(lower.first)
            return replace(whole.found(), first=lower.first)
        if not lower.ended:
            break
    return whole.found() if whole.ended else _unfinished(whole, None)


def _every_level(executions: Executions, bound: int, budget: Budget, show: Show) -> Found:
    done: Search | None = None
    for level in range(bound + 1):
        current = Search(executions, level)
        current.go_on(budget, until_failure=False)
        if current.first is not None and (done is None or done.first is None):
            show(current.first)
        if done is not None:
            current.add(done)
        if not current.ended:
            return _unfinished(current, done)
        done = current
    assert done is not None
    return done.found()


def _counted(
    failed: Search, whole: Search, done: Search | None, budget: Budget, count_on: int
) -> Found:
    """Say how many fail: of all traces, where all are soon executed."""
    if not whole.ended:
        whole.go_on(budget.part(executions=min(AT_FIRST, count_on)), until_failure=False)
    if whole.ended:
        return replace(whole.found(), first=failed.first)
    failed.go_on(budget.part(executions=count_on), until_failure=False)
    return failed.found(_bound_of(done))


def _counted_from(
    first: Executed, level: Search, done: Search | None, budget: Budget, count_on: int
) -> Found:
    """Say how many fail of as many preemptions as one that no search has found."""
    level.go_on(budget.part(executions=count_on), until_failure=False)
    level.traces.add(first.trace)
    level.failing.add(first.trace)
    return replace(level.found(_bound_of(done)), first=first)


def _unfinished(current: Search, done: Search | None) -> Found:
    """Say what was found when the budget was over; ``done`` is the last search that has ended."""
    before = done.traces if done is not None else Traces()
    beyond = sum(trace not in before for trace in current.traces)
    current.traces.update(before)
    return replace(current.found(_bound_of(done)), exhausted=False, beyond=beyond)


def _bound_of(done: Search | None) -> int | None:
    return done.bound if done is not None else None

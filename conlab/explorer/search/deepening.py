"""Which reduced searches are made, in which order, until there is a verdict.

A search without a bound says most and is often the shortest, for only there threads may sleep; but
what fails in it may need many preemptions, and it may have no end. A search within a bound finds
what needs few preemptions, and executes many a trace again and again. So the first search has no
bound, and is left for a while when it takes long.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf

from conlab.explorer.search.reduction import Executed

AT_FIRST = 300  # executions without a bound, before anything is searched within one
ONCE_MORE = 1_500  # before the search within that many preemptions:
ONCE_MORE_AT = 2  # preemptions

Executions = Callable[[int | None], Iterator[Executed]]  # of the search within a bound


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: of so many traces so many fail, ``first`` with the fewest preemptions."""

    traces: int
    failing: int
    first: Executed | None
    bound: int | None  # up to which every trace was executed, if it was
    exhausted: bool


class Search:
    """A reduced search within one bound, to be gone on with."""

    def __init__(self, executions: Executions, bound: int | None) -> None:
        """``executions`` gives what comes of each execution of the search within a bound."""
        self.bound = bound
        self.first: Executed | None = None
        self.ended = False
        self.executions = 0
        self.traces: set[int] = set()
        self.failing: set[int] = set()
        self._executions = executions(bound)

    def go_on(self, executions: float, *, until_failure: bool) -> None:
        """Execute so many schedules more, if there are, or until the first that fails."""
        enough = self.executions + executions
        while self.executions < enough and not (until_failure and self.first):
            executed = next(self._executions, None)
            if executed is None:
                self.ended = True
                return
            self.executions += 1
            if not executed.redundant:
                self.traces.add(executed.trace)
            if executed.fails:
                self.failing.add(executed.trace)
                self.first = self.first or executed

    def with_those_of(self, lower: "Search") -> "Search":
        """Count the traces of a search within a lower bound as well."""
        self.traces |= lower.traces
        self.failing |= lower.failing
        self.first = lower.first or self.first
        return self

    def found(self) -> Found:
        """Say what was found so far."""
        failing = len(self.failing)
        return Found(len(self.traces), failing, self.first, self.bound, self.ended)


def search(executions: Executions, bound: int | None, most: int, count_on: int | None) -> Found:
    """Search until there is a verdict, or about ``most`` schedules were executed.

    Up to ``bound`` preemptions everything is executed, and all beyond where that is soon done.
    After the first schedule that fails up to ``count_on`` more are, to say how many fail; if it is
    None, all that there are up to the bound.
    """
    executed = 0

    def counted(within: int | None) -> Iterator[Executed]:
        nonlocal executed
        for each in executions(within):
            executed += 1
            yield each

    def left(at_most: float = inf) -> float:
        return min(most - executed, at_most)

    whole = Search(counted, None)
    if bound is None or count_on is not None:
        first_go = AT_FIRST if count_on is not None else inf
        whole.go_on(left(first_go), until_failure=count_on is not None)
        if whole.ended and not whole.first:
            return whole.found()
    done: Search | None = None
    for level in itertools.count():
        if level == ONCE_MORE_AT and count_on is not None and not whole.first:
            whole.go_on(left(ONCE_MORE if bound is not None else inf), until_failure=True)
            if whole.ended and not whole.first:
                return whole.found()
        highest = inf if bound is None else bound
        if whole.first:
            highest = min(highest, whole.first.preemptions - 1)
        if level > highest or left() <= 0:
            break
        current = Search(counted, level)
        current.go_on(left(), until_failure=count_on is not None or whole.ended)
        if current.first and (count_on is not None or whole.ended):
            return _counted(current, whole, left, count_on)
        if not current.ended:
            return _unfinished(current, done)
        done = current if done is None else current.with_those_of(done)
    if whole.first:
        return _counted(whole, whole, left, count_on)
    if done is not None and done.bound == bound:
        return done.found()
    return _unfinished(whole, done)


def _counted(
    failed: Search, whole: Search, left: Callable[[float], float], count_on: int | None
) -> Found:
    """Say how many fail: of all traces, where all are soon executed."""
    more = inf if count_on is None else count_on
    if not whole.ended:
        whole.go_on(left(min(AT_FIRST, more)), until_failure=False)
    if whole.ended:
        return replace(whole.found(), first=failed.first)
    failed.go_on(left(more), until_failure=False)
    return failed.found()


def _unfinished(current: Search, done: Search | None) -> Found:
    bound = done.bound if done is not None else None
    return replace(current.found(), bound=bound, exhausted=False)

"""The two readings: which of the bytecodes that a program executes are switch points."""

import inspect
from types import CodeType
from typing import Protocol

from conlab.explorer.stepping.facts import Facts
from conlab.explorer.stepping.points import Key, Point, call_points, points_of
from conlab.explorer.stepping.switches import Switches
from conlab.explorer.threads.scheduler import Scheduler

GENERATOR = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Reading(Protocol):
    """Decides what is a switch point."""

    needs_callee: bool
    facts: Facts

    def accesses(self, code: CodeType) -> dict[int, Point]:
        """Return, by offset, what may access anything that threads share."""

    def changes(self, key: Key) -> bool:
        """Whether a name may be rebound while several threads live."""

    def points(self, code: CodeType) -> dict[int, Point]:
        """Return the points of a code object, by offset."""

    def begin(self) -> None:
        """Take note that an execution begins."""

    def at(self, point: Point) -> None:
        """The running thread is about to execute this bytecode, which is no call."""

    def idle(self, point: Point) -> bool:
        """Whether ``at`` has nothing to do there until the assumptions change."""

    def entered(self, code: CodeType, *, resumed: bool, from_c: bool) -> None:
        """The running thread has entered a stepped function, or resumed a stepped generator.

        ``from_c``: by way of a function in C that goes on after it.
        """

    def calls_c(self, point: Point) -> None:
        """It is about to call a function in C."""

    def calls_unstepped(self, point: Point) -> None:
        """It is about to enter a Python function that is not stepped."""

    def returned_c(self, point: Point, name: str) -> None:
        """It has returned from a function in C of this name."""

    def jumped_back(self, point: Point) -> None:
        """It has jumped back."""


class Bytecode:
    """The reading in which a switch is possible before every bytecode that touches shared state.

    A name that nobody binds while several threads live is not shared state; that is assumed of each
    until an execution shows otherwise, and then the search begins anew.
    """

    needs_callee = True

    def __init__(self, scheduler: Scheduler, facts: Facts) -> None:
        self._scheduler = scheduler
        self.facts = facts

    def points(self, code: CodeType) -> dict[int, Point]:  # noqa: D102
        return points_of(code, self.facts)

    accesses = points

    def changes(self, key: Key) -> bool:  # noqa: D102
        return key in self._scheduler.disproved

    def begin(self) -> None:  # noqa: D102
        pass

    def at(self, point: Point) -> None:  # noqa: D102
        scheduler = self._scheduler
        if point.role == "touch":
            scheduler.switch_point(point)
        elif point.role == "read":
            if point.key in scheduler.disproved:
                scheduler.switch_point(point)
        elif point.role == "write":
            scheduler.progressed()
            if point.key in scheduler.disproved:
                scheduler.switch_point(point)
            elif len(scheduler.threads if scheduler.traced else scheduler.alive) > 1:
                scheduler.disprove(point.key)
                if point.key[0] == "attribute":  # it may be a module's
                    scheduler.disprove(("global", point.key[1]))

    def idle(self, point: Point) -> bool:  # noqa: D102
        role = point.role
        return role == "jump" or (role == "read" and point.key not in self._scheduler.disproved)

    def entered(self, code: CodeType, *, resumed: bool, from_c: bool) -> None:  # noqa: D102
        if resumed or from_c or code.co_flags & GENERATOR:
            self._scheduler.switch_point(code)

    def calls_c(self, point: Point) -> None:  # noqa: D102
        self._scheduler.switch_point(point)

    def calls_unstepped(self, point: Point) -> None:  # noqa: D102
        self._scheduler.switch_point(point)

    def returned_c(self, point: Point, name: str) -> None:  # noqa: D102
        pass

    def jumped_back(self, point: Point) -> None:  # noqa: D102
        pass


class Gil:
    """The reading in which a switch is possible only where this version of CPython was seen to."""

    needs_callee = False

    def __init__(self, scheduler: Scheduler, switches: Switches, facts: Facts) -> None:
        self._scheduler = scheduler
        self.facts = facts
        self._switches = switches
        self._cold = switches.cold
        self._calls: dict[Point, int] = {}

    def warm(self) -> None:
        """Take every call site for specialised from its first execution on."""
        self._cold = 0

    def points(self, code: CodeType) -> dict[int, Point]:  # noqa: D102
        return call_points(code)

    def accesses(self, code: CodeType) -> dict[int, Point]:  # noqa: D102
        return points_of(code, self.facts)

    def changes(self, key: Key) -> bool:  # noqa: ARG002, D102
        return True

    def begin(self) -> None:  # noqa: D102
        self._calls.clear()

    def at(self, point: Point) -> None:  # noqa: D102
        if point.role == "write":
            self._scheduler.progressed()

    def idle(self, point: Point) -> bool:  # noqa: D102
        return point.role == "jump"

    def entered(self, code: CodeType, *, resumed: bool, from_c: bool) -> None:  # noqa: ARG002, D102
        if self._switches.resuming if resumed else self._switches.entering:
            self._scheduler.switch_point(code)

    def calls_c(self, point: Point) -> None:  # noqa: D102
        pass

    def calls_unstepped(self, point: Point) -> None:  # noqa: D102
        self._scheduler.switch_point(point)

    def returned_c(self, point: Point, name: str) -> None:  # noqa: D102
        if name in self._switches.quiet:
            self._calls[point] = times = self._calls.get(point, 0) + 1
            if times > self._cold:
                return
        self._scheduler.switch_point(point)

    def jumped_back(self, point: Point) -> None:  # noqa: D102
        self._scheduler.switch_point(point)

"""Writes down the turns of an execution: who went on until where, for a script that forces them.

A turn is what one thread runs before another goes on. It ends before, or right after, a bytecode
that the thread comes to: in Python code that is stepped, or in that of the standard library that
called the operation of a lock, say. Of an event loop the turns are those of asyncio, between two
questions for what comes from outside; written down is what came.
"""

import bisect
import dis
import linecache
import sys
import zlib
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from conlab.explorer.threads.controlled_thread import ControlledThread

EXPLORER = str(Path(__file__).parents[1])
# What a primitive does when its operation is over: the thread has executed the bytecode.
DONE = ("released", "has put into", "has started", "end")


@dataclass(frozen=True, slots=True)
class Place:
    """A bytecode of a function, to which a thread comes for the ``times``-th time in its turn.

    With 0 times the thread goes no further than it was. ``crc`` is of the function's bytecode, that
    a change of it be noticed.
    """

    module: str
    function: str
    file: str
    line: int
    offset: int
    crc: int
    times: int
    after: bool
    source: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What a thread, by the order of starting, runs: up to a place, or to its end."""

    thread: int
    name: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Coming:
    """What comes from outside at a turn of an event loop, both by their order, from 0 on.

    ``what`` is "cancel" with the task's name, "collect", or "timers" with the time in seconds after
    them and the numbers of the timers that come, in this order, as they were set.
    """

    loop: int
    turn: int
    what: str
    which: tuple[str | float, ...]


class Turns:
    """Takes note of the turns of one execution."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.coming: list[Coming] = []
        self._times: dict[int, Counter[tuple[CodeType, int]]] = {}  # of each thread, in its turn
        self._latest: dict[int, tuple[CodeType, int]] = {}  # what each thread executed last
        self._stopped: dict[int, tuple[CodeType, int]] = {}  # before what, to be executed next
        self._loops: list[Any] = []
        self._turns: list[int] = []  # of each loop
        self._timers: list[dict[int, int]] = []  # of each loop, the number by address
        self._set: list[int] = []  # how many timers were set in each loop
        self._asked: Any = None  # the loop that has asked last

    def executes(self, thread: int, code: CodeType, offset: int) -> None:
        """Take note that a thread is about to execute a bytecode of stepped code."""
        here = self._latest[thread] = code, offset
        if self._stopped.pop(thread, None) != here:
            self._times.setdefault(thread, Counter())[here] += 1

    def returns_to(self, thread: int, code: CodeType, offset: int) -> None:
        """Take note that a call is executed, though Python code came after it, as of a class."""
        self._latest[thread] = code, offset

    def passes(self, thread: int, what: Hashable, stepped: frozenset[str]) -> None:
        """Take note that a thread comes to a switch point, in code that is not stepped."""
        frame = _innermost(sys._getframe(1))
        if frame is not None and frame.f_code.co_filename not in stepped and not _is_done(what):
            here = frame.f_code, _offset(frame)
            if self._stopped.pop(thread, None) != here:
                self._times.setdefault(thread, Counter())[here] += 1

    def stops(
        self,
        thread: ControlledThread,
        what: Hashable,
        stepped: frozenset[str],
    ) -> None:
        """Take note that the turn of a thread is over."""
        number = thread.index
        frame = _innermost(sys._getframe(1))
        if frame is None:
            return
        here = frame.f_code, _offset(frame)
        times = self._times.pop(number, Counter())[here]
        begun = self._latest.get(number) == here or frame.f_code.co_filename not in stepped
        after = _is_done(what) or (begun and not isinstance(what, tuple))
        if not begun:
            times += 1
            self._stopped[number] = here
        elif not after:
            self._stopped[number] = here
        self.turns.append(Turn(number, thread.name, _place(frame, times, after=after)))

    def ends(self, thread: ControlledThread) -> None:
        """Take note that a thread has run to its end."""
        self._times.pop(thread.index, None)
        self.turns.append(Turn(thread.index, thread.name, None))

    # -- event loops -------------------------------------------------------------------------

    def asks(self, loop: Any) -> None:
        """Take note that a loop asks for what comes from outside."""
        self._turns[self._number(loop)] += 1

    def sets(self, loop: Any, timer: Any) -> None:
        """Take note that a timer was set."""
        number = self._number(loop)
        self._timers[number][id(timer)] = self._set[number]
        self._set[number] += 1

    def comes(self, loop: Any, what: str, *which: str | float) -> None:
        """Take note that something comes."""
        number = self._number(loop)
        self.coming.append(Coming(number, self._turns[number], what, which))

    def timers_come(self, loop: Any, timers: list[Any], now: float) -> None:
        """Take note that timers come."""
        numbers = self._timers[self._number(loop)]
        self.comes(loop, "timers", now, *(numbers[id(timer)] for timer in timers))

    def latest_loop(self) -> Any:
        """Return the loop that has asked last."""
        return self._asked

    def _number(self, loop: Any) -> int:
        self._asked = loop
        for number, known in enumerate(self._loops):
            if known is loop:
                return number
        self._loops.append(loop)
        self._turns.append(-1)
        self._timers.append({})
        self._set.append(0)
        return len(self._loops) - 1


def _is_done(what: Hashable) -> bool:
    return isinstance(what, tuple) and what[0] in DONE


def _innermost(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame that is none of the explorer's."""
    while frame is not None and frame.f_code.co_filename.startswith(EXPLORER):
        frame = frame.f_back
    return frame


def _place(frame: FrameType, times: int, *, after: bool) -> Place:
    code = frame.f_code
    module = str(frame.f_globals.get("__name__", ""))
    line = frame.f_lineno or 0  # code without a table of lines has none
    return Place(
        module,
        code.co_qualname,
        code.co_filename,
        line,
        _offset(frame),
        crc_of(code),
        times,
        after,
        linecache.getline(code.co_filename, line).strip(),
    )


def _offset(frame: FrameType) -> int:
    """Return where the bytecode begins that a frame is in: in a call that may be at its cache."""
    offsets = _offsets(frame.f_code)
    return offsets[max(0, bisect.bisect_right(offsets, frame.f_lasti) - 1)]


@cache
def _offsets(code: CodeType) -> list[int]:
    return [each.offset for each in dis.get_instructions(code)]


@cache
def crc_of(code: CodeType) -> int:
    """Return a sum of the bytecode of a function."""
    return zlib.crc32(code.co_code)

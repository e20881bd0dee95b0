"""What both ways of meeting switch points share: whose code it is, and loops that only wait."""

import _weakrefset
import abc
import contextlib
import threading
from concurrent.futures import Future
from concurrent.futures import thread as futures
from inspect import CO_GENERATOR
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, cast

from conlab.explorer.search.happens_before import EVERYTHING, Location
from conlab.explorer.stepping.by_code import ByCode, address_of
from conlab.explorer.stepping.local_names import local_value
from conlab.explorer.stepping.opcodes import names
from conlab.explorer.stepping.operands import UNKNOWN
from conlab.explorer.stepping.points import Point, call_points
from conlab.explorer.stepping.readings import Reading
from conlab.explorer.stepping.touches import Touches
from conlab.explorer.threads.scheduler import MOST_ITERATIONS, Scheduler

# Python code whose shared accesses all stand behind an operation that the explorer controls: a call
# to it needs no switch point of its own. `is_set` alone reads without a lock.
STANDARD = Path(threading.__file__).parent
WITH_SWITCH_POINTS = tuple(
    str(path)
    for path in [
        STANDARD / "threading.py",
        STANDARD / "queue.py",
        STANDARD / "concurrent" / "futures",
        Path(__file__).parents[1],
    ]
)
# And code that touches nothing but what it was made with, or has just made.
TOUCHES_ITS_OWN = frozenset([contextlib.__file__, abc.__file__])
FRESH = ("<string>", "__init__")  # of a dataclass
UNLOCKED = frozenset(["is_set", "isSet"])
IDLE_ITERATIONS = 2  # of a loop that does nothing but look, after which the others are let go first
# And code of those that calls what the program gave it, which may be a function in C.
CALLS_WHAT_IT_IS_GIVEN = frozenset(
    function.__code__
    for function in cast(
        "list[FunctionType]",
        [
            threading.Thread.run,
            threading.Timer.run,
            threading.Condition.wait_for,
            threading.Barrier._release,  # type: ignore[attr-defined]
            futures._WorkItem.run,
            futures._worker,
            Future.add_done_callback,
            Future._invoke_callbacks,  # type: ignore[attr-defined]
        ],
    )
)
GIVEN = names("_target function predicate _action initializer fn callback")  # what they call it


class Stepper:
    """Knows which code is whose, and lets others go where a loop only waits."""

    def __init__(self, scheduler: Scheduler, reading: Reading) -> None:
        self._scheduler = scheduler
        self._reading = reading
        self._stepped = scheduler.stepped
        self._known: ByCode[bool] = ByCode()
        self._touches = Touches(scheduler, reading.changes)
        # What is given to code of the standard library stays what it is.
        self._touches_given = Touches(scheduler, lambda _: False)

    def _has_switch_points(self, code: CodeType) -> bool:
        """Whether the code has switch points of its own wherever it shares anything."""
        found = self._known.by_address.get(address_of(code))
        known = self._known.get(code) if found is None else found[0]
        if known is None:
            known = code.co_filename in self._stepped or (
                self._is_trusted(code) and code.co_name not in UNLOCKED
            )
            self._known[code] = known
        return known

    def _is_trusted(self, code: CodeType) -> bool:
        return code.co_filename.startswith(WITH_SWITCH_POINTS)

    def _touch(self, point: Point, frame: FrameType, callee: Any = UNKNOWN) -> None:
        """Take note of what the bytecode touches that the running thread is about to execute."""
        scheduler = self._scheduler
        touched: dict[Location, bool] = {}
        scheduler.operation = touched
        if frame.f_code in CALLS_WHAT_IT_IS_GIVEN:
            self._touches_given.calls(point, frame, callee)
        elif point.role == "call":
            self._touches.calls(point, frame, callee)
        else:
            self._touches.at(point, frame)
        if touched:
            scheduler.current.operations.append((id(frame), touched))

    def _goes_on(self, frame: FrameType) -> None:
        """Take note that a frame goes on: the operations of it, and of others, have ended."""
        operations = self._scheduler.current.operations
        while operations and not _is_called_by(frame, operations[-1][0]):
            operations.pop()

    def _calls_of_what_is_given(self, code: CodeType) -> dict[int, Point]:
        """Return the calls of code of the library that may be of the program's own functions."""
        return {at: each for at, each in call_points(code).items() if each.name in GIVEN}

    def _unstepped(self, frame: FrameType) -> None:
        """Take note that the running thread has entered Python code that is not stepped."""
        code = frame.f_code
        if self._scheduler.step is None or self._has_switch_points(code):
            return
        caller = frame.f_back
        if code.co_filename == _weakrefset.__file__ and caller and self._is_trusted(caller.f_code):
            return
        if code.co_filename == threading.__file__ and code.co_name in UNLOCKED:
            self._scheduler.touch("taken", local_value(frame, "self")._cond._lock, writes=False)
        elif code.co_filename not in TOUCHES_ITS_OWN and (code.co_filename, code.co_name) != FRESH:
            self._scheduler.touch_everything(code.co_qualname)
            self._scheduler.current.operations.append((id(frame), {EVERYTHING: True}))

    def _entered(self, code: CodeType, *, resumed: bool) -> None:
        """Take note that the running thread has entered a stepped function, or resumed one."""
        self._reading.entered(code, resumed=resumed)
        if code.co_flags & CO_GENERATOR:  # of which another thread may see that it runs
            self._scheduler.touch("iterator", None, writes=True)

    def _iterated(self, point: Point) -> None:
        """Let the others go first when a loop has turned often, or turned and only looked."""
        thread = self._scheduler.current
        if point.loop == "for":
            return
        if thread.loop is not point:
            thread.loop, thread.iterations, thread.idle_iterations = point, 0, 0
        thread.iterations += 1
        if thread.made_progress or point.loop == "work":
            thread.idle_iterations = 0
        else:
            thread.idle_iterations += 1
        thread.made_progress = False
        if thread.idle_iterations >= IDLE_ITERATIONS or thread.iterations >= MOST_ITERATIONS:
            thread.iterations = thread.idle_iterations = 0
            self._scheduler.yield_to_others(point)


def _is_called_by(frame: FrameType, other: int) -> bool:
    caller = frame.f_back
    while caller is not None and id(caller) != other:
        caller = caller.f_back
    return caller is not None


class Unstepped:
    """Meets nothing: enough while there is one thread, whose tasks switch at an await only."""

    def enter(self) -> None:
        """Nothing to do for a thread."""

    def leave(self) -> None:
        """Nothing to do for a thread."""

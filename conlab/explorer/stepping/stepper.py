"""What both ways of meeting switch points share: whose code it is, and loops that only wait."""

import _weakrefset
import abc
import contextlib
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import thread as futures
from dataclasses import dataclass
from inspect import CO_GENERATOR
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, TypeVar, cast

from conlab.explorer.search.happens_before import EVERYTHING, Location
from conlab.explorer.stepping.by_code import ByCode
from conlab.explorer.stepping.callbacks import Callbacks
from conlab.explorer.stepping.containers import CONTENT
from conlab.explorer.stepping.facts import Facts, read_facts
from conlab.explorer.stepping.local_names import local_value
from conlab.explorer.stepping.loops import Loops
from conlab.explorer.stepping.opcodes import names
from conlab.explorer.stepping.operands import UNKNOWN
from conlab.explorer.stepping.points import Key, Point, call_points, points_of
from conlab.explorer.stepping.readings import GENERATOR, Reading
from conlab.explorer.stepping.touches import Touches
from conlab.explorer.threads.controlled_thread import identity_of
from conlab.explorer.threads.reference import address_of
from conlab.explorer.threads.scheduler import BY_NAME_ONLY, MOST_ITERATIONS, Scheduler

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
# And what runs tests: it makes and ends fixtures while no other thread lives, with data of its own.
RUNS_TESTS = frozenset(["_pytest", "pluggy"])  # packages
UNLOCKED = frozenset(["is_set", "isSet"])
UNSTEPPED = "unstepped"  # an assumption: no code that is not stepped binds this name
IDLE_ITERATIONS = 2  # of a loop that only waits, after which the others are let go first
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


Method = TypeVar("Method", bound=Callable[..., Any])


def ends_the_search_on_error(method: Method) -> Method:
    """Have an error of the explorer end the exploration: it is none of the program."""

    @functools.wraps(method)
    def run(self: "Stepper", *arguments: Any, **options: Any) -> Any:
        try:
            return method(self, *arguments, **options)
        except Exception as error:
            self._scheduler.abandon(error)

    return cast("Method", run)


class Stepper:
    """Knows which code is whose, and lets others go where a loop only waits."""

    def __init__(self, scheduler: Scheduler, reading: Reading) -> None:
        self._scheduler = scheduler
        self._reading = reading
        self._stepped = scheduler.stepped
        self._known: ByCode[bool] = ByCode()
        self._call_sites: dict[CodeType, dict[int, Point]] = {}
        self._callbacks = Callbacks(self._stepped)
        self._loops = Loops()
        self._touches = Touches(scheduler, self._changes, reading.facts)
        self._opaque: set[CodeType] = set()  # what is not stepped and was seen to touch everything
        self._touches_of_file: dict[str, Touches] = {}  # that is not stepped
        self._facts_of_unstepped: dict[str, Facts] = {}  # by file
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

    @ends_the_search_on_error
    def _touch(self, point: Point, frame: FrameType, callee: Any = UNKNOWN) -> None:
        """Take note of what the bytecode touches that the running thread is about to execute."""
        scheduler = self._scheduler
        touched: dict[Location, bool] = {}
        scheduler.operation = touched
        touches = self._touches_in(frame.f_code)
        if point.role == "call":
            touches.calls(point, frame, callee)
        else:
            touches.at(point, frame)
            if point.role == "write" and touches is not self._touches:
                self._rebinds(point.key)
        self._writes_by_a_dictionary(touches, touched)
        scheduler.operation = {}  # what it enters is none of it, and still less is what others do
        if touched:
            scheduler.current.operations.append((identity_of(frame), touched))
        if EVERYTHING in touched and self._is_observed(frame.f_code):
            self._opaque.add(self._outermost(frame))

    def _touches_in(self, code: CodeType) -> Touches:
        file = code.co_filename
        if file in self._stepped:
            return self._touches
        if code in CALLS_WHAT_IT_IS_GIVEN:
            return self._touches_given
        if file not in self._touches_of_file:
            facts = read_facts((file,))
            self._touches_of_file[file] = Touches(self._scheduler, lambda _: True, facts)
        return self._touches_of_file[file]

    def _writes_by_a_dictionary(self, touches: Touches, touched: dict[Location, bool]) -> None:
        """Take note that code that is not stepped may write attributes or globals unnamed."""
        if touches is self._touches or not touches.reflects or len(self._scheduler.threads) < 2:
            return
        writes = any(kind == CONTENT and wrote for (kind, _), wrote in touched.items())
        if writes and BY_NAME_ONLY not in self._scheduler.disproved:
            self._scheduler.disprove(BY_NAME_ONLY)

    def _rebinds(self, name: Key) -> None:
        """Take note that code that is not stepped binds a name while several threads live."""
        if len(self._scheduler.threads) > 1:
            names = [name]
            if name[0] == "attribute":  # it may be a module's
                names.append(("global", name[1]))
            for each in names:
                if not self._changes(each):
                    self._scheduler.disprove((UNSTEPPED, *each))

    def _changes(self, name: Key) -> bool:
        """Whether a name may be rebound while several threads live, by whatever code."""
        if BY_NAME_ONLY in self._scheduler.disproved and name[0] != "cell":
            return True
        return self._reading.changes(name) or (UNSTEPPED, *name) in self._scheduler.disproved

    def _goes_on(self, frame: FrameType) -> None:
        """Take note that a frame goes on: the operations of it, and of others, have ended."""
        self._scheduler.current.forget_ended(frame)

    def _is_noted(self, code: CodeType) -> bool:
        """Whether what it touches is taken note of, though it has no switch points."""
        return code in CALLS_WHAT_IT_IS_GIVEN or self._is_observed(code)

    def _is_observed(self, code: CodeType) -> bool:
        """Whether it is neither stepped, nor code of which that is known, nor opaque."""
        if code in self._opaque or code.co_filename in self._stepped:
            return False
        own = code.co_filename in TOUCHES_ITS_OWN or (code.co_filename, code.co_name) == FRESH
        own = own or not RUNS_TESTS.isdisjoint(_folders(code.co_filename))
        return not (own or self._has_switch_points(code) or self._is_unlocked(code))

    def _observations(self, code: CodeType) -> dict[int, Point]:
        """Return, by offset, what observed code may touch."""
        if code in CALLS_WHAT_IT_IS_GIVEN:  # it is trusted, but may call the program's functions
            return {at: each for at, each in call_points(code).items() if each.name in GIVEN}
        file = code.co_filename
        if file not in self._facts_of_unstepped:
            self._facts_of_unstepped[file] = read_facts((file,))
        return points_of(code, self._facts_of_unstepped[file])

    @ends_the_search_on_error
    def _returns(self, value: object, frame: FrameType) -> None:
        """Take note of what a function is about to give its caller."""
        caller = frame.f_back
        if frame.f_code.co_flags & GENERATOR or caller is None:
            return
        call = self._calls_in(caller.f_code).get(caller.f_lasti)
        if call is not None:
            self._touches_in(caller.f_code).returns(call, value, frame.f_code, caller)

    def _calls_in(self, code: CodeType) -> dict[int, Point]:
        """Return the calls of a function, by each offset at which it may be in there."""
        if code not in self._call_sites:
            points: dict[int, Point] = {}
            if code.co_filename in self._stepped:
                points = self._reading.accesses(code)
            elif self._is_noted(code):
                points = self._observations(code)
            calls = [point for point in points.values() if point.role == "call"]
            self._call_sites[code] = {
                at: call for call in calls for at in range(call.offset, call.after, 2)
            }
        return self._call_sites[code]

    def _unstepped(self, frame: FrameType) -> None:
        """Take note that the running thread has entered Python code that is not stepped."""
        code, scheduler = frame.f_code, self._scheduler
        if scheduler.step is None:
            return
        if code in self._opaque:
            scheduler.touch_everything(code.co_qualname)
            scheduler.current.operations.append((identity_of(frame), {EVERYTHING: True}))
        elif self._is_unlocked(code):
            scheduler.touch("taken", local_value(frame, "self")._cond._lock, writes=False)

    def _is_within_known(self, frame: FrameType) -> bool:
        """Whether the running thread enters what need not be looked into: all that is known."""
        operations = self._scheduler.current.operations
        if operations and EVERYTHING in operations[-1][1]:
            return True
        caller = frame.f_back
        weak_set = frame.f_code.co_filename == _weakrefset.__file__
        return weak_set and caller is not None and self._is_trusted(caller.f_code)

    def _outermost(self, frame: FrameType) -> CodeType:
        """Return the code by which code that is not stepped was entered."""
        while (caller := frame.f_back) is not None and self._is_observed(caller.f_code):
            frame = caller
        return frame.f_code

    def _is_unlocked(self, code: CodeType) -> bool:
        return code.co_filename == threading.__file__ and code.co_name in UNLOCKED

    def _entered(self, code: CodeType, *, resumed: bool, from_c: bool = False) -> None:
        """Take note that the running thread has entered a stepped function, or resumed one."""
        self._reading.entered(code, resumed=resumed, from_c=from_c)
        turns = self._scheduler.current.turns
        if turns and not resumed:
            for loop in [each for each in turns if each.code is code]:
                del turns[loop]

    @ends_the_search_on_error
    def _advances(self, frame: FrameType, *, begins: bool) -> None:
        """Take note that a generator goes on: another thread may see that it runs."""
        if self._scheduler.step is not None and frame.f_code.co_flags & CO_GENERATOR:
            self._touches_in(frame.f_code).advances(frame, begins=begins)

    def _iterated(self, point: Point) -> None:
        """Let the others go first when a loop has turned often, or turned and only waited."""
        thread = self._scheduler.current
        turns = thread.turns
        loop = self._loops.closed_by(point)
        for inner in [each for each in turns if each.inside(loop)]:
            del turns[inner]
        if loop.kind == "iterates":
            return
        counted = turns.setdefault(loop, Turns())
        if thread.slept:  # so the others went on, as far as they could
            counted.idle = counted.all = 0
        counted.all += 1
        waits = loop.kind == "only waits" or (loop.kind == "looks" and not thread.made_progress)
        counted.idle = counted.idle + 1 if waits else 0
        thread.made_progress = thread.slept = False
        if counted.idle >= IDLE_ITERATIONS or counted.all >= MOST_ITERATIONS:
            counted.idle = counted.all = 0
            self._scheduler.yield_to_others(point)
            thread.asked_for_time = False


@dataclass(slots=True)
class Turns:
    """How often a loop has turned since the others were let go."""

    all: int = 0
    idle: int = 0  # in a row


class Unstepped:
    """Meets nothing: enough while there is one thread, whose tasks switch at an await only."""

    def enter(self) -> None:
        """Nothing to do for a thread."""

    def leave(self) -> None:
        """Nothing to do for a thread."""


@functools.cache
def _folders(file: str) -> frozenset[str]:
    return frozenset(Path(file).parent.parts)

"""How a running program meets its switch points, in either reading.

On CPython 3.11 a trace function with opcode events meets them; from 3.12 on `sys.monitoring` does,
because there the trace function is told of fewer opcodes on a function's first run than later.
"""

import ast
import builtins
import dis
import functools
import inspect
import sys
import textwrap
import threading
from _thread import get_ident
from pathlib import Path
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, Protocol

from conlab.errors import UserError
from conlab.explorer.points import Facts, Point, call_points, nested, points_of, segment
from conlab.explorer.stage import Stage
from conlab.explorer.switches import PYTHON_CLASS, Switches

monitoring: Any = getattr(sys, "monitoring", None)  # from 3.12 on

# Python code whose shared accesses all stand behind an operation that the explorer controls: a call
# to it needs no switch point of its own. `is_set` alone reads without a lock.
STANDARD = Path(threading.__file__).parent
INNER = tuple(
    str(path)
    for path in [
        STANDARD / "threading.py",
        STANDARD / "queue.py",
        STANDARD / "concurrent" / "futures",
        Path(__file__).parent,
    ]
)
UNLOCKED = frozenset(["is_set", "isSet"])
GENERATOR = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
MOST_TURNS = 100  # how often a loop turns before the other threads are let go first
IDLE_TURNS = 2  # the same for a loop that does nothing but look


class Reading(Protocol):
    """Decides what is a switch point."""

    needs_callee: bool

    def points(self, code: CodeType) -> dict[int, Point]:
        """Return the points of a code object, by offset."""

    def begin(self) -> None:
        """Take note that a run begins."""

    def at(self, point: Point) -> None:
        """The running strand is about to execute this bytecode, which is no call."""

    def idle(self, point: Point) -> bool:
        """Whether ``at`` has nothing to do there until the assumptions change."""

    def entered(self, code: CodeType, *, resumed: bool) -> None:
        """The running strand has entered a stepped function, or resumed a stepped generator."""

    def calls_c(self, point: Point) -> None:
        """It is about to call a function in C."""

    def calls_foreign(self, point: Point) -> None:
        """It is about to enter a Python function that is not stepped."""

    def returned_c(self, point: Point, name: str) -> None:
        """It has returned from a function in C of this name."""

    def turned(self, point: Point) -> None:
        """It has jumped back."""


class Bytecode:
    """The reading in which a switch is possible before every bytecode that touches shared state.

    A name that nobody binds while several threads live is not shared state; that is assumed of each
    until a run shows otherwise, and then the search begins anew.
    """

    needs_callee = True

    def __init__(self, stage: Stage, facts: Facts) -> None:
        self._stage = stage
        self._facts = facts

    def points(self, code: CodeType) -> dict[int, Point]:  # noqa: D102
        return points_of(code, self._facts)

    def begin(self) -> None:  # noqa: D102
        pass

    def at(self, point: Point) -> None:  # noqa: D102
        stage = self._stage
        if point.role == "touch":
            stage.pause(point)
        elif point.role == "read":
            if point.key in stage.assumptions:
                stage.pause(point)
        elif point.role == "write":
            stage.current.worked = True
            if point.key in stage.assumptions:
                stage.pause(point)
            elif len(stage.alive) > 1:
                stage.disprove(point.key)
                if point.key[0] == "attribute":  # it may be a module's
                    stage.disprove(("global", point.key[1]))

    def idle(self, point: Point) -> bool:  # noqa: D102
        return point.role == "read" and point.key not in self._stage.assumptions

    def entered(self, code: CodeType, *, resumed: bool) -> None:  # noqa: D102
        if resumed or code.co_flags & GENERATOR:
            self._stage.pause(code)

    def calls_c(self, point: Point) -> None:  # noqa: D102
        self._stage.pause(point)

    def calls_foreign(self, point: Point) -> None:  # noqa: D102
        self._stage.pause(point)

    def returned_c(self, point: Point, name: str) -> None:  # noqa: D102
        pass

    def turned(self, point: Point) -> None:  # noqa: D102
        pass


class Gil:
    """The reading in which a switch is possible only where this version of CPython was seen to."""

    needs_callee = False

    def __init__(self, stage: Stage, switches: Switches) -> None:
        self._stage = stage
        self._switches = switches
        self._cold = switches.cold
        self._calls: dict[Point, int] = {}

    def warm(self) -> None:
        """Take every call site for specialised from its first execution on."""
        self._cold = 0

    def points(self, code: CodeType) -> dict[int, Point]:  # noqa: D102
        return call_points(code)

    def begin(self) -> None:  # noqa: D102
        self._calls.clear()

    def at(self, point: Point) -> None:  # noqa: D102
        if point.role == "write":
            self._stage.current.worked = True

    def idle(self, point: Point) -> bool:  # noqa: ARG002, D102
        return False

    def entered(self, code: CodeType, *, resumed: bool) -> None:  # noqa: D102
        if self._switches.resuming if resumed else self._switches.entering:
            self._stage.pause(code)

    def calls_c(self, point: Point) -> None:  # noqa: D102
        pass

    def calls_foreign(self, point: Point) -> None:  # noqa: D102
        self._stage.pause(point)

    def returned_c(self, point: Point, name: str) -> None:  # noqa: D102
        if name in self._switches.quiet:
            self._calls[point] = times = self._calls.get(point, 0) + 1
            if times > self._cold:
                return
        self._stage.pause(point)

    def turned(self, point: Point) -> None:  # noqa: D102
        self._stage.pause(point)


class Stepper:
    """What both ways of meeting points share: which code is whose, and loops that only wait."""

    def __init__(self, stage: Stage, reading: Reading) -> None:
        self._stage = stage
        self._reading = reading
        self._stepped = stage.stepped
        self._inner: dict[CodeType, bool] = {}

    def _is_inner(self, code: CodeType) -> bool:
        """Whether the code has switch points of its own wherever it shares anything."""
        known = self._inner.get(code)
        if known is None:
            known = code.co_filename in self._stepped or (
                code.co_filename.startswith(INNER) and code.co_name not in UNLOCKED
            )
            self._inner[code] = known
        return known

    def _turn(self, point: Point) -> None:
        """Let the others go first when a loop has turned often, or turned and only looked."""
        strand = self._stage.current
        if point.loop == "for":
            return
        if strand.loop is not point:
            strand.loop, strand.turns, strand.idle_turns = point, 0, 0
        strand.turns += 1
        if strand.worked or point.loop == "work":
            strand.idle_turns = 0
        else:
            strand.idle_turns += 1
        strand.worked = False
        if strand.idle_turns >= IDLE_TURNS or strand.turns >= MOST_TURNS:
            strand.turns = strand.idle_turns = 0
            self._stage.step_back(point)


class Unstepped:
    """Meets nothing: enough while there is one thread, whose tasks switch at an await only."""

    def enter(self) -> None:
        """Nothing to do for a thread."""

    def leave(self) -> None:
        """Nothing to do for a thread."""


class Tracer(Stepper):
    """Meets switch points by ``sys.settrace``: for CPython 3.11.

    What a call enters is not known before it, so it is assumed to be Python code, until it is seen
    that it was not.
    """

    def __init__(self, stage: Stage, reading: Reading) -> None:
        super().__init__(stage, reading)
        self._tracers: dict[CodeType, Any] = {}

    def install(self) -> None:
        """Nothing to do for the process."""

    def remove(self) -> None:
        """Nothing to do for the process."""

    def renew(self) -> None:
        """Nothing to do: each point is asked each time."""

    def enter(self) -> None:
        """Begin to step the calling thread."""
        sys.settrace(self._call)

    def leave(self) -> None:
        """Cease to step the calling thread."""
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG002
        code = frame.f_code
        pending = self._stage.current.pending
        if pending is not None and frame.f_back is pending[0]:
            self._enters(pending[1], code)
        try:
            tracer = self._tracers[code]
        except KeyError:
            tracer = self._tracers[code] = self._tracer(code)
        if tracer is not None:
            frame.f_trace_lines = False
            frame.f_trace_opcodes = True
            if not code.co_name.startswith("<") or code.co_name == "<lambda>":
                resumed = frame.f_lasti > 0 and bool(code.co_flags & GENERATOR)
                resumed = resumed and frame.f_lasti > _first_resume(code)
                self._reading.entered(code, resumed=resumed)
        return tracer

    def _enters(self, point: Point, code: CodeType) -> None:
        """Take note that the call at ``point`` has entered Python code."""
        if not _by_way_of_c(point, code):
            self._stage.current.pending = None
            if not self._is_inner(code):
                self._foreign(point)

    def _foreign(self, point: Point) -> None:
        if not self._reading.needs_callee:
            self._reading.calls_foreign(point)
        elif point.key not in self._stage.assumptions:
            self._stage.disprove(point.key)

    def _tracer(self, code: CodeType) -> Any:
        if code.co_filename not in self._stepped:
            return None
        stage, reading = self._stage, self._reading
        points = reading.points(code)

        def trace(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG001
            strand = stage.current
            if event == "opcode":
                offset = frame.f_lasti
                pending = strand.pending
                if pending is not None and pending[0] is frame:
                    strand.pending = None
                    self._passed(pending[1], frame)
                point = points.get(offset)
                if point is not None:
                    if point.role == "call":
                        if point.key in stage.assumptions:
                            reading.calls_c(point)
                        strand.pending = (frame, point)
                    else:
                        reading.at(point)
                        if point.target >= 0:
                            strand.pending = (frame, point)
                if stage.recorder is not None:
                    stage.recorder.executes(stage.actor(), code, offset)
            elif event == "return" and strand.pending is not None and strand.pending[0] is frame:
                strand.pending = None
            return trace

        return trace

    def _passed(self, point: Point, frame: FrameType) -> None:
        """Take note that the frame went on, and what it called was no Python function."""
        offset = frame.f_lasti
        if point.role != "call":
            if offset == point.target:
                self._reading.turned(point)
                self._turn(point)
        elif self._reading.needs_callee:
            if point.key not in self._stage.assumptions:
                self._stage.disprove(point.key)
        elif offset == point.after and point.opname != "BEFORE_WITH":
            self._reading.returned_c(point, _qualified(point, frame))


@functools.cache  # of the few places of calls, and asked at each call
def _by_way_of_c(point: Point, entered: CodeType) -> bool:
    """Whether a call that entered this code did so from C: a class, a generator, a callback."""
    name = entered.co_name
    if entered.co_flags & GENERATOR or hasattr(builtins, point.name):
        return True
    return name.startswith("__") and name not in (point.name, "__enter__", "__exit__")


def _qualified(point: Point, frame: FrameType) -> str:
    """Name the method that was called with its type, where the receiver is a plain expression."""
    if point.name != "append":
        return point.name
    receiver = None
    names = _receiver(point)
    if names:
        receiver = frame.f_locals.get(names[0], frame.f_globals.get(names[0]))
        for name in names[1:]:
            receiver = getattr(receiver, name, None)
    kind = "list" if receiver is None else type(receiver).__name__
    return f"{kind}.{point.name}"


@functools.cache
def _receiver(point: Point) -> tuple[str, ...]:
    """Return the names of ``a.b`` in a call ``a.b.append(...)``; nothing if it is anything else."""
    try:
        call = ast.parse(textwrap.dedent(segment(point.code.co_filename, point.span))).body[0]
    except (SyntaxError, IndexError):
        return ()
    match call:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=node))):
            names: list[str] = []
            while isinstance(node, ast.Attribute):
                names.insert(0, node.attr)
                node = node.value
            return (node.id, *names) if isinstance(node, ast.Name) else ()
    return ()


@functools.cache
def _first_resume(code: CodeType) -> int:
    return next(each.offset for each in dis.get_instructions(code) if each.opname == "RESUME")


class Monitor(Stepper):
    """Meets switch points by ``sys.monitoring``: from CPython 3.12 on."""

    TOOL = 4

    def __init__(self, stage: Stage, reading: Reading) -> None:
        super().__init__(stage, reading)
        self._points: dict[CodeType, dict[int, Point]] = {}

    def install(self) -> None:
        """Register with the interpreter."""
        for tool in (4, 3, 5, 2, 1):
            if monitoring.get_tool(tool) is None:
                self._tool = tool
                break
        else:
            raise UserError(
                "all tools of sys.monitoring are taken: switch a profiler or tracer off"
            )
        monitoring.use_tool_id(self._tool, "conlab.explorer")
        events = monitoring.events
        for event, callback in [
            (events.PY_START, self._start),
            (events.PY_RESUME, self._resume),
            (events.INSTRUCTION, self._instruction),
            (events.CALL, self._calls),
            (events.C_RETURN, self._returned),
            (events.JUMP, self._jumped),
        ]:
            monitoring.register_callback(self._tool, event, callback)
        monitoring.set_events(self._tool, events.PY_START)

    def remove(self) -> None:
        """Leave the interpreter as it was."""
        monitoring.set_events(self._tool, 0)
        for code in self._points:
            monitoring.set_local_events(self._tool, code, 0)
        for event in ("PY_START", "PY_RESUME", "INSTRUCTION", "CALL", "C_RETURN", "JUMP"):
            monitoring.register_callback(self._tool, getattr(monitoring.events, event), None)
        monitoring.free_tool_id(self._tool)

    def renew(self) -> None:
        """Have the points that were idle asked again."""
        monitoring.restart_events()

    def enter(self) -> None:
        """Nothing to do for a thread."""

    def leave(self) -> None:
        """Nothing to do for a thread."""

    def prepare(self, code: CodeType) -> None:
        """Have the events of a stepped code object reported."""
        if code in self._points:
            return
        self._points[code] = self._reading.points(code)
        events = monitoring.events
        monitoring.set_local_events(
            self._tool,
            code,
            events.PY_START | events.PY_RESUME | events.INSTRUCTION | events.CALL | events.JUMP,
        )

    def _start(self, code: CodeType, offset: int) -> Any:  # noqa: ARG002
        if code.co_filename not in self._stepped:
            return monitoring.DISABLE
        if get_ident() in self._stage.idents:
            if code not in self._points:
                for each in nested(code):
                    self.prepare(each)
                self._stage.disprove(
                    ("code", code.co_filename, code.co_qualname, code.co_firstlineno)
                )
            if not code.co_name.startswith("<") or code.co_name == "<lambda>":
                self._reading.entered(code, resumed=False)
        return None

    def _resume(self, code: CodeType, offset: int) -> Any:  # noqa: ARG002
        if get_ident() in self._stage.idents:
            self._reading.entered(code, resumed=True)

    def _instruction(self, code: CodeType, offset: int) -> Any:
        stage = self._stage
        point = self._points[code].get(offset)
        if point is None or point.role == "call":
            if stage.recorder is None:
                return monitoring.DISABLE
        elif get_ident() in stage.idents:
            self._reading.at(point)
        if stage.recorder is not None:
            if get_ident() in stage.idents and (point is None or point.role != "call"):
                stage.recorder.executes(stage.actor(), code, offset)
        elif point is not None and self._reading.idle(point):
            return monitoring.DISABLE
        return None

    def _calls(self, code: CodeType, offset: int, callee: object, first: object) -> Any:  # noqa: ARG002
        if get_ident() not in self._stage.idents:
            return
        point = self._points[code].get(offset)
        if point is None:
            return
        entered = _python_code(callee)
        if entered is None:
            self._reading.calls_c(point)
        elif not self._is_inner(entered):
            self._reading.calls_foreign(point)
        if self._stage.recorder is not None:
            self._stage.recorder.executes(self._stage.actor(), code, offset)

    def _returned(self, code: CodeType, offset: int, callee: object, first: object) -> Any:  # noqa: ARG002
        if get_ident() not in self._stage.idents or _is_python(callee):
            return
        point = self._points[code].get(offset)
        if point is not None:
            self._reading.returned_c(point, _c_name(callee))

    def _jumped(self, code: CodeType, offset: int, destination: int) -> Any:
        if destination > offset:
            return monitoring.DISABLE
        if get_ident() in self._stage.idents:
            point = self._points[code].get(offset)
            if point is not None:
                self._reading.turned(point)
                self._turn(point)
        return None


def _python_code(callee: Any) -> CodeType | None:
    """Return the Python code that a call enters first, or None if it is a function in C."""
    if isinstance(callee, MethodType):
        callee = callee.__func__
    if isinstance(callee, type):
        callee = vars(callee).get("__init__") or getattr(callee, "__init__", None)
    elif not isinstance(callee, FunctionType):
        callee = getattr(type(callee), "__call__", None)  # noqa: B004 - the function, not whether
    return callee.__code__ if isinstance(callee, FunctionType) else None


def _is_python(callee: object) -> bool:
    """Whether a call enters Python code without any C between."""
    return isinstance(getattr(callee, "__func__", callee), FunctionType)


def _c_name(callee: Any) -> str:
    """Name a function in C as the table of switches does."""
    if isinstance(callee, type) and isinstance(vars(callee).get("__init__"), FunctionType):
        return PYTHON_CLASS
    name = getattr(callee, "__name__", "")
    owner = getattr(callee, "__objclass__", None)
    if owner is None:
        bound = getattr(callee, "__self__", None)
        owner = None if isinstance(bound, ModuleType | None) else type(bound)
    return f"{owner.__name__}.{name}" if owner is not None else name

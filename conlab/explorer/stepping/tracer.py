"""Meets switch points by ``sys.settrace``: on CPython 3.11."""

import ast
import builtins
import dis
import functools
import sys
import textwrap
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from conlab.explorer.stepping.by_code import MOST_KEPT, ByCode
from conlab.explorer.stepping.callbacks import is_in_c
from conlab.explorer.stepping.local_names import UNBOUND, local_value
from conlab.explorer.stepping.operands import UNKNOWN, Operands, attribute
from conlab.explorer.stepping.points import Point
from conlab.explorer.stepping.readings import GENERATOR, Reading
from conlab.explorer.stepping.spans import segment
from conlab.explorer.stepping.stepper import Stepper
from conlab.explorer.threads.reference import address_of
from conlab.explorer.threads.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class Tracers:
    """The trace functions of a code object, if it is traced."""

    step: Any
    plain: Any = None
    is_observer: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """How a call enters a code object."""

    by_way_of_c: bool
    from_c: bool  # that goes on after it
    has_points: bool  # whether the code has switch points of its own
    code: CodeType  # kept, since it is known by its address


class Tracer(Stepper):
    """Meets switch points by ``sys.settrace``: for CPython 3.11.

    What a call enters is not known before it, so it is assumed to be Python code, until it is seen
    that it was not.
    """

    def __init__(self, scheduler: Scheduler, reading: Reading) -> None:
        super().__init__(scheduler, reading)
        self._tracers: ByCode[Tracers] = ByCode()
        self._entries: dict[tuple[Point, int], Entry] = {}
        self._operands = Operands(lambda _: False)

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
        scheduler = self._scheduler
        address = address_of(code)
        thread = scheduler.current
        pending = thread.pending
        entry = None
        if pending is not None and frame.f_back is pending[0]:
            entry = self._entries.get((pending[1], address))
            if entry is None:
                entry = self._enters(pending[1], code, pending[0])
            if not entry.by_way_of_c:
                thread.pending = None
                if not entry.has_points:
                    self._calls_unstepped(pending[1])
        found = self._tracers.by_address.get(address)
        known = self._tracers.get(code) if found is None else found[0]
        if known is None:
            known = self._tracers[code] = self._tracers_of(code)
        if known.step is None:
            if scheduler.step is not None:
                self._unstepped(frame)
        elif known.is_observer:
            if scheduler.step is None or self._is_within_known(frame):
                return None
            if code in self._opaque:
                self._unstepped(frame)
                return None
            frame.f_trace_lines = False
            frame.f_trace_opcodes = True
            self._advances(frame, begins=frame.f_lasti <= _first_resume(code))
        else:
            frame.f_trace_lines = False
            frame.f_trace_opcodes = True
            resumed = bool(code.co_flags & GENERATOR) and frame.f_lasti > _first_resume(code)
            if not code.co_name.startswith("<") or code.co_name == "<lambda>":
                caller = frame.f_back
                from_c = not resumed and self._is_called_back(code, caller, entry)
                self._entered(code, resumed=resumed, from_c=from_c)
            self._advances(frame, begins=not resumed)
            if scheduler.plain:
                return known.plain
        return known.step

    def _enters(self, point: Point, code: CodeType, caller: Any) -> Entry:
        """Find out how a call enters this code."""
        node = self._operands.node(point)
        callee = UNKNOWN
        if isinstance(node, ast.Call):
            callee, _ = self._operands.callee(node.func, caller, {})
        from_c = _is_back_from_c(point, code) if callee is UNKNOWN else is_in_c(callee)
        by_way_of_c = from_c or _by_way_of_c(point, code)
        entry = Entry(by_way_of_c, from_c, self._has_switch_points(code), code)
        if len(self._entries) >= MOST_KEPT:
            self._entries.clear()
        self._entries[point, address_of(code)] = entry
        return entry

    def _is_called_back(
        self, code: CodeType, caller: FrameType | None, entry: Entry | None
    ) -> bool:
        """Whether a function in C has called this code, and goes on after it."""
        return caller is not None and self._callbacks.enters(
            code, caller, lambda: entry is not None and entry.from_c
        )

    def _calls_unstepped(self, point: Point) -> None:
        if not self._reading.needs_callee:
            self._reading.calls_unstepped(point)
        elif point.key not in self._scheduler.disproved:
            self._scheduler.disprove(point.key)

    def _tracers_of(self, code: CodeType) -> "Tracers":
        if code.co_filename not in self._stepped:
            if self._is_noted(code):
                return Tracers(self._observer(code), is_observer=True)
            return Tracers(None)
        points = self._reading.points(code)
        return Tracers(self._tracer(code, points), self._plain_tracer(points))

    def _tracer(self, code: CodeType, points: dict[int, Point]) -> Any:
        """Return a trace function that takes note of everything."""
        scheduler, reading = self._scheduler, self._reading
        accesses = reading.accesses(code)

        def trace(frame: FrameType, event: str, argument: object) -> Any:
            thread = scheduler.current
            if event == "opcode":
                offset = frame.f_lasti
                if thread.operations:
                    self._goes_on(frame)
                pending = thread.pending
                if pending is not None and pending[0] is frame:
                    thread.pending = None
                    self._passed(pending[1], frame)
                point = points.get(offset)
                if point is not None:
                    if point.role == "call":
                        if point.key in scheduler.disproved:
                            reading.calls_c(point)
                        thread.pending = (frame, point)
                    else:
                        reading.at(point)
                        if point.target >= 0:
                            thread.pending = (frame, point)
                if scheduler.step is not None:
                    access = accesses.get(offset)
                    if access is not None:
                        self._touch(access, frame)
                if scheduler.recorder is not None:
                    scheduler.recorder.executes(scheduler.who_runs(), code, offset)
            elif event == "return":
                if thread.pending is not None and thread.pending[0] is frame:
                    thread.pending = None
                if scheduler.step is not None:
                    self._returns(argument, frame)
            return trace

        return trace

    def _plain_tracer(self, points: dict[int, Point]) -> Any:
        """Return a trace function for where only the switch points matter."""
        scheduler, reading = self._scheduler, self._reading

        def trace(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG001
            if frame.f_lasti not in points or event != "opcode":
                return trace
            point = points[frame.f_lasti]
            if point.role == "call":
                if point.key in scheduler.disproved:
                    reading.calls_c(point)
                scheduler.current.pending = (frame, point)
                return trace_next
            if point.role != "jump":
                reading.at(point)
            if point.target < 0:
                return trace
            scheduler.current.pending = (frame, point)
            return trace_next

        def trace_next(frame: FrameType, event: str, argument: object) -> Any:
            thread = scheduler.current
            pending = thread.pending
            if event not in ("opcode", "return"):
                return trace_next
            if pending is not None and pending[0] is frame:
                thread.pending = None
                if event == "opcode":
                    self._passed(pending[1], frame)
            return trace(frame, event, argument)

        return trace

    def _observer(self, code: CodeType) -> Any:
        """Return a trace function that takes note of what is touched, and never switches."""
        observations = self._observations(code)

        def observe(frame: FrameType, event: str, argument: object) -> Any:
            if self._scheduler.step is None:
                return observe
            if event == "opcode":
                self._goes_on(frame)
                observed = observations.get(frame.f_lasti)
                if observed is not None:
                    self._touch(observed, frame)
            elif event == "return":
                self._returns(argument, frame)
            return observe

        return observe

    def _passed(self, point: Point, frame: FrameType) -> None:
        """Take note that the frame went on, and what it called was no Python function."""
        offset = frame.f_lasti
        if point.role != "call":
            if offset == point.target:
                self._reading.jumped_back(point)
                self._iterated(point)
        elif self._reading.needs_callee:
            if point.key not in self._scheduler.disproved:
                self._scheduler.disprove(point.key)
        elif offset == point.after and point.opname != "BEFORE_WITH":
            self._reading.returned_c(point, _qualified(point, frame))


def _by_way_of_c(point: Point, entered: CodeType) -> bool:
    """Whether a call that entered this code did so from C: a class, a generator, a callback."""
    name = entered.co_name
    if entered.co_flags & GENERATOR or hasattr(builtins, point.name):
        return True
    return name.startswith("__") and name not in (point.name, "__enter__", "__exit__")


def _is_back_from_c(point: Point, entered: CodeType) -> bool:
    """Whether it is likely that a call of what is not known has entered this code from C."""
    made = entered.co_name in ("__init__", "__new__", "__post_init__", "__call__")
    return _by_way_of_c(point, entered) and not made


def _qualified(point: Point, frame: FrameType) -> str:
    """Name the method that was called with its type, where the receiver is a plain expression."""
    if point.name != "append":
        return point.name
    receiver = UNKNOWN
    names = _receiver(point)
    if names:
        receiver = local_value(frame, names[0])
        if receiver is UNBOUND:
            receiver = frame.f_globals.get(names[0], UNKNOWN)
        for name in names[1:]:
            receiver = attribute(receiver, name)
    kind = "list" if receiver is UNKNOWN else type(receiver).__name__
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

"""Meets switch points by ``sys.monitoring``: from CPython 3.12 on.

From that version on a trace function hears of fewer opcodes when a function is first executed than
later.
"""

import sys
from _thread import get_ident
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

from conlab.errors import UserError
from conlab.explorer.stepping.by_code import ByCode
from conlab.explorer.stepping.operands import in_python
from conlab.explorer.stepping.points import Point, nested
from conlab.explorer.stepping.readings import Reading
from conlab.explorer.stepping.stepper import CALLS_WHAT_IT_IS_GIVEN, Stepper
from conlab.explorer.stepping.switches import PYTHON_CLASS
from conlab.explorer.threads.reference import address_of
from conlab.explorer.threads.scheduler import Scheduler

monitoring: Any = getattr(sys, "monitoring", None)


class Monitor(Stepper):
    """Meets switch points by ``sys.monitoring``: from CPython 3.12 on."""

    TOOL = 4

    def __init__(self, scheduler: Scheduler, reading: Reading) -> None:
        super().__init__(scheduler, reading)
        self._points: ByCode[dict[int, Point]] = ByCode()
        self._accesses: ByCode[dict[int, Point]] = ByCode()
        self._busy: ByCode[dict[int, Point]] = ByCode()  # the points that are no call, nor idle
        self._observed: ByCode[dict[int, Point]] = ByCode()  # without switch points

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
            (events.PY_RETURN, self._gives),
        ]:
            if event != events.C_RETURN or not self._reading.needs_callee:
                monitoring.register_callback(self._tool, event, callback)
        monitoring.set_events(self._tool, events.PY_START)

    def remove(self) -> None:
        """Leave the interpreter as it was."""
        monitoring.set_events(self._tool, 0)
        for code in self._points:
            monitoring.set_local_events(self._tool, code, 0)
        for event in (
            "PY_START PY_RESUME INSTRUCTION CALL C_RETURN JUMP PY_RETURN".split()  # noqa: SIM905
        ):
            monitoring.register_callback(self._tool, getattr(monitoring.events, event), None)
        monitoring.free_tool_id(self._tool)

    def renew(self) -> None:
        """Have the points that were idle asked again."""
        for code in list(self._points):
            self._ask_of(code)
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
        self._accesses[code] = self._reading.accesses(code)
        self._ask_of(code)
        events = monitoring.events
        met = events.PY_START | events.PY_RESUME | events.INSTRUCTION | events.CALL | events.JUMP
        if self._scheduler.traced is not None:
            met |= events.PY_RETURN
        monitoring.set_local_events(self._tool, code, met)

    def _ask_of(self, code: CodeType) -> None:
        """Find the points at which the reading may have to do something."""
        self._busy[code] = {
            offset: point
            for offset, point in self._points[code].items()
            if point.role != "call" and not self._reading.idle(point)
        }

    def _start(self, code: CodeType, offset: int) -> Any:  # noqa: ARG002
        if code.co_filename not in self._stepped:
            if self._scheduler.traced is None:
                return monitoring.DISABLE
            return self._starts_unstepped(code)
        if get_ident() in self._scheduler.idents:
            if code not in self._points:
                for each in nested(code):
                    self.prepare(each)
                self._scheduler.disprove(
                    ("code", code.co_filename, code.co_qualname, code.co_firstlineno)
                )
            if not code.co_name.startswith("<") or code.co_name == "<lambda>":
                from_c = self._callbacks.enters(code, sys._getframe(2), self._is_calling_c)
                self._entered(code, resumed=False, from_c=from_c)
            self._advances(sys._getframe(1), begins=True)
        return None

    def _is_calling_c(self) -> bool:
        """Whether what the running thread called last is a function in C."""
        return self._scheduler.current.calls_c

    def _starts_unstepped(self, code: CodeType) -> Any:
        if code in self._opaque or self._is_unlocked(code):
            if code in self._observed:
                monitoring.set_local_events(self._tool, code, monitoring.events.PY_START)
            frame = sys._getframe(2)
            if get_ident() in self._scheduler.idents and not self._is_within_known(frame):
                self._unstepped(frame)
            return None
        if not self._is_noted(code):
            return monitoring.DISABLE
        if code not in self._observed:
            self._points[code] = self._busy[code] = {}
            self._observed[code] = self._accesses[code] = self._observations(code)
            events = monitoring.events
            met = events.PY_START | events.CALL | events.PY_RETURN
            if code not in CALLS_WHAT_IT_IS_GIVEN:
                met |= events.INSTRUCTION | events.PY_RESUME
            monitoring.set_local_events(self._tool, code, met)
        if get_ident() in self._scheduler.idents:
            self._advances(sys._getframe(2), begins=True)
        return None

    def _resume(self, code: CodeType, offset: int) -> Any:  # noqa: ARG002
        if get_ident() in self._scheduler.idents:
            if code not in self._observed:
                self._entered(code, resumed=True)
            self._advances(sys._getframe(1), begins=False)

    def _instruction(self, code: CodeType, offset: int) -> Any:
        scheduler = self._scheduler
        if scheduler.plain:
            known = self._busy.by_address.get(address_of(code))
            point = (self._busy[code] if known is None else known[0]).get(offset)
            if point is None:
                return monitoring.DISABLE
            if get_ident() in scheduler.idents:
                self._reading.at(point)
            return None
        if code in self._observed:
            return self._observes(code, offset)
        point = self._points[code].get(offset)
        access = self._accesses[code].get(offset) if scheduler.traced is not None else None
        controlled = get_ident() in scheduler.idents
        if controlled and scheduler.step is not None:
            self._goes_on(sys._getframe(1))
        if point is None or point.role == "call":
            if scheduler.recorder is None and access is None:
                return monitoring.DISABLE
        elif controlled:
            self._reading.at(point)
        if access is not None and controlled and scheduler.step is not None:
            self._accesses_at(access, sys._getframe(1))
        if scheduler.recorder is not None:
            if controlled and (point is None or point.role != "call"):
                scheduler.recorder.executes(scheduler.who_runs(), code, offset)
        elif point is not None and self._reading.idle(point):
            return monitoring.DISABLE
        return None

    def _observes(self, code: CodeType, offset: int) -> Any:
        """Take note of what is touched where no switch is possible."""
        if self._scheduler.step is not None and get_ident() in self._scheduler.idents:
            frame = sys._getframe(2)
            self._goes_on(frame)
            if self._is_within_known(frame):
                return
            observed = self._observed[code].get(offset)
            if observed is not None:
                self._accesses_at(observed, frame)

    def _accesses_at(self, access: Point, frame: FrameType) -> None:
        """Take note of an access; what is called is known only when it is."""
        if access.role != "call" or access.opname == "BEFORE_WITH":
            self._touch(access, frame)

    def _calls(self, code: CodeType, offset: int, callee: object, first: object) -> Any:  # noqa: ARG002
        if get_ident() not in self._scheduler.idents:
            return None
        known = self._points.by_address.get(address_of(code))
        point = (self._points[code] if known is None else known[0]).get(offset)
        if self._scheduler.plain:
            return monitoring.DISABLE if point is None else self._plainly_calls(point, callee)
        if self._scheduler.step is not None:
            self._goes_on(sys._getframe(1))
        access = self._accesses[code].get(offset)
        entered = _python_code(callee)
        self._scheduler.current.calls_c = entered is None
        if point is None:
            if access is None:
                return None
        elif entered is None:
            self._reading.calls_c(point)
        elif not self._has_switch_points(entered):
            self._reading.calls_unstepped(point)
        if entered is None and access is not None and self._scheduler.step is not None:
            self._touch(access, sys._getframe(1), callee)
        if point is not None and self._scheduler.recorder is not None:
            self._scheduler.recorder.executes(self._scheduler.who_runs(), code, offset)
        return None

    def _plainly_calls(self, point: Point, callee: object) -> None:
        """Take note of a call, where only the switch points matter."""
        entered = callee.__code__ if type(callee) is FunctionType else _python_code(callee)
        self._scheduler.current.calls_c = entered is None
        if entered is None:
            self._reading.calls_c(point)
            return
        known = self._known.by_address.get(address_of(entered))
        if not (self._has_switch_points(entered) if known is None else known[0]):
            self._reading.calls_unstepped(point)

    def _returned(self, code: CodeType, offset: int, callee: object, first: object) -> Any:  # noqa: ARG002
        if get_ident() not in self._scheduler.idents or _is_python(callee):
            return
        point = self._points[code].get(offset)
        if point is not None:
            if self._scheduler.observer is not None:
                self._scheduler.observer.returns_to(code, offset)
            self._reading.returned_c(point, _c_name(callee))

    def _gives(self, code: CodeType, offset: int, value: object) -> None:  # noqa: ARG002
        if self._scheduler.step is not None and get_ident() in self._scheduler.idents:
            self._returns(value, sys._getframe(1))

    def _jumped(self, code: CodeType, offset: int, destination: int) -> Any:
        if destination > offset:
            return monitoring.DISABLE
        point = self._points[code].get(offset)
        if point is None:
            return monitoring.DISABLE
        if get_ident() in self._scheduler.idents:
            self._reading.jumped_back(point)
            self._iterated(point)
        return None


def _python_code(callee: Any) -> CodeType | None:
    """Return the Python code that a call enters first, or None if it is a function in C."""
    if issubclass(type(callee), MethodType):
        callee = callee.__func__
    if issubclass(type(callee), type):
        callee = vars(callee).get("__init__") or getattr(callee, "__init__", None)
    elif not issubclass(type(callee), FunctionType):
        callee = getattr(type(callee), "__call__", None)  # noqa: B004 - the function, not whether
    return callee.__code__ if issubclass(type(callee), FunctionType) else None


def _is_python(callee: Any) -> bool:
    """Whether a call enters Python code without any C between."""
    if issubclass(type(callee), MethodType):
        callee = callee.__func__
    return issubclass(type(callee), FunctionType)


def _c_name(callee: Any) -> str:
    """Name a function in C as the table of switches does; an object of the program has no name."""
    if in_python(type(callee)):
        return ""
    if issubclass(type(callee), type) and isinstance(vars(callee).get("__init__"), FunctionType):
        return PYTHON_CLASS
    name = getattr(callee, "__name__", "")
    owner = getattr(callee, "__objclass__", None)
    if owner is None:
        bound = getattr(callee, "__self__", None)
        owner = None if issubclass(type(bound), ModuleType | None) else type(bound)
    return f"{owner.__name__}.{name}" if owner is not None else name

"""Where a program can be stopped: the switch points of each code object, and how they are met.

On CPython 3.11 a trace function with opcode events meets them; from 3.12 on `sys.monitoring` does,
because there the trace function is told of fewer opcodes on a function's first run than later.
"""

import dis
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

SHARED = frozenset(
    """
    LOAD_GLOBAL STORE_GLOBAL DELETE_GLOBAL LOAD_NAME STORE_NAME DELETE_NAME
    LOAD_DEREF STORE_DEREF DELETE_DEREF LOAD_CLASSDEREF
    LOAD_FROM_DICT_OR_DEREF LOAD_FROM_DICT_OR_GLOBALS
    LOAD_ATTR LOAD_METHOD STORE_ATTR DELETE_ATTR LOAD_SUPER_ATTR
    BINARY_SUBSCR BINARY_SLICE STORE_SUBSCR STORE_SLICE DELETE_SUBSCR
    CONTAINS_OP COMPARE_OP BINARY_OP UNARY_NOT TO_BOOL
    GET_ITER FOR_ITER GET_YIELD_FROM_ITER UNPACK_SEQUENCE UNPACK_EX
    LIST_EXTEND SET_UPDATE DICT_UPDATE DICT_MERGE GET_LEN
    MATCH_MAPPING MATCH_SEQUENCE MATCH_KEYS MATCH_CLASS
    FORMAT_VALUE FORMAT_SIMPLE FORMAT_WITH_SPEC CONVERT_VALUE
    CALL CALL_KW CALL_FUNCTION_EX CALL_INTRINSIC_1 BEFORE_WITH LOAD_SPECIAL
    POP_JUMP_FORWARD_IF_TRUE POP_JUMP_FORWARD_IF_FALSE
    POP_JUMP_BACKWARD_IF_TRUE POP_JUMP_BACKWARD_IF_FALSE
    POP_JUMP_IF_TRUE POP_JUMP_IF_FALSE JUMP_IF_TRUE_OR_POP JUMP_IF_FALSE_OR_POP
    """.split()
)


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A bytecode before which another thread may be let in."""

    code: CodeType
    offset: int
    opname: str
    name: str
    line: int

    def __repr__(self) -> str:
        """Say where it is, for a person."""
        return f"{self.opname} {self.name}".rstrip() + f" at {self.code.co_filename}:{self.line}"


def bytecode_points(code: CodeType) -> dict[int, Point]:
    """Return the switch points of the reading ``bytecode``: each opcode that can touch shared state."""
    points = {}
    start = None
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        positions = instruction.positions
        if positions is not None and positions.lineno is not None:
            line = positions.lineno
        if instruction.opname == "EXTENDED_ARG":
            start = instruction.offset if start is None else start
            continue
        offset = instruction.offset if start is None else start
        start = None
        if instruction.opname in SHARED:
            points[offset] = Point(
                code, offset, instruction.opname, str(instruction.argrepr or ""), line
            )
    return points


def nested(code: CodeType) -> Iterator[CodeType]:
    """Yield the code object and those of the functions and classes inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


class Tracer:
    """Meets switch points by ``sys.settrace``: for CPython 3.11."""

    def __init__(
        self,
        stepped: frozenset[str],
        points: Callable[[CodeType], dict[int, Point]],
        meet: Callable[[Point], None],
    ) -> None:
        self._stepped = stepped
        self._points = points
        self._meet = meet
        self._tracers: dict[CodeType, Any] = {}

    def install(self) -> None:
        """Do nothing: each thread switches its own tracing on."""

    def remove(self) -> None:
        """Do nothing: each thread switched its own tracing off."""

    def enter(self) -> None:
        """Begin to step the calling thread."""
        sys.settrace(self._call)

    def leave(self) -> None:
        """Cease to step the calling thread."""
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        try:
            tracer = self._tracers[code]
        except KeyError:
            tracer = self._tracers[code] = self._tracer(code)
        if tracer is not None:
            frame.f_trace_lines = False
            frame.f_trace_opcodes = True
        return tracer

    def _tracer(self, code: CodeType) -> Any:
        if code.co_filename not in self._stepped:
            return None
        points, meet = self._points(code), self._meet

        def trace(frame: FrameType, event: str, argument: object) -> Any:
            if event == "opcode":
                point = points.get(frame.f_lasti)
                if point is not None:
                    meet(point)
            return trace

        return trace

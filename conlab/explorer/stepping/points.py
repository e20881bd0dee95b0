"""The switch points of a file: bytecodes that can touch state that threads share, and which state.

A point left out must be harmless for certain: an operation on numbers and strings, an iteration
over a container that never leaves its function, the callable looked up for a call. What cannot be
told from the source is a point.
"""

import dis
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Literal

from conlab.explorer.stepping.facts import Facts
from conlab.explorer.stepping.opcodes import (
    ATTRIBUTE_READS,
    ATTRIBUTE_WRITES,
    BACKWARD_JUMPS,
    CALLS,
    CELL_READS,
    CELL_WRITES,
    GLOBAL_READS,
    GLOBAL_WRITES,
    MAKES_BOOL,
    NAMES_A_CALLEE,
    NUMBER_OPERATIONS,
    OPERATIONS,
    TESTS,
    TOUCHES,
)
from conlab.explorer.stepping.spans import Span, lines_of, span_in

Role = Literal["read", "write", "touch", "call", "jump"]
Loop = Literal["", "for", "poll", "work"]  # a poll stores nothing: it can only wait
Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A bytecode that another thread may come before, or, in the reading ``gil``, after."""

    code: CodeType
    offset: int
    role: Role
    key: Key  # what is read or written, or which call it is; empty where it is not known
    opname: str
    name: str
    line: int
    after: int  # the offset of the instruction that follows
    target: int  # where it jumps back to, or -1
    loop: Loop  # what it closes, if it jumps back
    span: Span

    @property
    def what(self) -> str:
        """Say what it does, for a person."""
        return f"{self.opname} {self.name}".strip()

    def __repr__(self) -> str:
        """Say where it is, for a person."""
        return f"{self.what} ({self.code.co_filename}:{self.line})"


def points_of(code: CodeType, facts: Facts) -> dict[int, Point]:
    """Return, by offset, the points of one code object."""
    points: dict[int, Point] = {}
    if not lines_of(code):  # it stands in no file, whatever it says: what is around a test
        return points
    harmless = facts.harmless.get(code.co_filename, set())
    previous: dis.Instruction | None = None
    loaded: list[tuple[Span, str]] = []
    line = code.co_firstlineno
    instructions = [
        instruction
        for instruction in dis.get_instructions(code)
        if instruction.opname not in ("EXTENDED_ARG", "CACHE", "PRECALL", "KW_NAMES", "NOP")
    ]
    for at, instruction in enumerate(instructions):
        span = span_in(instruction.positions)
        line = span[0] or line
        sort = _role(instruction, previous, facts, harmless=span in harmless)
        if instruction.opname in NAMES_A_CALLEE:
            loaded.append((span, instruction.argval))
        if sort is not None:
            role, key = sort
            name = _name(instruction)
            if role == "call":
                name = _callee(span, loaded)
                key = ("call", code.co_filename, code.co_qualname, instruction.offset)
            after = instructions[at + 1].offset if at + 1 < len(instructions) else -1
            target = instruction.argval if instruction.opname in BACKWARD_JUMPS else -1
            points[instruction.offset] = Point(
                code,
                instruction.offset,
                role,
                key or (),
                instruction.opname,
                name,
                line,
                after,
                target,
                _loop(instructions, target, instruction.offset),
                span,
            )
        previous = instruction
    return points


def _callee(call: Span, loaded: list[tuple[Span, str]]) -> str:
    """Name what is called: the longest expression that begins where the call does."""
    best, length = "", (0, 0)
    for span, name in loaded:
        if (span[0], span[2]) == (call[0], call[2]):
            end = (span[1] or 0, span[3] or 0)
            if length < end < (call[1] or 0, call[3] or 0):
                best, length = name, end
    return best


def _loop(instructions: list[dis.Instruction], start: int, end: int) -> Loop:
    if start < 0:
        return ""
    body = [each.opname for each in instructions if start <= each.offset <= end]
    if body and body[0] in ("FOR_ITER", "SEND"):
        return "for"
    return "work" if any(name.startswith(("STORE", "DELETE")) for name in body) else "poll"


def call_points(code: CodeType) -> dict[int, Point]:
    """Return, by offset, what the reading ``gil`` needs: every call and every jump back."""
    return {
        offset: point
        for offset, point in points_of(code, Facts()).items()
        if point.role == "call" or point.target >= 0
    }


def _role(
    instruction: dis.Instruction, previous: dis.Instruction | None, facts: Facts, *, harmless: bool
) -> tuple[Role, Key | None] | None:
    name, argval = instruction.opname, instruction.argval
    before = previous.opname if previous is not None and not instruction.is_jump_target else ""
    if name in GLOBAL_READS:
        return ("touch", None) if facts.globals_reflected else ("read", ("global", argval))
    if name in CELL_READS:
        return "read", ("cell", argval)
    if name in ATTRIBUTE_READS:
        method = name == "LOAD_METHOD" or (
            name == "LOAD_ATTR" and "NULL|self" in instruction.argrepr
        )
        known = method or argval in facts.stored_attributes
        if known and not facts.attributes_reflected:
            return "read", ("attribute", argval)
        return "touch", None
    if name in GLOBAL_WRITES:
        return "write", ("global", argval)
    if name in CELL_WRITES:
        return "write", ("cell", argval)
    if name in ATTRIBUTE_WRITES:
        return "write", ("attribute", argval)
    if name in BACKWARD_JUMPS and not (name in TESTS and not harmless and before not in MAKES_BOOL):
        return "jump", None
    if name in TESTS:
        return None if harmless or before in MAKES_BOOL else ("touch", None)
    if name == "BINARY_OP" and instruction.argrepr == "[]":
        return "touch", None
    if name in CALLS:
        return None if harmless else ("call", None)
    if name == "COMPARE_OP" and _is_number(previous, before):
        return None
    if (
        name == "BINARY_OP"
        and instruction.argrepr in NUMBER_OPERATIONS
        and _is_number(previous, before)
    ):
        return None
    if name in OPERATIONS:
        return None if harmless else ("touch", None)
    if name == "CALL_INTRINSIC_1" and "UNPACK" not in instruction.argrepr.upper():
        return None
    if name in TOUCHES or name == "CALL_INTRINSIC_1":
        if before == "BUILD_TUPLE" or (
            before == "LOAD_CONST" and name in ("LIST_EXTEND", "CONTAINS_OP")
        ):
            return None
        return "touch", None
    return None


def _is_number(previous: dis.Instruction | None, before: str) -> bool:
    if previous is None or before not in ("LOAD_CONST", "LOAD_SMALL_INT"):
        return False
    return isinstance(previous.argval, int | float | str | None)


def _name(instruction: dis.Instruction) -> str:
    return instruction.argval if isinstance(instruction.argval, str) else ""


def nested(code: CodeType) -> Iterator[CodeType]:
    """Yield the code object and those of the functions and classes inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)

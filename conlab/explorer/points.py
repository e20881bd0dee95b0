"""Which bytecodes of a file can touch state that threads share, and what each one touches.

A point left out must be harmless for certain: an operation on numbers and strings, an iteration
over a container that never leaves its function, the callable looked up for a call. What cannot be
told from the source is a point.
"""

import ast
import builtins
import dis
import functools
import linecache
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Literal

Role = Literal["read", "write", "touch", "call", "turn"]
Loop = Literal["", "for", "poll", "work"]  # a poll stores nothing: it can only wait
Key = tuple[str | int, ...]
Span = tuple[int | None, int | None, int | None, int | None]

GLOBAL_READS = frozenset(["LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"])
GLOBAL_WRITES = frozenset(["STORE_GLOBAL", "DELETE_GLOBAL", "STORE_NAME", "DELETE_NAME"])
CELL_READS = frozenset(["LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"])
CELL_WRITES = frozenset(["STORE_DEREF", "DELETE_DEREF"])
ATTRIBUTE_READS = frozenset(["LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"])
ATTRIBUTE_WRITES = frozenset(["STORE_ATTR", "DELETE_ATTR"])
NAMES_A_CALLEE = GLOBAL_READS | CELL_READS | ATTRIBUTE_READS
CALLS = frozenset(["CALL", "CALL_KW", "CALL_FUNCTION_EX", "BEFORE_WITH"])
TESTS = frozenset(
    [
        "UNARY_NOT",
        "TO_BOOL",
        "JUMP_IF_TRUE_OR_POP",
        "JUMP_IF_FALSE_OR_POP",
        "POP_JUMP_FORWARD_IF_TRUE",
        "POP_JUMP_FORWARD_IF_FALSE",
        "POP_JUMP_BACKWARD_IF_TRUE",
        "POP_JUMP_BACKWARD_IF_FALSE",
        "POP_JUMP_IF_TRUE",
        "POP_JUMP_IF_FALSE",
    ]
)
OPERATIONS = frozenset(
    ["BINARY_OP", "COMPARE_OP", "GET_ITER", "FOR_ITER", "FORMAT_VALUE", "FORMAT_SIMPLE"]
)
TOUCHES = frozenset(
    [
        "BINARY_SUBSCR",
        "BINARY_SLICE",
        "STORE_SUBSCR",
        "STORE_SLICE",
        "DELETE_SUBSCR",
        "CONTAINS_OP",
        "GET_YIELD_FROM_ITER",
        "UNPACK_SEQUENCE",
        "UNPACK_EX",
        "GET_LEN",
        "LIST_EXTEND",
        "SET_UPDATE",
        "DICT_UPDATE",
        "DICT_MERGE",
        "MATCH_MAPPING",
        "MATCH_SEQUENCE",
        "MATCH_KEYS",
        "MATCH_CLASS",
        "FORMAT_WITH_SPEC",
        "CONVERT_VALUE",
    ]
)
TURNS = frozenset(["JUMP_BACKWARD", "POP_JUMP_BACKWARD_IF_TRUE", "POP_JUMP_BACKWARD_IF_FALSE"])
MAKES_BOOL = frozenset(
    [
        "COMPARE_OP",
        "CONTAINS_OP",
        "IS_OP",
        "UNARY_NOT",
        "TO_BOOL",
        "CHECK_EXC_MATCH",
        "WITH_EXCEPT_START",
    ]
)
NUMBER_OPERATIONS = frozenset(["+", "-", "+=", "-=", "/", "//", "/=", "//="])
PURE = frozenset(["range", "isinstance", "issubclass", "type", "id", "callable", "super", "object"])
OF_SCALARS = frozenset(
    [
        "int",
        "float",
        "str",
        "bool",
        "abs",
        "round",
        "ord",
        "chr",
        "repr",
        "len",
        "hash",
        "min",
        "max",
        "divmod",
    ]
)
SCALAR_RESULTS = frozenset(
    [
        "int",
        "float",
        "str",
        "bool",
        "round",
        "ord",
        "chr",
        "repr",
        "len",
        "hash",
        "id",
        "isinstance",
    ]
)
REFLECTS_ATTRIBUTES = frozenset(
    [
        "setattr",
        "delattr",
        "vars",
        "__dict__",
        "__setattr__",
        "__delattr__",
        "__class__",
        "exec",
        "eval",
        "ctypes",
    ]
)
REFLECTS_GLOBALS = frozenset(
    ["globals", "locals", "exec", "eval", "__globals__", "modules", "import_module"]
)


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

    def __repr__(self) -> str:
        """Say where it is, for a person."""
        what = f"{self.opname} {self.name}".strip()
        return f"{what} ({self.code.co_filename}:{self.line})"


@dataclass(slots=True)
class Facts:
    """What the source of the stepped files says about the names in it."""

    stored_attributes: set[str] = field(default_factory=set)
    attributes_reflected: bool = False
    globals_reflected: bool = False
    harmless: dict[str, set[Span]] = field(default_factory=dict)


def read_facts(files: Iterable[str]) -> Facts:
    """Parse the stepped files; what cannot be parsed has no harmless operations."""
    return _facts_of(tuple((file, _source(file)) for file in files))


def _source(file: str) -> bytes | None:
    try:
        return Path(file).read_bytes()
    except OSError:
        return None


@functools.lru_cache(maxsize=16)  # a file is explored again and again, and its reading takes long
def _facts_of(sources: tuple[tuple[str, bytes | None], ...]) -> Facts:
    facts = Facts()
    trees: dict[str, ast.Module] = {}
    for file, source in sources:
        try:
            trees[file] = ast.parse(source or b"")
        except (SyntaxError, ValueError):
            source = None
        if source is None:
            facts.attributes_reflected = facts.globals_reflected = True
    for tree in trees.values():
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                    facts.stored_attributes.add(name)
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    facts.attributes_reflected |= name in REFLECTS_ATTRIBUTES
                    facts.globals_reflected |= name in REFLECTS_GLOBALS
                case ast.FunctionDef(name=name):
                    facts.attributes_reflected |= name in REFLECTS_ATTRIBUTES
    names = _Names(trees.values())
    for file, tree in trees.items():
        facts.harmless[file] = set(names.harmless(tree))
    return facts


def points_of(code: CodeType, facts: Facts) -> dict[int, Point]:
    """Return, by offset, the points of one code object."""
    points: dict[int, Point] = {}
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
        positions = instruction.positions
        span: Span = (None, None, None, None)
        if positions is not None and positions.lineno is not None:
            line = positions.lineno
            span = (
                positions.lineno,
                positions.end_lineno,
                positions.col_offset,
                positions.end_col_offset,
            )
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
            target = instruction.argval if instruction.opname in TURNS else -1
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
    if name in TURNS and not (name in TESTS and not harmless and before not in MAKES_BOOL):
        return "turn", None
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


class _Names:
    """What the names of some modules can hold: numbers and strings only, or anything."""

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        """Begin with every assigned name a scalar and strike out until nothing changes."""
        trees = list(trees)
        assigned: dict[str, list[ast.expr | None]] = {}
        for tree in trees:
            for name, value in _assignments(tree):
                assigned.setdefault(name, []).append(value)
        self._assigned = set(assigned)
        self._scalars = set(assigned)
        shrinking = True
        while shrinking:
            shrinking = False
            for name, values in assigned.items():
                if name in self._scalars and not all(
                    value is not None and self._scalar(value) for value in values
                ):
                    self._scalars.discard(name)
                    shrinking = True

    def harmless(self, tree: ast.Module) -> Iterator[Span]:
        """Yield the spans of operations that touch numbers, strings and private containers only."""
        for node in ast.walk(tree):
            match node:
                case ast.BinOp(left=left, right=right):
                    fine = self._scalar(left) and self._scalar(right)
                case ast.AugAssign(target=ast.Name() | ast.Attribute() as target, value=value):
                    fine = self._scalar(target) and self._scalar(value)
                case ast.Compare(left=left, ops=operators, comparators=others):
                    fine = all(map(self._scalar, [left, *others])) and not any(
                        isinstance(operator, ast.In | ast.NotIn) for operator in operators
                    )
                case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
                    fine = self._builtin(name) and (
                        name in PURE
                        or (
                            name in OF_SCALARS
                            and not keywords
                            and all(map(self._scalar, arguments))
                        )
                    )
                case ast.FormattedValue(value=value):
                    fine = self._scalar(value)
                case _:
                    fine = False
            if fine:
                yield _span(node)
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    private = _private(node)
                    for iteration in _iterations(node):
                        if self._private_iterable(iteration.iter, private):
                            yield _span(iteration.iter)
                            if isinstance(iteration, ast.For):
                                yield _span(iteration)
                                # 3.11 to 3.13 give a loop's GET_ITER the span of the whole loop.
            match node:
                case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                    yield from self._tests(test)
                case ast.Assert(test=test):
                    yield from self._tests(test)
                case ast.UnaryOp(op=ast.Not(), operand=operand):
                    yield from self._tests(operand)
                    if self._scalar(operand):
                        yield _span(node)
                case ast.BoolOp():
                    yield from self._tests(node)

    def _tests(self, test: ast.expr) -> Iterator[Span]:
        if isinstance(test, ast.BoolOp):
            for value in test.values:
                yield from self._tests(value)
        elif isinstance(test, ast.Name | ast.Attribute) and self._scalar(test):
            yield _span(test)

    def _private_iterable(self, node: ast.expr, private: set[str]) -> bool:
        match node:
            case ast.Name(id=name):
                return name in private
            case ast.Call(func=ast.Name(id="range")):
                return self._builtin("range")
            case ast.Call(func=ast.Name(id="enumerate" | "zip" | "reversed" as name)):
                return self._builtin(name) and all(
                    self._private_iterable(argument, private) for argument in node.args
                )
            case ast.Tuple() | ast.List() | ast.Constant():
                return True
        return False

    def _builtin(self, name: str) -> bool:
        return name not in self._assigned and hasattr(builtins, name)

    def _scalar(self, node: ast.expr) -> bool:
        match node:
            case ast.Constant(value=value):
                return isinstance(value, int | float | str | bool | None)
            case ast.Name(id=name) | ast.Attribute(attr=name):
                return name in self._scalars
            case ast.Compare() | ast.JoinedStr() | ast.UnaryOp(op=ast.Not()):
                return True
            case ast.UnaryOp(operand=operand):
                return self._scalar(operand)
            case ast.BoolOp(values=values):
                return all(map(self._scalar, values))
            case ast.BinOp(left=left, right=right):
                return self._scalar(left) and self._scalar(right)
            case ast.IfExp(body=body, orelse=other):
                return self._scalar(body) and self._scalar(other)
            case ast.Call(func=ast.Name(id=name)):
                return name in SCALAR_RESULTS and self._builtin(name)
        return False


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield each name or attribute that is bound anywhere, with its value, or None if unknown."""
    paired: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    for bound, part in _pairs(target, value):
                        paired.add(id(bound))
                        yield _identifier(bound), part
            case (
                ast.AugAssign(target=ast.Name() | ast.Attribute() as one, value=value)
                | ast.NamedExpr(target=one, value=value)
            ):
                paired.add(id(one))
                yield _identifier(one), value
            case ast.For(
                target=ast.Name() as counter,
                iter=ast.Call(func=ast.Name(id="range"), args=arguments),
            ):
                paired.add(id(counter))
                yield counter.id, arguments[0] if arguments else None
    for node in ast.walk(tree):
        match node:
            case ast.Name(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                if id(node) not in paired:
                    yield _identifier(node), None
            case ast.arg(arg=name) | ast.alias(asname=str(name)) | ast.alias(name=name):
                yield name, None
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
                | ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
                | ast.keyword(arg=str(name))
            ):
                yield name, None


def _pairs(
    target: ast.expr, value: ast.expr
) -> Iterator[tuple[ast.Name | ast.Attribute, ast.expr]]:
    match target, value:
        case ast.Name() | ast.Attribute(), _:
            yield target, value
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for one, part in zip(targets, values, strict=True):
                yield from _pairs(one, part)


def _identifier(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _iterations(function: ast.AST) -> Iterator[ast.For | ast.comprehension]:
    for node in ast.walk(function):
        if isinstance(node, ast.For | ast.comprehension):
            yield node


def _private(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return the local names that hold a fresh container which never leaves this function alive."""
    candidates: set[str] = set()
    allowed: set[int] = set()
    for node in ast.walk(function):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name) as target],
                value=ast.List() | ast.ListComp() | ast.Tuple() | ast.Set() | ast.SetComp(),
            ):
                candidates.add(name)
                allowed.add(id(target))
            case ast.For(iter=ast.Name() as used) | ast.comprehension(iter=ast.Name() as used):
                allowed.add(id(used))
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name() as used, attr="append" | "extend" | "add")
                )
            ):
                allowed.add(id(used))
    inner = {
        id(name)
        for scope in ast.walk(function)
        if scope is not function
        and isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef)
        for name in ast.walk(scope)
    }
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name):
                if id(node) not in allowed or id(node) in inner:
                    candidates.discard(name)
            case ast.arg(arg=name):
                candidates.discard(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                candidates.difference_update(names)
    return candidates


def _span(node: ast.AST) -> Span:
    return (
        getattr(node, "lineno", None),
        getattr(node, "end_lineno", None),
        getattr(node, "col_offset", None),
        getattr(node, "end_col_offset", None),
    )


def nested(code: CodeType) -> Iterator[CodeType]:
    """Yield the code object and those of the functions and classes inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


def segment(file: str, span: Span) -> str:
    """Return the source text of a span."""
    first, last, start, end = span
    if first is None or last is None or start is None or end is None:
        return ""
    lines = [linecache.getline(file, number).encode() for number in range(first, last + 1)]
    if not lines:
        return ""
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines).decode(errors="replace")

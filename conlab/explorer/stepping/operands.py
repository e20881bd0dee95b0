"""What a bytecode works on: the objects, found from the source and the frame, or not at all.

An operand was loaded before, and another thread may have rebound its name meanwhile. So what a
thread loads that others may rebind is remembered when it is loaded; what nobody rebinds while
several threads live is looked up again.
"""

import ast
import functools
from collections import defaultdict
from collections.abc import Callable
from types import (
    CodeType,
    FrameType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any
from weakref import WeakKeyDictionary

from conlab.explorer.proxies import begins_when_looked_at, namespace_of
from conlab.explorer.stepping.facts import read_source
from conlab.explorer.stepping.local_names import UNBOUND, local_value
from conlab.explorer.stepping.points import Key, Point
from conlab.explorer.stepping.spans import Span, span_of
from conlab.explorer.threads.reference import GONE, Reference, address_of

UNKNOWN: Any = type("Unknown", (), {"__repr__": lambda _: "unknown"})()
Loaded = dict[tuple[int, Span], Reference]  # by frame and span: what a thread has loaded
MOST_LOADED = 256  # values that a thread remembers
# Syntax that a bytecode may stand for, as a whole:
WITH_BYTECODES = ast.expr | ast.AugAssign | ast.For | ast.With | ast.If | ast.While | ast.Assert
HEAP_TYPE = 1 << 9  # the flag of a class that was made at run time
IN_C = (WrapperDescriptorType, MethodDescriptorType)
_IN_PYTHON: WeakKeyDictionary[type, bool] = WeakKeyDictionary()


class Operands:
    """Finds the operands of a bytecode that a thread is about to execute."""

    def __init__(self, changes: Callable[[Key], bool]) -> None:
        """``changes`` says whether a name may be rebound while several threads live."""
        self._changes = changes
        self._sources: dict[str, Source] = {}

    def node(self, point: Point) -> ast.AST | None:
        """Return the expression, or augmented assignment, that a bytecode is the last of."""
        return self._source(point.code).nodes.get(point.span)

    def unpacked(self, point: Point, frame: FrameType, loaded: Loaded) -> ast.expr | None:
        """Return the expression that an unpacking takes apart, where that is known."""
        source = self._source(point.code)
        iterated = source.elements.get(point.span)
        if iterated is not None and self._gives_tuples(iterated, frame, loaded):
            return ast.Tuple([], ast.Load())
        return source.unpacked.get(point.span)

    def _gives_tuples(self, iterated: ast.expr, frame: FrameType, loaded: Loaded) -> bool:
        match iterated:
            case ast.Call(func=ast.Name() as function):
                called = self.value(function, frame, loaded)
                return called is enumerate or called is zip
            case ast.Call(func=ast.Attribute(value=owner, attr="items")):
                return issubclass(type(self.value(owner, frame, loaded)), dict)
        return False

    def value(self, node: ast.AST | None, frame: FrameType, loaded: Loaded) -> Any:
        """Return what an expression has given, or UNKNOWN where that is not certain."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                known = _remembered(node, frame, loaded)
                return self._named(name, frame) if known is UNKNOWN else known
            case ast.Attribute(value=owner, attr=name):
                known = _remembered(node, frame, loaded)
                if known is not UNKNOWN or self._changes(("attribute", name)):
                    return known
                return attribute(self.value(owner, frame, loaded), name)
            case ast.Subscript() | ast.Call():
                return _remembered(node, frame, loaded)
        return UNKNOWN

    def callee(self, node: ast.expr, frame: FrameType, loaded: Loaded) -> tuple[Any, Any]:
        """Return what is called, and of what it is a method."""
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value, frame, loaded)
            if owner is UNKNOWN or issubclass(type(owner), ModuleType | type):
                return self.value(node, frame, loaded), UNKNOWN
            if begins_when_looked_at(owner):
                return UNKNOWN, owner
            own = namespace_of(owner) or {}
            if node.attr in own:
                return own[node.attr], UNKNOWN
            for base in type(owner).__mro__:
                if node.attr in vars(base):
                    return vars(base)[node.attr], owner
            return UNKNOWN, owner
        return self.value(node, frame, loaded), UNKNOWN

    def remember(self, point: Point, frame: FrameType, loaded: Loaded) -> None:
        """Remember what a bytecode is about to load, if that can be told."""
        match self.node(point):
            case ast.Name(id=name):
                value = _looked_up(name, frame)
            case ast.Attribute(value=owner, attr=name):
                value = attribute(self.value(owner, frame, loaded), name)
            case ast.Subscript(value=owner, slice=index):
                value = _element(self.value(owner, frame, loaded), self.value(index, frame, loaded))
            case _:
                return
        self.keep(point, value, frame, loaded)

    def keep(self, point: Point, value: Any, frame: FrameType, loaded: Loaded) -> None:
        """Remember what a bytecode has given."""
        if len(loaded) >= MOST_LOADED:
            loaded.clear()
        loaded[address_of(frame), point.span] = Reference(value)

    def lasting(self, node: ast.AST | None, frame: FrameType) -> bool:
        """Whether an expression gives the same object for as long as its function runs."""
        match node:
            case ast.Name(id=name):
                code = frame.f_code
                if name in code.co_varnames and name not in code.co_cellvars:
                    return self._source(code).bindings(code, name) <= 1
                return not self._changes(_key(name, code))
            case ast.Attribute(value=owner, attr=name):
                return not self._changes(("attribute", name)) and self.lasting(owner, frame)
        return isinstance(node, ast.Call)

    def _named(self, name: str, frame: FrameType) -> Any:
        code = frame.f_code
        local = name in code.co_varnames and name not in code.co_cellvars
        if local:
            return UNKNOWN if name in self._source(code).walrused else _looked_up(name, frame)
        return UNKNOWN if self._changes(_key(name, code)) else _looked_up(name, frame)

    def _source(self, code: CodeType) -> "Source":
        file = code.co_filename
        if file not in self._sources:
            self._sources[file] = _parsed(read_source(file))
        return self._sources[file]


def _remembered(node: ast.AST, frame: FrameType, loaded: Loaded) -> Any:
    known = loaded.get((address_of(frame), span_of(node)))
    thing = GONE if known is None else known.thing()
    return UNKNOWN if thing is GONE else thing


def attribute(owner: Any, name: str) -> Any:
    """Return an attribute without running any code of the owner's class, or UNKNOWN."""
    if owner is UNKNOWN:
        return UNKNOWN
    if issubclass(type(owner), ModuleType):
        return vars(owner).get(name, UNKNOWN)
    if issubclass(type(owner), type):
        return of_class(owner, name)
    kind = type(owner)
    if begins_when_looked_at(owner):
        return UNKNOWN
    if any("__getattribute__" in vars(base) for base in kind.__mro__[:-1] if in_python(base)):
        return UNKNOWN
    inherited = of_class(kind, name)
    if issubclass(type(inherited), MemberDescriptorType):
        try:
            return inherited.__get__(owner)
        except AttributeError:
            return UNKNOWN
    if hasattr(type(inherited), "__set__") or issubclass(type(inherited), GetSetDescriptorType):
        return UNKNOWN
    try:
        own = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        own = {}
    if name in own:
        return own[name]
    return UNKNOWN if hasattr(type(inherited), "__get__") else inherited


def of_class(kind: type, name: str) -> Any:
    """Return what a class, or one that it inherits from, has under a name; UNKNOWN if nothing."""
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), UNKNOWN)


def _element(owner: Any, index: Any) -> Any:
    """Return what a subscript is about to give, where that runs no code of anybody's."""
    if type(owner) not in (list, tuple, dict, defaultdict) or type(index) not in (int, str):
        return UNKNOWN
    try:
        return owner[index] if type(owner) is not defaultdict or index in owner else UNKNOWN
    except (LookupError, TypeError):
        return UNKNOWN


def in_python(kind: type) -> bool:
    """Whether a class statement has made this class: what it does itself, it does in Python.

    C can make classes at run time as well, as that of `array.array`; these have methods in C.
    """
    known = _IN_PYTHON.get(kind)
    if known is None:
        made_at_run_time = bool(kind.__flags__ & HEAP_TYPE)
        known = _IN_PYTHON[kind] = made_at_run_time and not any(
            type(each) in IN_C and each.__objclass__ is kind for each in vars(kind).values()
        )
    return known


def purely_in_python(kind: type) -> bool:
    """Whether neither a class nor any of its bases, but ``object``, is one in C."""
    return all(in_python(base) for base in kind.__mro__[:-1])


def _key(name: str, code: CodeType) -> Key:
    cell = name in code.co_cellvars or name in code.co_freevars
    return ("cell" if cell else "global", name)


def _looked_up(name: str, frame: FrameType) -> Any:
    code = frame.f_code
    if name in code.co_varnames or name in code.co_cellvars or name in code.co_freevars:
        value = local_value(frame, name)
        return UNKNOWN if value is UNBOUND else value
    if name in frame.f_globals:
        return frame.f_globals[name]
    builtins = frame.f_builtins
    return builtins.get(name, UNKNOWN)


class Source:
    """What is asked of a source again and again."""

    def __init__(self, tree: ast.Module) -> None:
        self.nodes: dict[Span, ast.AST] = {}  # those that are the last of a bytecode
        self.unpacked: dict[Span, ast.expr] = {}  # by what they are bound to
        self.elements: dict[Span, ast.expr] = {}  # of what, by what they are bound to
        self.walrused: set[str] = set()  # names that an expression binds: their value may be older
        self._functions: dict[tuple[str, int], ast.AST] = {}
        self._bindings: dict[tuple[str, int, str], int] = {}
        for node in ast.walk(tree):
            if issubclass(type(node), WITH_BYTECODES):
                self.nodes.setdefault(span_of(node), node)
            match node:
                case ast.Assign(targets=targets, value=value):
                    self.unpacked |= {span_of(each): value for each in targets}
                case ast.For(target=target, iter=iterated):
                    self.elements[span_of(target)] = iterated
                case ast.comprehension(target=target, iter=iterated):
                    self.elements[span_of(target)] = iterated
            if isinstance(node, ast.NamedExpr):
                self.walrused.add(node.target.id)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = [node.lineno, *(each.lineno for each in node.decorator_list)]
                self._functions[node.name, min(lines)] = node

    def bindings(self, code: CodeType, name: str) -> int:
        """Count the places of a function that bind a local name, its parameter among them."""
        key = (code.co_name, code.co_firstlineno, name)
        if key not in self._bindings:
            function = self._functions.get(key[:2])
            self._bindings[key] = (
                2
                if function is None
                else sum(
                    (isinstance(each, ast.Name) and each.id == name and _stores(each))
                    or (isinstance(each, ast.arg) and each.arg == name)
                    for each in ast.walk(function)
                )
            )
        return self._bindings[key]


@functools.lru_cache(maxsize=64)
def _parsed(source: bytes | None) -> Source:
    try:
        return Source(ast.parse(source or b""))
    except (SyntaxError, ValueError):
        return Source(ast.Module([], []))


def _stores(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store | ast.Del)

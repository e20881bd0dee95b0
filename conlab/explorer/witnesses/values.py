"""What an access reads or writes, in a few characters, without running any of the reader's code.

A ``repr`` of the reader's own class could take a lock, or change what it shows. So numbers and
strings are shown, short containers of them, how long other containers are, and of all else the name
of the class.
"""

import ast
import asyncio
import queue
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import (
    BuiltinFunctionType,
    CodeType,
    FrameType,
    FunctionType,
    MethodDescriptorType,
    ModuleType,
)
from typing import Any

from conlab.explorer.stepping.operands import (
    UNKNOWN,
    Loaded,
    Operands,
    attribute,
    in_python,
    of_class,
)
from conlab.explorer.stepping.points import Point
from conlab.explorer.stepping.spans import segment
from conlab.explorer.witnesses.accesses import READING_FUNCTIONS, READING_METHODS, Access, access_of
from conlab.explorer.wording import shortened

LONGEST = 24  # characters of a value
LONGEST_LABEL = 24  # characters of an expression that names what is accessed
SCALARS = (int, float, complex, bool, str, bytes, type(None))
BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("{", "}"),
    deque: ("[", "]"),
}
MAPPINGS: tuple[type, ...] = (dict, defaultdict, OrderedDict, Counter)
QUEUES: dict[type, str] = {
    queue.Queue: "queue",
    queue.LifoQueue: "queue",
    queue.PriorityQueue: "queue",
    asyncio.Queue: "_queue",
    asyncio.LifoQueue: "_queue",
    asyncio.PriorityQueue: "_queue",
}
EVENTS: tuple[type, ...] = (threading.Event, asyncio.Event)
NO_DATA = ModuleType | type | FunctionType | BuiltinFunctionType  # what a program does not share
MOST_BITS = 80  # of an integer that is shown in full


@dataclass(frozen=True, slots=True)
class Looked:
    """An access of an execution: what of, as the source names it, and how to look at it again."""

    access: Access
    thing: Hashable  # tells this attribute, say, from that of another object of the class
    look: Callable[[], Any]
    lasting: bool = False  # whether it may go on until its line is done, as a call does
    names: bool = False  # whether it only loads what something is done to, perhaps


class Values:
    """Finds what a bytecode accesses that is about to be executed."""

    def __init__(self) -> None:
        self._operands = Operands(lambda _: False)
        self._loaded: dict[str, Loaded] = {}  # by thread

    def looked_at(self, thread: str, point: Point, frame: FrameType) -> Looked | None:
        """Return what is accessed, or None if that is nothing that threads may share."""
        loaded = self._loaded.setdefault(thread, {})
        access = access_of(point)
        found = None
        if access is not None:
            node = self._operands.node(point)
            found = self._found(access, node, point, frame, loaded)
        self._operands.remember(point, frame, loaded)
        return found

    def _found(
        self, access: Access, node: ast.AST | None, point: Point, frame: FrameType, loaded: Loaded
    ) -> Looked | None:
        def value(each: ast.AST | None) -> Any:
            return self._operands.value(each, frame, loaded)

        match node:
            case ast.Name(id=name):
                cells = frame.f_code.co_cellvars + frame.f_code.co_freevars
                place = "cell" if name in cells else id(frame.f_globals)
                thing: Hashable = (name, place)
                return Looked(access, thing, lambda: _named(name, frame), names=True)
            case ast.Attribute(value=of, attr=name):
                owner = value(of)
                if not access.writes and _is_method(owner, name):
                    return None
                thing = (name, None if owner is UNKNOWN else id(owner))
                return Looked(access, thing, lambda: attribute(owner, name), names=True)
            case ast.Subscript(value=of, slice=index):
                return self._of_container(access, value(of), point, value(index))
            case ast.Compare(comparators=[*_, of]):
                return self._of_container(access, value(of), point)
            case ast.Call(func=ast.Attribute(value=of, attr=name)):
                owner = value(of)
                if issubclass(type(owner), NO_DATA) or _is_of_the_program(owner):
                    return None  # what its method does, its own lines show
                if name == "get" and type(owner) in QUEUES:  # of a mapping it reads
                    access = Access(access.what, writes=True)
                reads = name in READING_METHODS and not access.writes
                return self._of_container(Access(access.what, not reads), owner, point)
            case ast.Call(func=ast.Name(id=name), args=[of]) if name in READING_FUNCTIONS:
                return self._of_container(access, value(of), point)
        return Looked(access, (access.what, None), lambda: UNKNOWN)

    def _of_container(
        self, access: Access, container: Any, point: Point, index: Any = UNKNOWN
    ) -> Looked | None:
        if issubclass(type(container), NO_DATA):
            return None
        thing = (access.what, None if container is UNKNOWN else id(container))
        keyed = type(container) in (list, tuple, deque, *MAPPINGS)
        if index is UNKNOWN or type(index) not in SCALARS or not keyed:
            return Looked(access, thing, lambda: container, lasting=True)
        label = " ".join(segment(point.code.co_filename, point.span).split())
        short = 0 < len(label) <= LONGEST_LABEL and label.isprintable()
        access = Access(access.what, access.writes, label=label if short else access.what)
        return Looked(access, thing, lambda: _element(container, index))


def _is_of_the_program(owner: Any) -> bool:
    """Whether an object is of a class that a class statement has made, and of no known one."""
    kind = type(owner)
    return owner is not UNKNOWN and in_python(kind) and kind not in QUEUES and kind not in EVENTS


def _is_method(owner: Any, name: str) -> bool:
    found = UNKNOWN if owner is UNKNOWN else of_class(type(owner), name)
    return type(found) in (FunctionType, MethodDescriptorType)


def _named(name: str, frame: FrameType) -> Any:
    return Operands(lambda _: False).value(ast.Name(name), frame, {})


def _element(container: Any, index: Any) -> Any:
    """Return an element of a container of the language's own, by an index that is a scalar."""
    try:
        if issubclass(type(container), dict) and any(
            type(each) not in SCALARS for each in container
        ):
            return UNKNOWN  # to compare keys would run their code
        if type(container) in MAPPINGS:  # `get` makes nothing that is missing
            return dict.get(container, index, MISSING)
        return container[index]
    except (LookupError, TypeError):
        return MISSING


class _Missing:
    """What there is where there is no element."""


MISSING = _Missing()


def shown(value: Any) -> str:
    """Show a value in at most `LONGEST` characters; nothing where it is not known."""
    kind = type(value)
    if value is UNKNOWN:
        return ""
    if value is MISSING:
        return "nothing"
    if kind in SCALARS:
        return _scalar(value)
    if kind in BRACKETS:
        opening, closing = BRACKETS[kind]
        parts = [_scalar(each) if type(each) in SCALARS else None for each in list(value)[:4]]
        if kind in (set, frozenset) and None not in parts:
            parts.sort(key=str)
        return _short(parts, opening, closing, len(value), kind)
    if kind in MAPPINGS:
        pairs = [
            f"{_scalar(key)}: {_scalar(each)}"
            if type(key) in SCALARS and type(each) in SCALARS
            else None
            for key, each in list(dict.items(value))[:4]
        ]
        return _short(pairs, "{", "}", len(value), kind)
    if kind in QUEUES:
        items = vars(value).get(QUEUES[kind])
        return f"{_name(kind)} of {len(items)}" if type(items) in (deque, list) else _name(kind)
    if kind in EVENTS:
        flag = vars(value).get("_flag", vars(value).get("_value"))
        return "set" if flag else "not set"
    return _name(kind)


def change(before: str, after: str) -> str:
    """Say what a write did: what was there, and what is."""
    if not before or not after:
        return after
    kind, of, _ = before.partition(" of ")
    return f"{before} → {after.removeprefix(kind + of) if of else after}"


def _short(parts: list[str | None], opening: str, closing: str, length: int, kind: type) -> str:
    """Show what is in a container, if that is short and tells all."""
    known = [part for part in parts if part is not None]
    text = f"{opening}{', '.join(known)}{closing}"
    if length == len(known) and len(text) <= LONGEST:
        return text
    return f"{_name(kind)} of {length}"


def _scalar(value: Any) -> str:
    if type(value) is int and value.bit_length() > MOST_BITS:
        return f"an int of {value.bit_length()} bits"
    if type(value) in (str, bytes) and len(value) > LONGEST:
        value = value[:LONGEST]  # of which the repr is longer
    return shortened(repr(value), LONGEST)


def _name(kind: type) -> str:
    name: str = type.__dict__["__name__"].__get__(kind)  # a metaclass may have its own idea
    return name


def frame_of(code: CodeType, frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of this code on a stack."""
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame

"""Loops, and which of them only wait: nothing that their bodies do can end them.

A loop that polls a flag, a clock or another thread turns until another thread, or time, ends it,
whatever else it does meanwhile, as in ``while not stop.is_set(): count += 1``. What cannot be told
from the source does not only wait.
"""

import ast
import builtins
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Literal

from conlab.explorer.stepping.facts import read_source
from conlab.explorer.stepping.opcodes import names
from conlab.explorer.stepping.points import Point

# ``only waits``: what ends it is in no way its own doing. ``looks``: it stores nothing, so it waits
# unless something that it calls gets on. ``works``: it may well end by itself.
Kind = Literal["iterates", "only waits", "looks", "works"]
Extent = tuple[int, int, int, int]  # first line and column, last line and column
# Methods and functions that tell something and change nothing.
TELLS_WHAT_OTHERS_DO = names("is_set isSet is_alive")
LOOKS = TELLS_WHAT_OTHERS_DO | names(
    "locked empty full qsize done cancelled running monotonic monotonic_ns perf_counter"
    " perf_counter_ns time time_ns len any all bool isinstance"
)


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """A loop of a code object, as far as its source is known."""

    code: CodeType
    kind: Kind
    extent: Extent

    def inside(self, other: "Loop") -> bool:
        """Whether this one is in the body of the other."""
        (line, column, last_line, last_column) = self.extent
        (its_line, its_column, its_last_line, its_last_column) = other.extent
        return (
            self is not other
            and self.code.co_filename == other.code.co_filename
            and (its_line, its_column) < (line, column)
            and (last_line, last_column) <= (its_last_line, its_last_column)
        )


class Loops:
    """Knows the loop that a jump closes."""

    def __init__(self) -> None:
        """Begin with no file read."""
        self._in_file: dict[str, tuple[tuple[Extent, bool], ...]] = {}
        self._of_jump: dict[Point, Loop] = {}
        self._known: dict[tuple[CodeType, Extent], Loop] = {}

    def closed_by(self, jump: Point) -> Loop:
        """Return the loop; that of a source which cannot be had is known by its bytecode."""
        loop = self._of_jump.get(jump)
        if loop is None:
            loop = self._of_jump[jump] = self._find(jump)
        return loop

    def _find(self, jump: Point) -> Loop:
        kind: Kind = {"for": "iterates", "poll": "looks"}.get(jump.loop, "works")  # type: ignore[assignment]
        file = jump.code.co_filename
        if file not in self._in_file:
            self._in_file[file] = loops_of(read_source(file))
        places = [*jump.code.co_positions()]
        ends = places[jump.offset // 2], places[jump.target // 2]
        around = [
            (extent, waits)
            for extent, waits in self._in_file[file]
            if all(_within(place, extent) for place in ends)
        ]
        if not around:
            return Loop(jump.code, kind, (0, 0, 0, 0))
        extent, waits = max(around)
        key = jump.code, extent
        if key not in self._known:
            only = waits and kind != "iterates"
            self._known[key] = Loop(jump.code, "only waits" if only else kind, extent)
        return self._known[key]


def _within(place: tuple[int | None, int | None, int | None, int | None], extent: Extent) -> bool:
    line, last_line, column, last_column = place
    if line is None or last_line is None or column is None or last_column is None:
        return True
    return extent[:2] <= (line, column) and (last_line, last_column) <= extent[2:]


@functools.lru_cache(maxsize=256)  # the same files are explored again and again
def loops_of(source: bytes | None) -> tuple[tuple[Extent, bool], ...]:
    """Return where each loop stands, and whether it only waits."""
    try:
        return tuple(_loops_in(ast.parse(source or b"")))
    except (SyntaxError, ValueError):
        return ()


def _loops_in(tree: ast.Module) -> Iterator[tuple[Extent, bool]]:
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.While | ast.For | ast.AsyncFor):
            end = node.end_lineno or 0, node.end_col_offset or 0
            waits = isinstance(node, ast.While) and _only_waits(node, imported)
            yield (node.lineno, node.col_offset, *end), waits


def _only_waits(loop: ast.While, imported: set[str]) -> bool:
    tests = list(_exits(loop.body, asked=False))
    if not (isinstance(loop.test, ast.Constant) and loop.test.value):
        tests.append(loop.test)
    changed = set(_changed(loop, imported))
    if not tests or None in changed:
        return False
    for test in tests:
        for read, told in [(None, False)] if test is None else _reads(test, imported):
            if read is None:
                return False
            for change in changed:
                if _within_path(change, read) or (not told and _within_path(read, change)):
                    return False
    return True


def _exits(body: list[ast.stmt], *, asked: bool) -> Iterator[ast.expr | None]:
    """Give the conditions under which a loop is left from within; None if there are others."""
    for statement in body:
        match statement:
            case ast.Break() | ast.Return() | ast.Raise():
                if not asked:
                    yield None
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case ast.If(test=test, body=then, orelse=otherwise):
                branches = [*then, *otherwise]
                if list(_exits(branches, asked=False)):
                    yield test
                yield from _exits(branches, asked=True)
            case _:
                for name in ("body", "orelse", "finalbody"):
                    yield from _exits(getattr(statement, name, []), asked=asked)
                for each in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
                    yield from _exits(each.body, asked=asked)


def _reads(test: ast.expr, imported: set[str]) -> Iterator[tuple[str | None, bool]]:
    """Give what a condition depends on, and whether only others change it; None for anything."""
    match test:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
            if name not in LOOKS or test.keywords:
                yield None, False
            if isinstance(test.func, ast.Attribute):
                path = _path(test.func.value)
                if path not in imported:
                    yield path, name in TELLS_WHAT_OTHERS_DO
            for each in arguments:
                yield from _reads(each, imported)
        case ast.Name(ctx=ast.Load()) | ast.Attribute():
            yield _path(test), False
        case ast.Call() | ast.Await() | ast.NamedExpr() | ast.Lambda():
            yield None, False
        case _:
            for child in ast.iter_child_nodes(test):
                if isinstance(child, ast.comprehension):
                    yield from _reads(child.iter, imported)
                elif isinstance(child, ast.expr):
                    yield from _reads(child, imported)


def _changed(loop: ast.While, imported: set[str]) -> Iterator[str | None]:
    """Give what a turn may change; None for anything."""
    for statement in loop.body:
        for node in ast.walk(statement):
            match node:
                case ast.Name(ctx=ast.Store() | ast.Del()):
                    yield node.id
                case ast.Attribute(ctx=ast.Store() | ast.Del()):
                    yield _path(node)
                case ast.Subscript(ctx=ast.Store() | ast.Del(), value=value):
                    yield _path(value)
                case ast.Call(func=ast.Attribute(attr=name)) if name in LOOKS:
                    pass
                case ast.Call(func=function, args=arguments, keywords=keywords):
                    if isinstance(function, ast.Attribute):
                        yield _path(function.value)
                    elif not (isinstance(function, ast.Name) and _is_foreign(function, imported)):
                        yield None
                    for each in [*arguments, *(keyword.value for keyword in keywords)]:
                        if isinstance(each, ast.Name | ast.Attribute):
                            yield _path(each)
                case ast.Await() | ast.Yield() | ast.YieldFrom():
                    yield None


def _is_foreign(function: ast.Name, imported: set[str]) -> bool:
    """Whether a function is not of this file, and knows only what it is given."""
    return function.id in imported or hasattr(builtins, function.id)


def _path(node: ast.expr) -> str | None:
    """Return ``a.b.c`` for that expression, or None for one that is not so plain."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            path = _path(value)
            return None if path is None else f"{path}.{name}"
        case ast.Subscript(value=value) | ast.Starred(value=value):
            return _path(value)
        case ast.Constant():
            return "a constant"
    return None


def _within_path(path: str | None, other: str | None) -> bool:
    """Whether a path is the other, or of something that belongs to it."""
    return f"{path}.".startswith(f"{other}.")

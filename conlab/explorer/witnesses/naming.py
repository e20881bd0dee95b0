"""Names a lock, a queue, an event as its reader knows it: by what it is bound to, where it is made.

``Account.lock made at shop.py:36`` says which; a number would say nothing.
"""

import ast
import linecache
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import PurePath
from types import CodeType, FrameType
from typing import Any

from conlab.explorer.stepping.points import nested
from conlab.explorer.stepping.spans import lines_of, span_of

LONGEST = 40  # characters of an expression


def made_at(file: str, function: str, offset: int) -> str:
    """Name what the call at a bytecode makes: ``Account.lock made at shop.py:36``, or nothing."""
    code = _code(file, function)
    if code is None:
        return ""
    line = lines_of(code).get(offset)
    if not line:
        return ""
    place = f"made at {PurePath(file).name}:{line}"
    for assigned in _assignments(file):
        if assigned.first <= line <= assigned.last:
            return f"{assigned.name} {place}"
    return place


def assigned_in(files: Iterable[str], name: str, kind: str, frame: FrameType | None) -> str:
    """Name what an expression of a frame stands for, if one place alone binds its last name so.

    Or one place of the function, or class, in which the frame's line is.
    """
    last = name.rpartition(".")[2]
    found = [
        (file, each)
        for file in files
        for each in _assignments(file)
        if each.name.rpartition(".")[2] == last and kind in each.calls
    ]
    if len(found) > 1 and frame is not None:
        here = frame.f_code.co_filename
        first, final = _around(here, frame.f_lineno)
        found = [each for each in found if each[0] == here and first <= each[1].first <= final]
    if len(found) != 1:
        return ""
    file, assigned = found[0]
    return f"{assigned.name} made at {PurePath(file).name}:{assigned.first}"


def _around(file: str, line: int) -> tuple[int, int]:
    """Return the lines of the outermost function or class that this line is in."""
    for node in _tree(file).body:
        final = getattr(node, "end_lineno", None) or node.lineno
        if node.lineno <= line <= final:
            return node.lineno, final
    return line, line


def receiver(frame: FrameType | None) -> str:
    """Return the expression whose method the frame calls, awaits or enters: ``self.lock``."""
    if frame is None or frame.f_lasti < 0:
        return ""
    positions = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    span = (positions[0], positions[1], positions[2], positions[3])
    nodes = _nodes(frame.f_code.co_filename)
    node = nodes.get(span) or nodes.get(positions[0])
    match node:
        case ast.Await(value=ast.Call(func=ast.Attribute(value=of))):
            pass
        case ast.Call(func=ast.Attribute(value=of)):
            pass
        case ast.Name() | ast.Attribute():
            of = node
        case ast.AsyncWith(items=[ast.withitem(context_expr=ast.Name() | ast.Attribute() as of)]):
            pass
        case _:
            return ""
    text = ast.unparse(of)
    return text if len(text) <= LONGEST else ""


def name_of_lock(lock: Any, frame: FrameType | None, stepped: frozenset[str]) -> str:
    """Name a lock by what it is bound to where it is made, or else where it is taken; or nothing.

    ``frame`` takes it. A lock that a condition's waiter takes twice is nobody's, and has no name.
    """
    file, function, _ = lock.made_at
    if function == "Condition.wait":
        return ""
    if file in stepped:
        known = made_at(*lock.made_at)
        return known if known.startswith("made at") else known.partition(" made at ")[0]
    while frame is not None and frame.f_code.co_filename not in stepped:
        frame = frame.f_back
    return receiver(frame)


class Assigned:
    """What an assignment binds: its name with the class around it, its lines, what it calls."""

    def __init__(self, name: str, node: ast.Assign | ast.AnnAssign) -> None:
        self.name = name
        self.first = node.lineno
        self.last = node.end_lineno or node.lineno
        self.calls = {
            each.func.attr if isinstance(each.func, ast.Attribute) else getattr(each.func, "id", "")
            for each in ast.walk(node)
            if isinstance(each, ast.Call)
        }


@lru_cache(maxsize=64)
def _tree(file: str) -> ast.Module:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


@lru_cache(maxsize=64)
def _nodes(file: str) -> dict[object, ast.AST]:
    nodes: dict[object, ast.AST] = {}
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.expr):
            nodes.setdefault(span_of(node), node)
        elif isinstance(node, ast.AsyncWith):  # what it awaits has the place of its line, or none
            nodes.setdefault(span_of(node), node)
            nodes.setdefault(node.lineno, node)
    return nodes


@lru_cache(maxsize=64)
def _assignments(file: str) -> list[Assigned]:
    return list(_bound(_tree(file), ""))


def _bound(node: ast.AST, around: str) -> Iterator[Assigned]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Assign | ast.AnnAssign):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            for target in targets:
                match target:
                    case ast.Attribute(value=ast.Name(id="self"), attr=name) if around:
                        yield Assigned(f"{around}.{name}", child)
                    case ast.Name(id=name):
                        in_class = isinstance(node, ast.ClassDef)
                        yield Assigned(f"{around}.{name}" if in_class else name, child)
                    case ast.Attribute():
                        yield Assigned(ast.unparse(target), child)
        yield from _bound(child, child.name if isinstance(child, ast.ClassDef) else around)


@lru_cache(maxsize=256)
def _code(file: str, function: str) -> CodeType | None:
    source = "".join(linecache.getlines(file))
    try:
        code = compile(source, file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    return next((each for each in nested(code) if each.co_qualname == function), None)

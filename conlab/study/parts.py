"""A pitfall's file in parts: what an exercise has to be mended, what is given, what tells the fix.

Of the definitions at the top of a file, those that ``broken`` needs and ``fixed`` does not are to
be mended; those that both need, or the oracle, are given; those that ``fixed`` alone needs would
tell the fix. A given one needs given ones only.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conlab.catalogue.pitfall import DECLARED, ORACLE

Definitions = Mapping[str, ast.stmt]


@dataclass(frozen=True)
class Parts:
    """The names at the top of a file, by what an exercise makes of them."""

    to_mend: frozenset[str]
    given: frozenset[str]
    of_the_fix: frozenset[str]
    defined: Definitions  # the statement that binds each name


def parts_of(source: str) -> Parts:
    """Divide the file of a pitfall."""
    defined = definitions(ast.parse(source))
    broken, fixed = needed(["broken"], defined), needed(["fixed"], defined)
    given = (broken & fixed) | needed([ORACLE], defined)
    return Parts(broken - given, given, fixed - given, defined)


def definitions(module: ast.Module) -> dict[str, ast.stmt]:
    """The statements that bind a name at the top of a file; not its imports, nor what it declares.

    A statement that binds several, such as an ``if``, stands for each of them.
    """
    bound: dict[str, ast.stmt] = {}
    for node in module.body:
        if not isinstance(node, ast.Import | ast.ImportFrom) and not is_main(node):
            bound |= dict.fromkeys(names_bound_by(node), node)
    return {name: node for name, node in bound.items() if name not in DECLARED}


def names_bound_by(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a file binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    names = []
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.append(part.id)
        elif isinstance(part, ast.stmt):
            names += names_bound_by(part)
        elif isinstance(part, ast.Tuple | ast.List | ast.ExceptHandler):
            names += [
                each.id
                for each in ast.walk(part)
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            ]
    return names


def needed(names: Iterable[str], defined: Definitions) -> frozenset[str]:
    """The names of the file that these need, one by way of another, and themselves."""
    found: set[str] = set()
    waiting = [name for name in names if name in defined]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += names_in(defined[name]) & set(defined)
    return frozenset(found)


def names_in(node: ast.AST) -> set[str]:
    """The names that stand in a piece of code, also in annotations that are written as text."""
    names = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            names.add(part.id)
        annotation = getattr(part, "annotation", None) or getattr(part, "returns", None)
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            names |= set(annotation.value.replace("[", " ").replace("]", " ").split())
    return names


def is_main(node: ast.stmt) -> bool:
    """Whether it is what runs when the file is run as a script."""
    return isinstance(node, ast.If) and "__name__" in names_in(node.test)


def lines_of(node: ast.stmt) -> tuple[int, int]:
    """The first and the last line of a statement, its decorators included."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    return first, node.end_lineno or node.lineno

"""A pitfall's file in parts: what an exercise has to be mended, what is given, what tells the fix.

Of the definitions at the top of a file, those that ``broken`` needs and ``fixed`` does not are to
be mended; those that both need, or the oracle, are given; those that ``fixed`` alone needs would
tell the fix. A given one needs given ones only.
"""

import ast
import re
import symtable
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conlab.catalogue.pitfall import DECLARED, ORACLE

Definitions = Mapping[str, ast.stmt]
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


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
    by_name = _run_by_name(defined)
    found: set[str] = set()
    waiting = [name for name in names if name in defined]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += names_in(defined[name]) & set(defined)
            waiting += by_name & _words_in_strings(defined[name])
    return frozenset(found)


def _run_by_name(defined: Definitions) -> set[str]:
    """The functions that no statement of the file mentions but in a string: code for elsewhere."""
    nodes = {id(node): node for node in defined.values()}.values()
    mentioned = {name for node in nodes for name in names_in(node)}
    functions = {name for name, node in defined.items() if isinstance(node, ast.FunctionDef)}
    return functions - mentioned - {"broken", "fixed", ORACLE}


def _words_in_strings(node: ast.stmt) -> set[str]:
    return {word for text in strings_in(node) for word in re.findall(r"\w+", text)}


def strings_in(node: ast.AST) -> set[str]:
    """The strings in a piece of code, its docstrings left out."""
    told = {
        id(part.body[0].value)
        for part in ast.walk(node)
        if isinstance(part, FUNCTION | ast.ClassDef) and isinstance(part.body[0], ast.Expr)
    }
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in told
    }


def own_parts(function: ast.AST) -> Iterator[ast.AST]:
    """The parts of a function, but for those of functions and classes in it."""
    for part in ast.iter_child_nodes(function):
        if not isinstance(part, FUNCTION | ast.Lambda | ast.ClassDef):
            yield part
            yield from own_parts(part)


def names_in(node: ast.stmt) -> set[str]:
    """The names that a statement takes from the file around it, also in annotations."""
    names = set()
    tables = [symtable.symtable(ast.unparse(node), "<part>", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        is_top = table.get_type() == "module"
        names |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (is_top or symbol.is_global())
        }
    for part in ast.walk(node):
        for annotation in (getattr(part, "annotation", None), getattr(part, "returns", None)):
            if annotation is not None:
                names |= set(re.findall(r"\w+", ast.unparse(annotation)))
    return names


def is_main(node: ast.stmt) -> bool:
    """Whether it is what runs when the file is run as a script."""
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def lines_of(node: ast.stmt) -> tuple[int, int]:
    """The first and the last line of a statement, its decorators included."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    return first, node.end_lineno or node.lineno

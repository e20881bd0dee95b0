"""Changes what is given, one thing at a time, to see whether a result comes from the work.

A file that returns what is expected, and not what came of its work, cannot be told by its result.
It can by another one: where a given function is made to do something else (a *mutant*, as in
mutation testing), the fixed side returns something else, and so does every file whose result is
made of what that function does.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

from conlab.catalogue.pitfall import ORACLE
from conlab.study.parts import definitions, own_parts
from conlab.study.steps import functions_in

COLLECTING = frozenset(("add", "append", "appendleft", "extend", "insert", "put_nowait", "write"))
OTHER = "_something_else"  # what is called in a mutant, on a value, to have another
HELPER = f"""
def {OTHER}(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return value + "~"
    if isinstance(value, bytes):
        return value + b"~"
    if isinstance(value, (list, tuple)):
        return value + value[-1:]
    return value
"""


@dataclass(frozen=True)
class Mutant:
    """A given definition, changed in one place."""

    name: str  # what the definition binds
    function: str  # the qualified name of the function that was changed
    told: str  # what it does now, as in "returns something else"
    definition: ast.stmt

    def put_into(self, text: str) -> str:
        """The text of a file with this in the place of its own definition of that name."""
        module = ast.parse(text)
        own = definitions(module)[self.name]
        module.body = [self.definition if node is own else node for node in module.body]
        return f"{ast.unparse(ast.fix_missing_locations(module))}\n{HELPER}"


def mutants(source: str, given: frozenset[str], called: frozenset[str]) -> Iterator[Mutant]:
    """Yield the mutants of those given functions of a source that are called by these names."""
    for name, node in definitions(ast.parse(source)).items():
        if name not in given or name == ORACLE:
            continue
        for function, body in functions_in(ast.Module([node], []), ""):
            if any(function == each or function.startswith(f"{each}.") for each in called):
                for place, told in _places(body):
                    yield Mutant(name, function, told, _changed(node, place))


def _places(function: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """The parts of a function that can be changed, not of those within it; and into what."""
    for part in own_parts(function):
        match part:
            case ast.Return(value=value) if value is not None and not _is_nothing(value):
                yield part, "returns something else"
            case ast.Yield(value=value) if value is not None and not _is_nothing(value):
                yield part, "yields something else"
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript() as target]):
                yield part, f"keeps something else in {ast.unparse(target)}"
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name)) as call) if (
                name in COLLECTING
            ):
                yield part, f"does {ast.unparse(call)} twice"
            case ast.AugAssign(target=ast.Attribute() | ast.Subscript()):
                yield part, f"does {ast.unparse(part)} twice"
            case ast.Call(func=ast.Name(id="range")):
                yield part, f"goes through one more than {ast.unparse(part)}"


def _is_nothing(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _changed(node: ast.stmt, place: ast.AST) -> ast.stmt:
    """A copy of the definition in which that part of it does something else."""
    number = next(number for number, part in enumerate(ast.walk(node)) if part is place)
    new = copy.deepcopy(node)
    part = list(ast.walk(new))[number]
    match part:
        case ast.Return(value=value) | ast.Yield(value=value) if value is not None:
            part.value = _other(value)
        case ast.Assign(value=value):
            part.value = _other(value)
        case ast.Expr() | ast.AugAssign():
            _do_twice(new, part)
        case ast.Call(args=arguments) if arguments:
            end_of_range = min(1, len(arguments) - 1)
            arguments[end_of_range] = _other(arguments[end_of_range])
    return new


def _other(value: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(OTHER, ast.Load()), [value], [])


def _do_twice(node: ast.stmt, statement: ast.stmt) -> None:
    """Put a copy of a statement of the definition behind it."""
    for part in ast.walk(node):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(part, name, None)
            if isinstance(block, list) and statement in block:
                block.insert(block.index(statement), copy.deepcopy(statement))
                return

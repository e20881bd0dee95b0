"""What if: a mended file that returns all that came out, where it returns a part of it.

Two confirmations of one seat are one, if a file returns the first of them. So whatever leaves out
a part is left out itself, in what `mended()` returns and in what that is made of; not what a side
of the pair leaves out in the same words.
"""

import ast
import copy
from collections.abc import Iterator

from conlab.study.answer import own_statements
from conlab.study.changes import edit_of, edited
from conlab.study.exercise import MENDED
from conlab.study.parts import FUNCTION, own_parts

ONE_OF_EACH = frozenset(("set", "frozenset", "fromkeys", "unique"))
LIMITING = frozenset(("min", "max"))


def without_cuts(text: str, given: frozenset[str], kept: str) -> tuple[str, str]:
    """The text without what leaves out a part of the result, and the first such, as written.

    The text is as it was, and nothing is named, if nothing does that the source ``kept`` does not.
    """
    known = {ast.unparse(part) for part in ast.walk(ast.parse(kept)) if isinstance(part, ast.expr)}
    edits, cuts = [], list[str]()
    for made_of in _made_of(own_statements(text, given)):
        whole = _Whole(known)
        new = whole.visit(copy.deepcopy(made_of))
        if whole.cuts:
            cuts += whole.cuts
            edits.append(edit_of(made_of, ast.unparse(new)))
    return edited(text, edits), cuts[0] if cuts else ""


class _Whole(ast.NodeTransformer):
    """Puts the whole in the place of each part that is taken, but for those in known words."""

    def __init__(self, known: set[str]) -> None:
        self.known = known
        self.cuts: list[str] = []

    def visit(self, node: ast.AST) -> ast.AST:
        """Replace the node, then what is in it."""
        whole = _whole(node)
        if whole is None or ast.unparse(node) in self.known:
            new: ast.AST = self.generic_visit(node)
            return new
        self.cuts.append(ast.unparse(node))
        return self.visit(whole)


def _made_of(statements: list[ast.stmt]) -> Iterator[ast.expr]:
    """The expressions that the result of mended() is made of, each once."""
    functions = {
        part.name: part
        for statement in statements
        for part in ast.walk(statement)
        if isinstance(part, FUNCTION)
    }
    waiting, looked_at = [MENDED], {MENDED}
    while waiting:
        function = functions.get(waiting.pop())
        if function is None:
            continue
        for made_of in _results(function):
            yield made_of
            called = {part.id for part in ast.walk(made_of) if isinstance(part, ast.Name)}
            waiting += sorted(called - looked_at)
            looked_at |= called


def _results(function: ast.AST) -> list[ast.expr]:
    """What a function returns, and what it assigns to the names in that."""
    own = list(own_parts(function))
    results = [part.value for part in own if isinstance(part, ast.Return) and part.value]
    names = {name.id for each in results for name in ast.walk(each) if isinstance(name, ast.Name)}
    for part in own:
        match part:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in names:
                results.append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if (
                name in names
            ):
                results.append(value)
    return results


def _whole(part: ast.AST) -> ast.expr | None:
    """What an expression takes a part of; None if it takes all."""
    match part:
        case ast.Subscript(value=whole, slice=ast.Slice()):
            return whole
        case ast.List(elts=[ast.Subscript(value=whole)]):
            return whole
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[whole]) if (
            name in ONE_OF_EACH
        ):
            return whole
        case ast.Set(elts=[ast.Starred(value=whole)]):
            return whole
        case ast.Call(func=ast.Name(id=name), args=[one, other]) if name in LIMITING:
            wholes = [each for each in (one, other) if not isinstance(each, ast.Constant)]
            return wholes[0] if len(wholes) == 1 else None
    return None

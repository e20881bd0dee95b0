"""Which operations of a source are harmless: they touch numbers, strings and private containers.

What cannot be told for certain is not harmless.
"""

import ast
import builtins
from collections.abc import Iterable, Iterator

from conlab.explorer.stepping.known_names import OF_SCALARS, PURE, SCALAR_RESULTS
from conlab.explorer.stepping.spans import Span, span_of


class Names:
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
                yield span_of(node)
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    private = _private(node)
                    for iteration in _iterations(node):
                        if self._private_iterable(iteration.iter, private):
                            yield span_of(iteration.iter)
                            if isinstance(iteration, ast.For):
                                yield span_of(iteration)
                                # 3.11 to 3.13 give a loop's GET_ITER the span of the whole loop.
            match node:
                case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                    yield from self._tests(test)
                case ast.Assert(test=test):
                    yield from self._tests(test)
                case ast.UnaryOp(op=ast.Not(), operand=operand):
                    yield from self._tests(operand)
                    if self._scalar(operand):
                        yield span_of(node)
                case ast.BoolOp():
                    yield from self._tests(node)

    def _tests(self, test: ast.expr) -> Iterator[Span]:
        if isinstance(test, ast.BoolOp):
            for value in test.values:
                yield from self._tests(value)
        elif isinstance(test, ast.Name | ast.Attribute) and self._scalar(test):
            yield span_of(test)

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
                return issubclass(type(value), int | float | str | bool | None)
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

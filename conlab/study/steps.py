"""A mended file in steps, each a line of its own: so that any of them can be held from outside.

`seats.value -= 1` reads and then writes; as two lines, another process can be let in between.
"""

import ast
from collections.abc import Iterator, Sequence

from conlab.study.parts import is_main

MARK = "  # step "
DEFINED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def in_steps(text: str, given: frozenset[str], codes: frozenset[str]) -> tuple[str, list[str]]:
    """The text with one step on a line, and the lines of functions of these qualified names."""
    module = ast.parse(text)
    module.body = [
        _Divided().visit(node) if isinstance(node, DEFINED) and node.name not in given else node
        for node in module.body
        if not is_main(node)
    ]
    lines = ast.unparse(ast.fix_missing_locations(module)).splitlines()
    marked = [
        part.lineno
        for name, function in functions_in(ast.parse("\n".join(lines)), "")
        if name in codes and name.partition(".")[0] not in given
        for part in ast.walk(function)
        if isinstance(part, ast.stmt) and _is_a_step(part)
    ]
    for number, line in enumerate(sorted(set(marked))):
        lines[line - 1] += f"{MARK}{number}"
    return "\n".join(lines) + "\n", [lines[line - 1].strip() for line in sorted(set(marked))]


def told(step: str) -> str:
    """A step as it is told to a reader."""
    return step.partition(MARK)[0]


class _Divided(ast.NodeTransformer):
    """Divides an assignment to what may be shared into what is computed and what is written."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.AST]:
        """Compute the value on a line of its own."""
        return self._divided(node.targets, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.AST]:
        """Read on one line, and write on the next."""
        read = ast.parse(ast.unparse(node.target), mode="eval").body
        return self._divided([node.target], ast.BinOp(read, node.op, node.value))

    def _divided(self, targets: Sequence[ast.expr], value: ast.expr) -> list[ast.AST]:
        new = ast.Name("_value", ast.Load())
        return [
            ast.Assign([ast.Name("_value", ast.Store())], value),
            ast.Assign(list(targets), new),
        ]


def functions_in(node: ast.AST, within: str) -> Iterator[tuple[str, ast.AST]]:
    """The functions in a piece of code, by their qualified names."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{within}{part.name}", part
            yield from functions_in(part, f"{within}{part.name}.<locals>.")
        elif isinstance(part, ast.ClassDef):
            yield from functions_in(part, f"{within}{part.name}.")
        else:
            yield from functions_in(part, within)


def _is_a_step(node: ast.stmt) -> bool:
    return not isinstance(
        node,
        ast.FunctionDef
        | ast.AsyncFunctionDef
        | ast.ClassDef
        | ast.Global
        | ast.Nonlocal
        | ast.Pass
        | ast.Try
        | ast.TryStar
        | ast.Import
        | ast.ImportFrom,
    )

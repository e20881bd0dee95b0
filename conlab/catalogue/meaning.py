"""What a value means: the words that a pitfall's file prints it in when it is run by itself."""

import ast
from collections.abc import Mapping
from typing import Any


def template_of(module: ast.Module) -> str:
    """The f-string in which a file prints what its side returned; empty if it has none."""
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr) and _value_in(node) is not None:
            return ast.unparse(node)
    return ""


def in_words(template: str, returned: str, names: Mapping[str, Any]) -> str:
    """The template with a value, which is told by its repr, and with the file's own names.

    Empty where that cannot be told.
    """
    if not template:
        return ""
    try:
        text = ast.parse(template, mode="eval").body
        value = _value_in(text)
        assert isinstance(text, ast.JoinedStr)
        assert value is not None
        shown = _Shown(returned)
        filled = _Filled(value).visit(text)
        code = compile(ast.fix_missing_locations(ast.Expression(filled)), "<words>", "eval")
        scope = {**names, value.target.id: shown, "__builtins__": {"len": len, "sum": sum}}
        return str(eval(code, scope)).rstrip(": ")
    except Exception:  # whatever a file prints, it is a help and no more
        return ""


class _Shown:
    """A value of which the repr is known."""

    def __init__(self, told: str) -> None:
        self.told = told
        try:
            self.value = ast.literal_eval(told)
        except (ValueError, SyntaxError):
            self.value = None

    def __repr__(self) -> str:
        return self.told

    def __str__(self) -> str:
        return self.value if isinstance(self.value, str) else self.told

    def __format__(self, how: str) -> str:
        return format(self.value, how) if how else str(self)

    def __len__(self) -> int:
        return len(self.value)


class _Filled(ast.NodeTransformer):
    """Puts a name in the place of what runs the side."""

    def __init__(self, value: ast.NamedExpr) -> None:
        self.name = value.target.id

    def visit_NamedExpr(self, _: ast.NamedExpr) -> ast.AST:
        """Name the value that is there already."""
        return ast.Name(self.name, ast.Load())


def _value_in(node: ast.AST) -> ast.NamedExpr | None:
    for part in ast.walk(node):
        match part:
            case ast.NamedExpr(value=ast.Call(func=ast.Name(id="side"))):
                return part
    return None

"""Where a pitfall's mistake stands: the lines in which its two sides differ, and their headers."""

import ast
import difflib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conlab.catalogue.law import Side
from conlab.catalogue.pitfall import Pitfall, parts

SUPPRESSION = re.compile(
    r"[ \t]*#\s*(?:noqa|nosec|(?:type|ruff|flake8|pylint|mypy|pyright):).*$", re.MULTILINE
)
MAIN = 'if __name__ == "__main__":'


@dataclass(frozen=True)
class Places:
    """Line numbers of a side: all that are its own, and those at which its mistake stands."""

    own: frozenset[int]
    mistake: frozenset[int]


def places(pitfall: Pitfall, side: Side) -> Places:
    """The lines of a side, with what no one else in the file uses.

    The mistake stands in the statements that the other side has not, or, where the other side only
    has more, in those around the gap; and in the header of whatever encloses these: ``except
    BaseException:`` is at the place of a mistake in its block.
    """
    source = pitfall.path.read_text("utf-8")
    module = ast.parse(source)
    other: Side = "fixed" if side == "broken" else "broken"
    nodes = parts(module, side, other)
    lines = [number for node in nodes for number in _range(node)]
    theirs = [number for node in parts(module, other, side) for number in _range(node)]
    text = ["", *(re.sub(r"\b(broken|fixed)\b", "side", line) for line in source.splitlines())]
    changed = _changed(lines, [text[n] for n in lines], [text[n] for n in theirs])
    mistake = {number for node in nodes for number in _enclosing(node, changed)}
    return Places(frozenset(lines), frozenset(mistake))


def names(pitfall: Pitfall) -> frozenset[str]:
    """The names of the functions and classes that a file defines, at any depth."""
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(pitfall.path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )


def imports(pitfall: Pitfall) -> frozenset[str]:
    """The modules that a file imports, with the names it takes from them; ``async`` if it has any.

    What a file imports tells what it is about: threads, processes, an event loop.
    """
    found = set()
    for node in ast.walk(ast.parse(pitfall.path.read_text("utf-8"))):
        match node:
            case ast.Import(names=aliases):
                found |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=str(module), names=aliases):
                found |= {module, *(f"{module}.{alias.name}" for alias in aliases)}
            case ast.AsyncFunctionDef():
                found.add("async")
    return frozenset(found)


def fingerprint(path: Path) -> str:
    """What tells the code of a file from another's: its story and its last lines do not count."""
    source = path.read_text("utf-8")
    lines = source.splitlines()
    first = ast.parse(source).body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    code = lines[first.end_lineno if told else 0 :]
    end = code.index(MAIN) if MAIN in code else len(code)
    return hashlib.sha256("\n".join(code[:end]).strip().encode()).hexdigest()[:12]


def unsuppressed(source: str) -> str:
    """The source without the comments that tell a linter to leave the mistake alone."""
    return SUPPRESSION.sub("", source)


def _range(node: ast.stmt) -> range:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return range(first, (node.end_lineno or node.lineno) + 1)


def _changed(lines: list[int], ours: list[str], theirs: list[str]) -> set[int]:
    changed: set[int] = set()
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    for tag, start, end, _, _ in matcher.get_opcodes():
        if tag == "insert":  # the other side has more: what stands around the gap
            changed |= set(lines[max(start - 1, 0) : start + 1])
        elif tag != "equal":
            changed |= set(lines[start:end])
    return changed


def _enclosing(node: ast.AST, changed: set[int]) -> Iterator[int]:
    """The lines of the statements that changed, and of the headers of the blocks around them."""
    for each in ast.walk(node):
        if not isinstance(each, ast.stmt | ast.ExceptHandler):
            continue
        lines = range(each.lineno, (each.end_lineno or each.lineno) + 1)
        if changed.isdisjoint(lines):
            continue
        body = getattr(each, "body", None)
        header = range(each.lineno, max(body[0].lineno, each.lineno + 1)) if body else lines
        yield from header

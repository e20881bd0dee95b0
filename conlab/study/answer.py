"""A reader's mended file, as it is run: what is given in it is as the exercise gave it.

What the reader has changed of that is put back in its place, and said. What is not there at all is
added at the end, so that the lines of the reader's own code keep their numbers.
"""

import ast
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conlab.catalogue.pitfall import Pitfall
from conlab.errors import UserError
from conlab.study.exercise import MENDED
from conlab.study.parts import (
    Parts,
    definitions,
    lines_of,
    names_bound_by,
    names_in,
    needed,
    parts_of,
)

LARGEST = 1_000_000  # bytes of a file to check


@dataclass(frozen=True)
class Answer:
    """The text of a mended file, with what is given as it was given."""

    name: str  # what the reader calls it
    text: str
    put_back: tuple[str, ...]  # what the reader had changed
    given: frozenset[str]  # the names of what is given

    def written_to(self, folder: Path, text: str | None = None) -> Path:
        """Write the text, or a changed one, as a module of its own in the folder."""
        stem = Path(self.name).stem
        fits = stem.isidentifier() and stem not in sys.stdlib_module_names
        file = folder / f"{stem if fits else 'my_fix'}.py"
        file.write_text(self.text if text is None else text, "utf-8")
        return file


def read(path: Path, pitfall: Pitfall) -> Answer:
    """Read a mended file. Raises UserError, in a sentence, for one that cannot be run."""
    text = _text(path)
    module = _parsed(text, path)
    _insist_on_its_own_pitfall(module, path, pitfall)
    _insist_on_function(module, path)
    source = pitfall.path.read_text("utf-8")
    parts = parts_of(source)
    text, put_back = _with_what_is_given(text, module, source, parts)
    return Answer(path.name, text, tuple(put_back), parts.given)


def _text(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size > LARGEST:
            raise UserError(f"{path} has more than {LARGEST:,} bytes, and is no exercise")
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path} is no text in UTF-8, so it is no Python file") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None


def _parsed(text: str, path: Path) -> ast.Module:
    try:
        module = ast.parse(text)
        compile(module, str(path), "exec")
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise UserError(f"{path} is no Python: {line}{error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"{path} is no Python: {error}") from None
    return module


def _insist_on_its_own_pitfall(module: ast.Module, path: Path, pitfall: Pitfall) -> None:
    """An exercise says in its first line which pitfall it is to mend."""
    says = re.match(r"Exercise: mend (\w+)\.", ast.get_docstring(module) or "")
    if says and says[1] != pitfall.name:
        raise UserError(
            f"{path} says that it mends {says[1]}, and not {pitfall.name}: conlab study {says[1]}"
            f" --check {path}"
        )


def _insist_on_function(module: ast.Module, path: Path) -> None:
    bound = [name for node in module.body for name in names_bound_by(node)]
    imported = [
        (alias.asname or alias.name)
        for node in module.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    if MENDED not in [*bound, *imported]:
        functions = [
            f"{node.name}()"
            for node in module.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        there = f"; it has {', '.join(functions[:4])}" if functions else ""
        raise UserError(f"{path} has no function {MENDED}(), which is what is run{there}")
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == MENDED:
            if isinstance(node, ast.AsyncFunctionDef):
                raise UserError(
                    f"{path}: {MENDED}() is an async function, and it is called like any other:"
                    " have it call asyncio.run()"
                )
            needs = node.args.posonlyargs + node.args.args
            without_default = len(needs) - len(node.args.defaults)
            if without_default > 0 or None in node.args.kw_defaults:
                raise UserError(f"{path}: {MENDED}() needs arguments, and is called with none")


def _with_what_is_given(
    text: str, module: ast.Module, source: str, parts: Parts
) -> tuple[str, list[str]]:
    """The text with the given definitions of the pitfall's source; which of them were others."""
    lines, original = text.splitlines(), source.splitlines()
    put_back = []
    missing = dict(parts.defined)
    missing = {name: node for name, node in missing.items() if name in parts.given}
    replaced: dict[int, tuple[int, str]] = {}  # by its first line: the last one, and the text
    for node in module.body:
        for name in names_bound_by(node):
            if name not in parts.given:
                continue
            missing.pop(name, None)
            given = parts.defined[name]
            if _alike(node, given):
                continue
            put_back.append(name)
            begin, end = lines_of(node)
            replaced[begin] = end, _text_of(given, original)
    added = [_text_of(node, original) for node in dict.fromkeys(missing.values())]
    for begin, (end, new) in sorted(replaced.items(), reverse=True):
        shorter = end - begin - new.count("\n")
        lines[begin - 1 : end] = [*new.splitlines(), *[""] * shorter]
    needed_by = [parts.defined[name] for name in [*missing, *put_back]]
    imports = _imports_for(needed_by, ast.parse(source), module)
    return "\n".join([*_with_first(imports, lines), *added]) + "\n", sorted(set(put_back))


def _with_first(imports: list[str], lines: list[str]) -> list[str]:
    """The lines with these imports first, in the place of an empty line if there is one there."""
    if not imports:
        return lines
    body = ast.parse("\n".join(lines)).body
    first = [
        node
        for node in body
        if (isinstance(node, ast.Expr) and node is body[0])
        or (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    ]
    at = max((node.end_lineno or 0 for node in first), default=0)
    is_free = at < len(lines) and not lines[at].partition("#")[0].strip()
    return [*lines[:at], "; ".join(imports), *lines[at + is_free :]]


def _text_of(node: ast.stmt, lines: list[str]) -> str:
    begin, end = lines_of(node)
    return "\n".join(lines[begin - 1 : end])


def _alike(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether two definitions do the same: whatever their comments, docstrings and annotations."""
    return ast.dump(_bare(one)) == ast.dump(_bare(other))


class _Bare(ast.NodeTransformer):
    """Leaves out what does nothing when a definition is run."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._without_docstring(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.Pass()
        return ast.Assign([node.target], self.visit(node.value))

    def _without_docstring(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    ) -> ast.AST:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        self.generic_visit(node)
        return node


def _bare(node: ast.stmt) -> ast.AST:
    copy = ast.parse(ast.unparse(node)).body[0]
    bare: ast.AST = _Bare().visit(copy)
    return bare


def _imports_for(nodes: list[ast.stmt], source: ast.Module, module: ast.Module) -> list[str]:
    """The imports of the pitfall's file that these need and the mended file has not."""
    names = set().union(*(names_in(node) for node in nodes)) if nodes else set()
    there = _imported(module)
    return [line for name, line in _imported(source).items() if name in names and name not in there]


def _imported(module: ast.Module) -> Mapping[str, str]:
    found = {}
    for node in module.body:
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            name = (alias.asname or alias.name).partition(".")[0]
            if isinstance(node, ast.ImportFrom):
                found[name] = ast.unparse(ast.ImportFrom(node.module, [alias], node.level))
            else:
                found[name] = ast.unparse(ast.Import([alias]))
    return found


def own_statements(text: str, given: frozenset[str]) -> list[ast.stmt]:
    """What mended() needs of its file, but for what is given."""
    defined = definitions(ast.parse(text))
    names = needed([MENDED], defined) - given
    return list(dict.fromkeys(node for name, node in defined.items() if name in names))

"""Writes a pitfall as a file to mend: its broken side, and what is given; nothing of the fix."""

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conlab.catalogue.pitfall import Pitfall
from conlab.study.parts import Parts, is_main, lines_of, names_bound_by, needed, parts_of

MENDED = "mended"  # what broken() is called in an exercise
WIDTH = 88  # columns of the docstring
TELLING = re.compile(r"noqa|type:|mistake|pragma|fmt:")  # comments that point at what is wrong
SLOW = 5  # seconds after which an exercise that is run alone is taken to hang
# What it then says of what is right: one run is no proof.
RIGHT_THIS_TIME = 'right = f"right, this time; {check} tries the other orders"'
RIGHT = 'right = f"right; {check} tells whether it is a fix"'
HOW = (
    f"Mend {MENDED}(), and whatever else is marked so. What is marked as given stays as it is: the"
    " lab runs it as it stands here. A fix leaves the work and the concurrency in place. To sleep,"
    " or to catch the error that shows the mistake, is none."
)


@dataclass(frozen=True)
class Piece:
    """Definitions that follow each other in the file."""

    to_mend: bool
    text: str


def exercise_of(pitfall: Pitfall) -> str:
    """The text of the exercise."""
    source = pitfall.path.read_text("utf-8")
    module = ast.parse(source)
    main = _main(module, pitfall.name)
    pieces = list(_pieces(source, MENDED, _names(main)))
    used = set(re.findall(r"\w+", " ".join([*(each.text for each in pieces), *map(_text, main)])))
    imports = [line for node in module.body for line in _import(node, used)]
    blocks = ["\n".join(imports)]
    for number, each in enumerate(pieces):
        is_new = not number or pieces[number - 1].to_mend != each.to_mend
        mark = f"# -- {'to be mended' if each.to_mend else 'given'} --\n\n\n" if is_new else ""
        blocks.append(f"{mark}{each.text}")
    if main:
        run = textwrap.indent("\n".join(map(_text, main)), "    ")
        blocks.append(f'if __name__ == "__main__":\n{run}')
    return f"{_docstring(pitfall)}\n\n" + "\n\n\n".join(filter(None, blocks)) + "\n"


def program_of(path: Path, called: str = "program") -> str:
    """The broken side of a pitfall's file and what it needs, as a program under another name."""
    source = path.read_text("utf-8")
    return "\n\n\n".join(each.text for each in _pieces(source, called, frozenset()))


def _docstring(pitfall: Pitfall) -> str:
    paragraphs = [
        f"Exercise: mend {pitfall.name}.",
        pitfall.title,
        f"Symptom: {pitfall.story['Symptom']}",
        f"Must hold: {pitfall.must_hold}",
        HOW,
        f"Is it right? conlab study {pitfall.name} --check FILE, with this file's name.",
    ]
    text = "\n\n".join(textwrap.fill(each, WIDTH) for each in paragraphs)
    text = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{text}\n"""'


def _pieces(source: str, called: str, helpers: frozenset[str]) -> Iterator[Piece]:
    """What is to be mended and what is given, as it stands in the file.

    ``helpers`` are names that something beside the sides needs.
    """
    module, parts = ast.parse(source), parts_of(source)
    kept = _kept(parts, helpers)
    lines = _without_telling_comments(source)
    last, of_piece, texts = 0, False, list[str]()
    for node in module.body:
        names = set(names_bound_by(node)) & kept
        if not names or is_main(node):
            continue
        begin, end = lines_of(node)
        to_mend = bool(names & parts.to_mend)
        text = "\n".join(line for line in lines[begin - 1 : end] if line is not None)
        if "broken" in names:
            text = re.sub(r"\bdef broken\(", f"def {called}(", text, count=1)
        if texts and (begin != last + 1 or to_mend != of_piece):
            yield Piece(of_piece, "\n".join(texts))
            texts = []
        texts.append(text)
        last, of_piece = end, to_mend
    if texts:
        yield Piece(of_piece, "\n".join(texts))


def _kept(parts: Parts, helpers: frozenset[str]) -> frozenset[str]:
    return (parts.to_mend | parts.given | needed(helpers, parts.defined)) - parts.of_the_fix


def _without_telling_comments(source: str) -> list[str | None]:
    """The lines of a source, without the comments that tell; None for a line that was no more."""
    lines: list[str | None] = list(source.splitlines())
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and TELLING.search(token.string):
            row, column = token.start
            lines[row - 1] = (lines[row - 1] or "")[:column].rstrip() or None
    return lines


def _import(node: ast.stmt, used: set[str]) -> list[str]:
    """An import without the names that the exercise does not use; nothing if it uses none."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return []
    names = [
        alias for alias in node.names if (alias.asname or alias.name).partition(".")[0] in used
    ]
    if not names:
        return []
    if isinstance(node, ast.Import):
        return [ast.unparse(ast.Import(names))]
    return [ast.unparse(ast.ImportFrom(node.module, names, node.level))]


def _main(module: ast.Module, name: str) -> list[ast.stmt]:
    """What the exercise does when it is run alone: what its pitfall does, with the one side.

    A side that is being mended may hang or be right, and what is right this time may be no fix.
    """
    for node in module.body:
        if isinstance(node, ast.If) and is_main(node):
            own = [each for inner in node.body for each in _of_one_side(inner)]
            check = ast.parse(f"check = 'conlab study {name} --check FILE'").body
            said = [] if any(_binds(each, "right") for each in own) else ast.parse(RIGHT).body
            at = len(own) - 1  # before what prints what came of it
            return [
                _Neutral().visit(each) for each in [*own[:1], *check, *own[1:at], *said, own[-1]]
            ]
    return []


def _of_one_side(node: ast.stmt) -> list[ast.stmt]:
    match node:
        case ast.Assign(targets=[ast.Name(id="side")]):
            return ast.parse(f"side = {MENDED}").body
        case ast.Assign(targets=[ast.Name(id="right")]):
            return ast.parse(RIGHT_THIS_TIME).body
        case ast.If(test=ast.Compare(left=ast.Name(id="side"))):
            return node.body
    return [node]


def _binds(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name


class _Neutral(ast.NodeTransformer):
    """Says nothing that is true of one side alone, and gives a fix the time that it may take."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Say what is right as the line above has it, and that what may hang may hang."""
        if node.value == "right":
            return ast.Name("right", ast.Load())
        if "hang; " in str(node.value):
            return ast.Constant(f"If this hangs, its stacks follow after {SLOW} seconds.")
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Wait longer before what hangs is ended."""
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Attribute(attr="dump_traceback_later"), args=[_, *others]):
                node.args = [ast.Constant(SLOW), *others]
            case ast.Call(func=ast.Attribute(attr="Timer"), args=[_, *others]):
                node.args = [ast.Constant(SLOW + 0.5), *others]
        return node


def _names(nodes: list[ast.stmt]) -> frozenset[str]:
    return frozenset(
        part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)
    )


def _text(node: ast.stmt) -> str:
    return ast.unparse(node)

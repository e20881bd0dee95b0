"""A pitfall file as data: the story in its docstring, what it declares, and its two sides."""

import ast
import difflib
import operator
import re
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conlab import content
from conlab.catalogue.meaning import template_of
from conlab.errors import UserError

ROOT = content.ROOT / "pitfalls"
SECTIONS = ("Symptom", "Why", "Fix", "Detect", "Source")
FAILURES = frozenset(
    (
        "wrong result",
        "exception",
        "lost exception",
        "deadlock",
        "livelock",
        "stall",
        "leak",
        "needless cost",
    )
)
EVIDENCE = frozenset(("explored", "judged", "measured"))
ORACLE = "holds"
NEAREST = 3  # names that are offered for one that was misspelt

# What a file may declare at its top, and what stands for a name that it leaves out.
DECLARED: Mapping[str, Any] = {
    "FAILURE": None,  # the kind of failure, one of FAILURES
    "SHOWS": None,  # what broken() then does: "returned VALUE", "raised TYPE: MESSAGE", or "hung"
    "EVIDENCE": None,  # one of EVIDENCE
    "STUCK_AT": (),  # the statements at which the threads of a hung side stand
    "AWAITING": (),  # the same of the tasks of an event loop, where the side is explored
    "CANCELLATIONS": 0,  # from outside, at every await, when the side is explored
    "LOST": (),  # exceptions, tasks and coroutines that nobody will ever see
    "LEFT": (),  # threads, processes and descriptors still there at the end
    "MEET": {},  # a statement that so many threads must be about to run before one of them may
    "ORDER": (),  # statements, each of which may run when the one before it has ended
    "AT_REST": (),  # statements that run only when every other thread sleeps
    "SAFE_BY_ACCIDENT": False,  # broken fails in the reading "bytecode" and not in "gil"
    "HARMLESS": False,  # for VERSIONS: on this build broken does no harm, which the law then shows
    "BUILDS_ON": (),  # the pitfalls that a reader should know before
    "VERSIONS": {},  # which of these are different where: {"<3.12": {"SHOWS": "hung"}}
}


@dataclass(frozen=True)
class Pitfall:
    """One mistake: where it is, what is told of it, and what it must show on this Python."""

    path: Path
    title: str  # one sentence
    story: Mapping[str, str]  # a paragraph for each of SECTIONS
    must_hold: str  # what the oracle asks, in a sentence
    failure: str
    shows: str
    evidence: str
    stuck_at: tuple[str, ...]
    awaiting: tuple[str, ...]
    cancellations: int
    lost: tuple[str, ...]
    left: tuple[str, ...]
    meet: Mapping[str, int]
    order: tuple[str, ...]
    at_rest: tuple[str, ...]
    safe_by_accident: bool
    harmless: bool
    builds_on: tuple[str, ...]
    versions: Mapping[str, Mapping[str, Any]]
    says: str  # the f-string in which it prints what a side returned
    names: Mapping[str, Any]  # its constants in capitals, which that may mention
    broken: str  # the source of each side, with what no one else in the file uses
    fixed: str

    @property
    def name(self) -> str:
        """The mistake's name, which is the file's."""
        return self.path.stem

    @property
    def family(self) -> str:
        """The folder it is in."""
        return self.path.parent.name

    def __str__(self) -> str:
        return f"{self.family}/{self.name}"


def collect(root: Path = ROOT) -> list[Pitfall]:
    """Every pitfall of the collection, the families in reading order."""
    if not root.is_dir():
        raise UserError(f"there is no folder {root}; run this in a clone of Concurrency Lab")
    return [
        read(path)
        for family in families(root)
        for path in sorted((root / family).glob("*.py"))
        if path.name != "__init__.py"
    ]


def families(root: Path = ROOT) -> dict[str, str]:
    """What each family is, in a sentence, by its name and in the order that its folder asks for."""
    modules = {path.parent.name: ast.parse(path.read_text()) for path in root.glob("*/__init__.py")}
    order = {name: _constants(module)["READING_ORDER"] for name, module in modules.items()}
    return {
        name: (ast.get_docstring(modules[name]) or "").splitlines()[0]
        for name in sorted(modules, key=order.__getitem__)
    }


def find(name: str, root: Path = ROOT) -> Pitfall:
    """The pitfall of that name, with or without its family before it, or as the path of its file.

    Raises UserError, with the nearest names, for one that there is not.
    """
    asked = _as_named(name)
    pitfalls = collect(root)
    found = [pitfall for pitfall in pitfalls if asked in (pitfall.name, str(pitfall))]
    if found:
        return found[0]
    if asked in families(root):
        members = [each.name for each in pitfalls if each.family == asked]
        some = _joined(members[:NEAREST], "and")
        raise UserError(
            f"{asked} is a family of {len(members)} pitfalls, such as {some}: name one of"
            f" them; `conlab study {asked}` lists them"
        )
    nearest = _nearest(asked, pitfalls, list(families(root)))
    hint = f"did you mean {_joined(nearest, 'or')}? " if nearest else ""
    raise UserError(f"there is no pitfall or family {name!r}; {hint}`conlab study` lists them all")


def family_named(name: str, root: Path = ROOT) -> str | None:
    """The family of that name, however it is written; None if there is none."""
    asked = _as_named(name)
    return asked if asked in families(root) else None


def _as_named(name: str) -> str:
    """A name that was typed, as files are named; of a path, what follows the pitfalls' folder."""
    parts = [part for part in re.split(r"[/\\]", name.strip()) if part not in ("", ".", "..")]
    if ROOT.name in parts[:-1]:
        parts = parts[len(parts) - parts[::-1].index(ROOT.name) :]
    return re.sub(r"[\s-]+", "_", "/".join(parts).removesuffix(".py")).lower()


def _nearest(asked: str, pitfalls: list[Pitfall], of_families: list[str]) -> list[str]:
    """Up to NEAREST names that may be meant: written alike, or with the same words in them."""
    names = [*of_families, *(each.name for each in pitfalls)]
    own = asked.rpartition("/")[2]
    if not own:
        return []
    alike = difflib.get_close_matches(own, names, n=NEAREST)
    words = set(own.split("_")) - {""}
    with_words = [each for each in names if words <= set(each.split("_"))]
    begun = [each for each in names if each.startswith(own)]
    found = list(dict.fromkeys([*alike[:1], *begun, *with_words, *alike[1:]]))[:NEAREST]
    return [f"the family {each}" if each in of_families else each for each in found]


def _joined(names: list[str], word: str) -> str:
    *others, last = names
    return f"{', '.join(others)} {word} {last}" if others else last


def read(path: Path) -> Pitfall:
    """The pitfall in a file. Raises UserError that says what the file lacks to be one."""
    source = path.read_text()
    module = ast.parse(source)
    title, story = _story(ast.get_docstring(module) or "", path)
    declared = _declared(module, path)
    definitions = _definitions(module)
    for function in ("broken", "fixed", ORACLE):
        if not isinstance(definitions.get(function), ast.FunctionDef):
            raise UserError(f"{path} lacks a function {function}()")
    return Pitfall(
        path=path,
        title=title,
        story=story,
        must_hold=ast.get_docstring(definitions[ORACLE]) or "",
        says=template_of(module),
        names=_literals(module),
        broken=_side(module, "broken", "fixed", source),
        fixed=_side(module, "fixed", "broken", source),
        **{name.lower(): value for name, value in declared.items()},
    )


def applies(condition: str, build: str | None = None) -> bool:
    """Whether a condition such as ``<3.12``, ``>=3.14`` or ``free-threaded`` is true of a build.

    The build is written as ``3.13`` or ``3.13t``; left out, it is the running one.
    """
    build = build or this_build()
    if condition == "free-threaded":
        return build.endswith("t")
    match = re.fullmatch(r"(<|>=)(\d+)\.(\d+)", condition)
    if not match:
        raise UserError(f"{condition!r} is no condition; write <3.12, >=3.14 or free-threaded")
    compare = {"<": operator.lt, ">=": operator.ge}[match[1]]
    version = tuple(int(part) for part in build.rstrip("t").split("."))
    return bool(compare(version, (int(match[2]), int(match[3]))))


def this_build() -> str:
    """The running Python as its version of two numbers, with a t if it is free-threaded."""
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    return f"{sys.version_info.major}.{sys.version_info.minor}{'t' * free_threaded}"


def _story(docstring: str, path: Path) -> tuple[str, dict[str, str]]:
    paragraphs = [" ".join(part.split()) for part in docstring.split("\n\n")]
    story = dict(re.findall(r"^(\w+): (.*)$", "\n".join(paragraphs[1:]), re.MULTILINE))
    missing = [section for section in SECTIONS if section not in story]
    if missing:
        raise UserError(f"the docstring of {path} lacks a paragraph {missing[0]!r}")
    return paragraphs[0], story


def _declared(module: ast.Module, path: Path) -> dict[str, Any]:
    constants = _constants(module)
    missing = [
        name for name, default in DECLARED.items() if default is None and name not in constants
    ]
    if missing:
        raise UserError(f"{path} does not declare {missing[0]}")
    if constants.get("HARMLESS"):
        raise UserError(f"{path} declares HARMLESS for every build; declare it in VERSIONS")
    declared = {name: constants.get(name, default) for name, default in DECLARED.items()}
    for condition, values in declared["VERSIONS"].items():
        if applies(condition):
            declared |= {name: value for name, value in values.items() if name in DECLARED}
    if declared["FAILURE"] not in FAILURES:
        raise UserError(f"{path}: FAILURE is {declared['FAILURE']!r}; one of {sorted(FAILURES)}")
    if declared["EVIDENCE"] not in EVIDENCE:
        raise UserError(f"{path}: EVIDENCE is {declared['EVIDENCE']!r}; one of {sorted(EVIDENCE)}")
    return declared


def parts(module: ast.Module, side: str, other: str) -> list[ast.FunctionDef | ast.ClassDef]:
    """A side, and the definitions of its file that it uses and the other side does not."""
    definitions = _definitions(module)
    own = _names(definitions[side]) - _names(definitions[other])
    return [definitions[side], *(definitions[name] for name in definitions if name in own)]


def _side(module: ast.Module, side: str, other: str, source: str) -> str:
    """The source of a side, and of what it alone uses."""
    sources = [ast.get_source_segment(source, part) or "" for part in parts(module, side, other)]
    return "\n\n\n".join(sources)


def _definitions(module: ast.Module) -> dict[str, ast.FunctionDef | ast.ClassDef]:
    return {
        node.name: node for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _literals(module: ast.Module) -> dict[str, Any]:
    """The names in capitals that the file binds to literals, of its own as well."""
    found = {}
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.isupper():
                try:
                    found[name] = ast.literal_eval(value)
                except ValueError:
                    continue
    return found


def _constants(module: ast.Module) -> dict[str, Any]:
    """The names in capitals that the file binds to literals."""
    constants = {}
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if name in DECLARED or name == "READING_ORDER":
            constants[name] = ast.literal_eval(value)
    return constants

"""What the source of the stepped files says about the names in it."""

import ast
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from conlab.explorer.stepping.harmless import Names
from conlab.explorer.stepping.known_names import REFLECTS_ATTRIBUTES, REFLECTS_GLOBALS
from conlab.explorer.stepping.spans import Span


@dataclass(slots=True)
class Facts:
    """What the source of the stepped files says about the names in it."""

    stored_attributes: set[str] = field(default_factory=set)
    attributes_reflected: bool = False
    globals_reflected: bool = False
    harmless: dict[str, set[Span]] = field(default_factory=dict)


def read_facts(files: Iterable[str]) -> Facts:
    """Parse the stepped files; what cannot be parsed has no harmless operations."""
    return _facts_of(tuple((file, read_source(file)) for file in files))


def read_source(file: str) -> bytes | None:
    """Return the content of a file, or None if it cannot be had."""
    try:
        return Path(file).read_bytes()
    except OSError:
        return None


@functools.lru_cache(maxsize=256)  # files are met again and again, and reading one takes long
def _facts_of(sources: tuple[tuple[str, bytes | None], ...]) -> Facts:
    facts = Facts()
    trees: dict[str, ast.Module] = {}
    for file, source in sources:
        try:
            trees[file] = ast.parse(source or b"")
        except (SyntaxError, ValueError):
            source = None
        if source is None:
            facts.attributes_reflected = facts.globals_reflected = True
    for tree in trees.values():
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                    facts.stored_attributes.add(name)
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    facts.attributes_reflected |= name in REFLECTS_ATTRIBUTES
                    facts.globals_reflected |= name in REFLECTS_GLOBALS
                case ast.FunctionDef(name=name):
                    facts.attributes_reflected |= name in REFLECTS_ATTRIBUTES
    names = Names(trees.values())
    for file, tree in trees.items():
        facts.harmless[file] = set(names.harmless(tree))
    return facts

"""Python source as HTML: each line for itself, its tokens in classes that the styles colour."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup, escape
from pygments.lexers.python import PythonLexer
from pygments.token import STANDARD_TYPES, Token, _TokenType

SHOWN = {"k", "s", "c", "m", "nf", "nc", "nb", "nd", "ow"}  # the classes that are coloured
LONGEST = 20_000  # characters of a line beyond which it is not taken to pieces


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of a comparison side by side: a line of each side, or nothing; and how they differ."""

    kind: str  # "same", "changed", "removed", "added"
    old: tuple[int, Markup] | None
    new: tuple[int, Markup] | None


def line(text: str) -> Markup:
    """A line of code as HTML."""
    return lines(text)[0] if text else Markup("")


@lru_cache(maxsize=4096)
def lines(source: str) -> tuple[Markup, ...]:
    """The lines of a source as HTML."""
    if any(len(each) > LONGEST for each in source.splitlines()):
        return tuple(escape(each) for each in source.splitlines()) or (Markup(""),)
    found, current = [], Markup("")
    for kind, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(source):
        name = _class(kind)
        for number, part in enumerate(value.split("\n")):
            if number:
                found.append(current)
                current = Markup("")
            if part:
                shown = escape(part)
                current += (
                    Markup('<span class="{}">{}</span>').format(name, shown) if name else shown
                )
    found.append(current)
    return tuple(found)


def _class(kind: _TokenType) -> str:
    while kind is not Token:
        short = STANDARD_TYPES.get(kind, "")
        for name in (short, short[:2], short[:1]):
            if name in SHOWN:
                return str(name)
        if kind.parent is None:
            break
        kind = kind.parent
    return ""


def side_by_side(old: str, new: str) -> Iterator[Pair]:
    """Two sources beside each other, equal lines in one row."""
    before, after = old.splitlines(), new.splitlines()
    left, right = lines("\n".join(before)), lines("\n".join(after))
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        for offset in range(max(last - first, end - start)):
            one, other = first + offset, start + offset
            has_old, has_new = one < last, other < end
            kind = {"equal": "same", "replace": "changed"}.get(tag, "")
            if not (has_old and has_new):
                kind = "removed" if has_old else "added"
            yield Pair(
                kind,
                (one + 1, left[one]) if has_old else None,
                (other + 1, right[other]) if has_new else None,
            )

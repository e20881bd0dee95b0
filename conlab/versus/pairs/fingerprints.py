"""Results in a form in which two processes can compare them: two that are equal read the same."""

import dataclasses
import hashlib
import os
import pickle
from collections.abc import Mapping, Set
from typing import Any

LONGEST = 2_000_000  # characters of a result that another process is shown
AROUND = 60  # characters shown on both sides of a difference


def plain_text(value: Any) -> str:
    """The value as text that depends neither on the hash seed nor on where its class lies.

    What a dataclass leaves out of its comparison is left out here.
    """
    match value:
        case bool() | int() | float() | complex() | str() | bytes() | bytearray() | None:
            return repr(value)
        case os.PathLike():
            return f"Path({os.fspath(value)!r})"
        case Mapping():
            pairs = sorted(f"{plain_text(key)}: {plain_text(value[key])}" for key in value)
            return f"{{{', '.join(pairs)}}}"
        case Set():
            return f"{{{', '.join(sorted(map(plain_text, value)))}}}"
        case list() | tuple():
            inside = ", ".join(map(plain_text, value))
            return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if dataclasses.is_dataclass(value):
        compared = [part.name for part in dataclasses.fields(value) if part.compare]
        inside = ", ".join(f"{name}={plain_text(getattr(value, name))}" for name in compared)
        return f"{type(value).__name__}({inside})"
    said = repr(value)
    if said == object.__repr__(value) or "..." in said:  # where it lies, or cut short
        return f"{type(value).__name__}({hashlib.sha256(pickle.dumps(value, 4)).hexdigest()})"
    return said


def digest(text: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def difference(one: str, other: str) -> tuple[str, str]:
    """What two texts say around the first place where they differ."""
    pairs = enumerate(zip(one, other, strict=False))
    place = next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
    start = max(0, place - AROUND)
    return cut(one, start, place), cut(other, start, place)


def cut(text: str, start: int, place: int) -> str:
    """A part of a text, with dots where there is more."""
    before, after = "…" if start else "", "…" if len(text) > place + AROUND else ""
    return f"{before}{text[start : place + AROUND]}{after}"

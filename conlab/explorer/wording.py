"""Puts into a sentence what is too long, too many, or said from where the reader stands."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

LONGEST = 60  # characters of a value in a sentence


def shortened(text: str, longest: int) -> str:
    """Return a text, cut short where it has more characters than that."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def repr_of(value: Any, longest: int = LONGEST) -> str:
    """Return the repr of a value, cut short; or say that it has none."""
    try:
        text = repr(value)
    except Exception as error:
        return f"a {type(value).__name__} whose repr raises {type(error).__name__}"
    return shortened(text, longest)


def joined(names: Sequence[str]) -> str:
    """Enumerate: "one, two and three"."""
    return f"{', '.join(names[:-1])}{' and ' if names[1:] else ''}{names[-1]}" if names else ""


def from_here(file: str) -> str:
    """Return a path as it is seen from here, if it lies here; of what is installed, its package."""
    here, path = Path.cwd(), Path(file)
    if "site-packages" in path.parts:
        return file.rpartition("site-packages")[2][1:]
    return str(path.relative_to(here)) if path.is_relative_to(here) else file

"""What a project's ``pyproject.toml`` says of its comparisons, in ``[tool.conlab.versus]``.

An option of the command line comes before what stands there. ``matters`` may be a table: the names
of clocks, and patterns of cells, each with the least change that matters, or with a table by clock.
"""

import fnmatch
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conlab.errors import UserError
from conlab.versus.clocks import SHORT, Clock

FILE = "pyproject.toml"
TABLE = ("tool", "conlab", "versus")
KEYS = ("matters", "clocks", "cells", "budget", "alpha", "fail-on-cannot-tell", "report-md")
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Special:
    """What matters for cells of a pattern, by a clock; None means all of them."""

    cells: str | None
    clock: Clock | None
    share: float


def table_in(folder: Path) -> dict[str, Any]:
    """The table of the project around a folder, or an empty one. Raises UserError."""
    for place in (folder, *folder.parents):
        file = place / FILE
        if file.is_file():
            return read(file)
        if (place / ".git").exists():
            break
    return {}


def read(file: Path) -> dict[str, Any]:
    """The table of a file. Raises UserError where it is no TOML, or a key means nothing."""
    try:
        found: Any = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: it cannot be read: {error}") from None
    for name in TABLE:
        found = found.get(name, {}) if isinstance(found, dict) else {}
    if not isinstance(found, dict):
        raise UserError(f"{file}: [tool.conlab.versus] should be a table")
    for key in found:
        if key not in KEYS:
            raise UserError(
                f"{file}: [tool.conlab.versus] has {key!r}, which is none of {', '.join(KEYS)}"
            )
    return found


def cells(table: Mapping[str, Any]) -> tuple[str, ...]:
    """The patterns of the cells that are compared; none means all. Raises UserError."""
    given = table.get("cells", [])
    given = [given] if isinstance(given, str) else given
    if not (isinstance(given, list) and all(isinstance(each, str) for each in given)):
        raise UserError(f"{FILE}: cells = {given!r}: it should be a list of patterns of cells")
    return tuple(given)


def matches(cell: str, pattern: str) -> bool:
    """Say whether a cell is meant by a pattern: its name, a part of that, or one with * and ?."""
    return pattern in cell or fnmatch.fnmatchcase(cell, pattern)


def specials(matters: Mapping[str, Any], share: Any) -> Iterator[Special]:
    """What a table of ``matters`` says, ``share`` being what reads a share. Raises UserError."""
    for name, value in matters.items():
        clock = clock_named(name)
        cell = None if clock or name == DEFAULT else name
        if not isinstance(value, Mapping):
            yield Special(cell, clock, share(f"matters, {name}", str(value)))
            continue
        if cell is None:
            raise UserError(f"{FILE}: matters.{name} should be a share, such as 5%")
        for inner, each in value.items():
            by = clock_named(inner)
            if by is None and inner != DEFAULT:
                known = ", ".join(clock for clock in Clock)
                raise UserError(f"{FILE}: matters.{name}.{inner}: {inner!r} is none of {known}")
            yield Special(cell, by, share(f"matters, {name}, {inner}", str(each)))


def clock_named(name: str) -> Clock | None:
    """The clock of that name, if there is one."""
    try:
        return SHORT.get(name.lower()) or Clock(name.lower())
    except ValueError:
        return None


def matters_of(cell: str, clock: Clock, found: tuple[Special, ...], otherwise: float) -> float:
    """What matters for a cell by a clock: a word on the cell comes before one on the clock."""

    def rank(one: Special) -> tuple[bool, bool]:
        return one.cells is not None, one.clock is not None

    fitting = [
        one
        for one in found
        if (one.cells is None or matches(cell, one.cells)) and one.clock in (None, clock)
    ]
    return max(fitting, key=rank).share if fitting else otherwise

"""What a test asks for: by its marks, and by the options of the command line."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Self

import pytest

from conlab.errors import UserError

MOST_TOGETHER = 5  # bodies: all of their serial orders are run
SECONDS = 10.0  # that a test is explored at most, if nobody says it

Step = str | Path | ModuleType


@dataclass(frozen=True, slots=True)
class Settings:
    """How a test is explored; the names are those of `conlab.explorer.explore`.

    ``step`` are modules, packages, names of modules or files to be stepped beside those of the
    test's project, ``step_only`` instead of them. ``together`` is how many bodies run at once, 0
    where the test itself is the program; ``on_request`` is false where only the command line asked,
    so that a test which cannot be explored is skipped, and does not fail.
    """

    bound: int | None = 2
    step: tuple[Step, ...] = ()
    step_only: tuple[Step, ...] = ()
    cancellations: int = 0
    reading: Literal["gil", "bytecode"] = "bytecode"
    seconds: float = SECONDS
    schedules: int = 100_000
    count_on: int | None = 100
    sample: int | None = None
    seed: int = 0
    limit: int = 20_000
    check: Literal["serial"] | None = None
    together: int = 0
    on_request: bool = True

    @classmethod
    def of(
        cls, item: pytest.Item, *, together: int | None, seconds: float | None, step: Iterable[str]
    ) -> Self | None:
        """Return what is asked of a test, or None if nothing is. Raises UserError for nonsense.

        The arguments are those of the command line; a mark goes before, but for ``step``, which
        comes on top.
        """
        explored = item.get_closest_marker("explore")
        marked = item.get_closest_marker("together")
        if explored is None and marked is None and together is None:
            return None
        given: dict[str, Any] = {"step": tuple(step)}
        if seconds is not None:
            given["seconds"] = seconds
        for mark in (explored, marked):
            if mark is not None:
                given |= _read(mark, given["step"])
        asked = cls(**given)
        if marked is None and explored is None and together is not None:
            asked = replace(asked, together=_count(together), on_request=False)
        return asked


KNOWN = [field.name for field in fields(Settings) if field.name not in ("together", "on_request")]


def _read(mark: pytest.Mark, step: tuple[Step, ...]) -> Mapping[str, Any]:
    """Return what a mark says, checked. Raises UserError."""
    given = dict(mark.kwargs)
    if mark.name == "together":
        if len(mark.args) > 1:
            raise UserError("@pytest.mark.together takes one number: how many run at once")
        given["together"] = _count(mark.args[0] if mark.args else 2)
    elif mark.args:
        raise UserError(
            f"@pytest.mark.explore takes names only, not {mark.args[0]!r}: say bound=2, step=[...]"
        )
    for name in given:
        if name not in (*KNOWN, "together") or (name == "together" and name in mark.kwargs):
            known = ", ".join(KNOWN)
            raise UserError(f"@pytest.mark.{mark.name} knows no {name!r}: it knows {known}")
    for name in ("step", "step_only"):
        if name in given:
            given[name] = _several(mark, name, given[name])
    given["step"] = (*step, *given.get("step", ()))
    if given.get("check") not in (None, "serial"):
        raise UserError(
            f"check={given['check']!r} makes no sense in a mark: the asserts of the test are its"
            ' check; or say "serial"'
        )
    return given


def _several(mark: pytest.Mark, name: str, value: object) -> tuple[Step, ...]:
    one = isinstance(value, str | Path) or inspect.ismodule(value)
    if one or not isinstance(value, Iterable):
        raise UserError(f"@pytest.mark.{mark.name}({name}=...) is a list: say {name}=[{value!r}]")
    return tuple(value)


def _count(number: object) -> int:
    if not isinstance(number, int) or not 2 <= number <= MOST_TOGETHER:
        raise UserError(f"{number!r} together make no sense: say 2 to {MOST_TOGETHER}")
    return number

"""A history as a page shows it: a line for each ratio over commits, and where it changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from conlab.report import curves, words
from conlab.report.words import number

MOST = 60  # series that are drawn; those with a change come first


@dataclass(frozen=True, slots=True)
class Value:
    """A commit's value."""

    commit: str
    when: str
    median: str
    low: str
    high: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Series:
    """A ratio over commits: its curve, and its values for who reads them."""

    name: str
    changes: tuple[str, ...]
    chart: Markup
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class History:
    """A machine's history."""

    machine: str
    answer: str
    series: tuple[Series, ...]
    left_out: int


def histories_of(data: Mapping[str, Any]) -> list[History]:
    """The histories in a document."""
    return [
        _history(each, marked=bool(data.get("changes_are_marked"))) for each in data["histories"]
    ]


def _history(given: Mapping[str, Any], *, marked: bool) -> History:
    found = sorted(given["series"], key=lambda each: not any(_changes(each)))
    series = tuple(_series(each) for each in found[:MOST])
    changed = sum(bool(each.changes) for each in series)
    answer = f"{changed} of {len(found)} series changed at some commit."
    if not marked:
        answer = "Changes are not marked: ruptures, which finds them, was not installed."
    names = ("python", "cpu", "system", "host", "conditions")
    return History(
        machine=", ".join(str(given[name]) for name in names if given.get(name)),
        answer=answer,
        series=series,
        left_out=max(0, len(found) - MOST),
    )


def _changes(given: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (value for value in given["values"] if value.get("changed_here"))


def _series(given: Mapping[str, Any]) -> Series:
    name = " ".join(str(given[one]) for one in ("kind", "of") if given.get(one))
    if given.get("jobs"):
        name += f", {given['jobs']} jobs"
    points = [
        (value, middle) for value in given["values"] if (middle := number(value.get("median")))
    ]
    labels = [f"{str(value.get('commit') or '?')[:8]}" for value, _ in points]
    chart = curves.over_commits(
        name,
        labels,
        [middle for _, middle in points],
        [number(value.get("level")) for value, _ in points],
        [at for at, (value, _) in enumerate(points) if value.get("changed_here")],
    )
    return Series(
        name=name,
        changes=tuple(
            f"{label} ({str(value.get('committed') or '')[:10]})"
            for label, (value, _) in zip(labels, points, strict=True)
            if value.get("changed_here")
        ),
        chart=chart,
        values=tuple(
            Value(
                label,
                str(value.get("committed") or "")[:10],
                words.figures(middle),
                words.figures(number(value.get("low")) or middle),
                words.figures(number(value.get("high")) or middle),
                bool(value.get("changed_here")),
            )
            for label, (value, middle) in zip(labels, points, strict=True)
        ),
    )

"""A comparison of two versions as a page shows it: intervals around no change, and what matters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conlab.report import strips, words
from conlab.report.axes import Axis, around
from conlab.report.words import number

WIDEST = 1.0  # a change beyond which the axis is cut: one cell would press all others together
CLOCKS = {"wall": "time", "cpu": "CPU time"}


@dataclass(frozen=True, slots=True)
class Change:
    """What a clock says of a cell: the estimate of new over old, less 1, and its interval."""

    clock: str
    verdict: str
    said: str
    strip: strips.Strip
    decides: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A cell: its verdict, its changes, or why there are none."""

    name: str
    verdict: str
    pairs: int
    note: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison: ``band`` is what does not matter, in per cent of the axis."""

    answer: str
    sides: tuple[tuple[str, str], ...]
    cells: tuple[Compared, ...]
    gone: tuple[str, ...]
    band: tuple[float, float]
    middle: float
    ticks: tuple[strips.Tick, ...]
    matters: str
    errors: str


def comparison_of(data: Mapping[str, Any]) -> Comparison:
    """The comparison in a document."""
    given = data["concurrency_lab"]["comparison"]
    matters = number(given.get("matters")) or 0.0
    cells = list(given["cells"])
    bounds = [
        max(-WIDEST, min(WIDEST, value))
        for cell in cells
        for _, judged in _judged(cell)
        for value in (number(judged.get("low")), number(judged.get("high")))
        if value is not None
    ]
    axis = around([*bounds, matters, -matters], 0.0)
    found = tuple(_cell(cell, axis) for cell in cells)
    return Comparison(
        answer=_answer(found, matters),
        sides=tuple(_side(one) for one in given.get("sides") or ()),
        cells=found,
        gone=tuple(map(str, given.get("gone") or ())),
        band=(axis.at(-matters), axis.at(matters)),
        middle=axis.at(0.0),
        ticks=tuple(
            strips.ticks(
                axis, [words.change(value) if value else "no change" for value in axis.ticks()]
            )
        ),
        matters=words.share(matters),
        errors=words.share(number(given.get("alpha")) or 0.0),
    )


def _judged(cell: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for clock, name in CLOCKS.items():
        if cell.get(clock):
            yield name, cell[clock]
    for clock, judged in (cell.get("other_clocks") or {}).items():
        if judged:
            yield str(clock), judged


def _cell(cell: Mapping[str, Any], axis: Axis) -> Compared:
    deciding = {CLOCKS.get(one, str(one)) for one in cell.get("slower_by") or ()}
    deciding = deciding or {"CPU time" if cell.get("by_cpu") else "time"}
    changes, pairs = [], 0
    for clock, judged in _judged(cell):
        estimate, low, high = (number(judged.get(one)) for one in ("estimate", "low", "high"))
        if estimate is None or low is None or high is None:
            continue
        pairs = max(pairs, int(number(judged.get("pairs")) or 0))
        changes.append(
            Change(
                clock,
                str(judged.get("verdict")),
                f"{words.change(estimate)} ({words.change(low)} to {words.change(high)})",
                strips.strip(axis, estimate, low, high),
                clock in deciding,
            )
        )
    note = str(cell.get("failure") or cell.get("absent") or "")
    verdict = "failed" if cell.get("failure") else "absent" if cell.get("absent") else ""
    return Compared(
        str(cell["cell"]), verdict or str(cell.get("verdict")), pairs, note, tuple(changes)
    )


def _side(side: Mapping[str, Any]) -> tuple[str, str]:
    return str(side.get("name")), ", ".join(
        map(str, (side.get("python"), *(side.get("notes") or ())))
    )


def _answer(cells: tuple[Compared, ...], matters: float) -> str:
    counted: dict[str, int] = {}
    for cell in cells:
        counted[cell.verdict] = counted.get(cell.verdict, 0) + 1
    told = ", ".join(f"{verdict}: {count}" for verdict, count in counted.items())
    slower = [cell.name for cell in cells if cell.verdict == "slower"]
    if slower:
        return f"Slower: {', '.join(slower[:6])}{' and more' if len(slower) > 6 else ''}. ({told})"
    return f"Nothing was found to be slower by {words.share(matters)} or more. ({told})"

"""Rows of a chart: each a strip with a point, its spread, and the lines that all strips share.

A strip is SVG without a view box: what lies along the axis is in per cent of its width, so that it
fits a phone and a wide screen and its text keeps its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from conlab.report.axes import Axis


@dataclass(frozen=True, slots=True)
class Tick:
    """A value that is written under the strips."""

    at: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line through all strips: the serial baseline, the floor."""

    kind: str
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Strip:
    """A point with its spread, in per cent of the axis."""

    at: float
    low: float
    high: float
    start: float = 0.0  # where its bar begins


def strip(axis: Axis, value: float, low: float | None = None, high: float | None = None) -> Strip:
    """A point on the axis."""
    return Strip(
        axis.at(value),
        axis.at(value if low is None else low),
        axis.at(value if high is None else high),
        axis.at(axis.low),
    )


def ticks(axis: Axis, words: Sequence[str]) -> list[Tick]:
    """The ticks with their texts, those at the ends turned inwards."""
    found = []
    for value, text in zip(axis.ticks(), words, strict=True):
        at = axis.at(value)
        anchor = "start" if at < 8 else "end" if at > 92 else "middle"
        found.append(Tick(at, text, anchor))
    return found

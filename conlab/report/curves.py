"""Curves, drawn by pygal: how a model grows, and a ratio over commits.

Of pygal's SVG the scripts, styles and links are taken out: what colours it is the page's own
stylesheet, so that it follows light and dark and needs no exception from the page's security
policy. It is drawn twice, narrow and wide, as the text in it cannot be wrapped; the page shows the
one that fits.
"""

import math
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from conlab.report import words
from conlab.report.axes import Axis

SIZES = {"wide": (880, 380), "narrow": (340, 320)}
SVG = "http://www.w3.org/2000/svg"
MOST_LABELS = {"wide": 12, "narrow": 4}
TEXT = 12  # pixels


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (x, y) with the least and greatest y seen there; ``kind`` is how it is drawn."""

    name: str
    points: tuple[tuple[float, float], ...]
    spread: tuple[tuple[float, float], ...] = ()
    kind: str = "measured"  # or "ideal", "law", "best"
    color: int = 0


def xy(
    title: str,
    curves: Sequence[Curve],
    *,
    x_title: str,
    y_title: str,
    logarithmic_x: bool = False,
    logarithmic_y: bool = False,
) -> Markup:
    """Curves over a number; axes are drawn by logarithm where that is asked for."""
    return Markup("").join(
        _framed(size, _xy(size, title, curves, x_title, y_title, logarithmic_x, logarithmic_y))
        for size in SIZES
    )


def over_commits(
    title: str,
    commits: Sequence[str],
    values: Sequence[float],
    levels: Sequence[float | None],
    changes: Sequence[int],
) -> Markup:
    """A line over commits, the level of each stretch between changes, and the changes marked."""
    if not values:
        return Markup("")
    drawn = []
    for size in SIZES:
        chart = _chart("Line", size, x_label_rotation=0, show_minor_x_labels=False)
        every = max(1, math.ceil(len(commits) / MOST_LABELS[size]))
        chart.x_labels = [f"{at}. {name}" for at, name in enumerate(commits, 1)]
        chart.x_labels_major = [label for at, label in enumerate(chart.x_labels) if at % every == 0]
        chart.add("measured", list(values))
        if any(level is not None for level in levels):
            chart.add("level", list(levels), show_dots=False)
        if changes:
            marked = [value if at in changes else None for at, value in enumerate(values)]
            chart.add("changed here", marked, stroke=False, dots_size=7)
        kinds = [("measured", 0), ("level", 1), ("change", 2)]
        drawn.append(_framed(size, _svg(chart, title, kinds)))
    return Markup("").join(drawn)


def _framed(size: str, svg: Markup) -> Markup:
    return Markup('<div class="{}">{}</div>').format(size, svg)


def _xy(
    size: str,
    title: str,
    curves: Sequence[Curve],
    x_title: str,
    y_title: str,
    logarithmic_x: bool,
    logarithmic_y: bool,
) -> Markup:
    def along(value: float, logarithmic: bool) -> float:
        return math.log10(value) if logarithmic else value

    def back(value: float, logarithmic: bool) -> str:
        return words.figures(10**value if logarithmic else value)

    # pygal draws both axes by logarithm or none: so the logarithm is taken here.
    chart = _chart(
        "XY",
        size,
        x_title=x_title,
        y_title=y_title,
        x_value_formatter=lambda value: back(value, logarithmic_x),
        value_formatter=lambda value: back(value, logarithmic_y),
    )
    levels = sorted({x for curve in curves if curve.kind == "measured" for x, _ in curve.points})
    if len(levels) > MOST_LABELS[size]:
        levels = levels[:: math.ceil(len(levels) / MOST_LABELS[size])]
    chart.x_labels = [{"label": words.figures(x), "value": along(x, logarithmic_x)} for x in levels]
    heights = [y for curve in curves for _, y in curve.points]
    heights += [y for curve in curves for both in curve.spread for y in both]
    chart.y_labels = [
        {"label": words.figures(y), "value": along(y, logarithmic_y)}
        for y in _ticks(heights, logarithmic_y)
    ]
    kinds = []
    for curve in curves:
        plain = curve.kind in ("ideal", "law")
        chart.add(
            curve.name,
            [(along(x, logarithmic_x), along(y, logarithmic_y)) for x, y in curve.points],
            show_dots=not plain,
            dots_size=8 if curve.kind == "best" else 4,
            stroke=curve.kind != "best",
        )
        kinds.append((curve.kind, curve.color))
    for curve in curves:
        for (x, _), (low, high) in zip(curve.points, curve.spread, strict=False):
            at = along(x, logarithmic_x)
            ends = [(at, along(low, logarithmic_y)), (at, along(high, logarithmic_y))]
            chart.add(f"{curve.name}: spread", ends, show_dots=False)
            kinds.append(("spread", curve.color))
    return _svg(chart, title, kinds)


def _ticks(values: Sequence[float], logarithmic: bool) -> list[float]:
    if logarithmic:
        known = [value for value in values if value > 0] or [1.0]
        axis = Axis(min(known) / 1.5, max(known) * 1.5, logarithmic=True)
    else:
        axis = Axis(0.0, max([*values, 0.0]) * 1.05 or 1.0)
    return axis.ticks(6)


def _chart(kind: str, size: str, **options: Any) -> Any:
    pygal = library()
    width, height = SIZES[size]
    fonts = dict.fromkeys(
        (
            "label_font_size", "major_label_font_size", "legend_font_size", "title_font_size",
            "value_font_size", "value_label_font_size", "no_data_font_size",
        ),
        TEXT,
    )  # fmt: skip
    return getattr(pygal, kind)(
        width=width,
        height=height,
        style=pygal.style.Style(**fonts),
        js=(),
        css=(),
        show_legend=False,
        no_prefix=True,
        disable_xml_declaration=True,
        pretty_print=False,
        margin=6,
        spacing=6,
        no_data_text="nothing was measured",
        **{"value_formatter": words.figures} | options,
    )


def _svg(chart: Any, title: str, kinds: Sequence[tuple[str, int]]) -> Markup:
    """The chart without scripts, styles and ids, its points named for who hears or hovers."""
    root: Any = ET.fromstring(chart.render())
    for element in list(root.iter()):
        element.tag = str(element.tag).rpartition("}")[2]
        element.attrib.pop("style", None)
        element.attrib.pop("id", None)
        for child in list(element):
            name = str(child.tag).rpartition("}")[2]
            is_tooltip = "tooltip" in child.attrib.get("class", "").split()
            if name in ("defs", "style", "script") or is_tooltip or not isinstance(child.tag, str):
                element.remove(child)
    for element in root.iter("g"):
        names = element.attrib.get("class", "").split()
        if "series" in names:
            number = next(int(one[6:]) for one in names if one.startswith("serie-"))
            kind, color = kinds[number]
            element.attrib["class"] = f"series {kind} color-{color % 8}"
        if "dots" in names:
            _name_point(element)
    for element in root.findall("title"):
        root.remove(element)
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib |= {
        "class": "curve",
        "viewBox": box,
        "role": "img",
        "aria-label": title,
    }
    return Markup(ET.tostring(root, encoding="unicode"))


def _name_point(dots: Any) -> None:
    """Give a point a title of what pygal says of it."""
    told = {one.attrib.get("class", ""): one.text or "" for one in dots.findall("desc")}
    for one in dots.findall("desc"):
        dots.remove(one)
    title = ET.SubElement(dots, "title")
    title.text = ": ".join(filter(None, (told.get("x_label", ""), told.get("value", ""))))


def library() -> Any:
    """Import pygal, or raise ModuleNotFoundError where it is not installed."""
    import pygal
    import pygal.style

    # It leaves a finder for its maps, by a protocol of which Python up to 3.11 warns at each import.
    sys.meta_path[:] = [each for each in sys.meta_path if type(each).__module__ != "pygal"]
    return pygal

"""How a workload grows, as a page shows it: from the figures that the run has kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from conlab.report import curves, words
from conlab.report.words import number

WORDS = {"workers": "workers", "in_flight": "jobs in flight", "jobs": "jobs"}
WIDE = 20  # the ratio of levels from which the axis is logarithmic


@dataclass(frozen=True, slots=True)
class Model:
    """A model's curve as a table has it: a text for each level."""

    name: str
    cells: tuple[str, ...]
    color: int


@dataclass(frozen=True, slots=True)
class Growth:
    """A workload along one option: charts with their titles, the table, and what is said."""

    workload: str
    option: str
    charts: tuple[tuple[str, Markup], ...]
    levels: tuple[str, ...]
    models: tuple[Model, ...]
    sentences: tuple[str, ...]
    extra: tuple[tuple[str, str, int], ...]  # legend beside the models: kind, text, colour


def growths_of(given: Any) -> list[Growth]:
    """The growths that a run's document holds, by workload."""
    return [
        _growth(str(workload), one)
        for workload, found in (given or {}).items()
        for one in found
        if one.get("models")
    ]


def _growth(workload: str, given: Mapping[str, Any]) -> Growth:
    option = str(given["option"])
    what = WORDS.get(option, option)
    models = {
        str(name): [_point(each) for each in points] for name, points in given["models"].items()
    }
    levels = sorted({each["level"] for points in models.values() for each in points})
    wide = bool(levels) and levels[-1] / max(levels[0], 1) > WIDE
    if option == "jobs":
        charts = tuple(
            (
                title,
                curves.xy(
                    f"{workload}: {title}",
                    [
                        curves.Curve(
                            name,
                            tuple((one["level"], one[key] or 0.0) for one in points),
                            tuple((one["low"], one["high"]) for one in points)
                            if key == "seconds"
                            else (),
                            color=color,
                        )
                        for color, (name, points) in enumerate(models.items())
                    ],
                    x_title=what,
                    y_title=title,
                    logarithmic_x=wide,
                    logarithmic_y=wide and key == "seconds",
                ),
            )
            for title, key in (("seconds", "seconds"), ("MiB of memory added", "mebibytes"))
        )
        extra: tuple[tuple[str, str, int], ...] = ()
    else:
        drawn = list(_speedups(models, levels, option, given.get("laws") or {}))
        charts = (
            (
                "speedup over serial",
                curves.xy(
                    f"{workload}: speedup over serial by {what}",
                    drawn,
                    x_title=what,
                    y_title="speedup over serial",
                    logarithmic_x=wide,
                ),
            ),
        )
        extra = tuple(
            (curve.kind, curve.name, curve.color) for curve in drawn if curve.kind != "measured"
        )
    table = tuple(
        Model(
            name,
            tuple(
                _text(option, {one["level"]: one for one in points}.get(level)) for level in levels
            ),
            at,
        )
        for at, (name, points) in enumerate(models.items())
    )
    return Growth(
        workload,
        what,
        charts,
        tuple(words.figures(level) for level in levels),
        table,
        tuple(map(str, given.get("sentences") or ())),
        extra,
    )


def _point(each: Mapping[str, Any]) -> dict[str, Any]:
    ratios = [value for one in each.get("speedups") or () if (value := number(one)) is not None]
    seconds = float(each["seconds"])
    return {
        "level": float(each["level"]),
        "seconds": seconds,
        "low": number(each.get("low")) or seconds,
        "high": number(each.get("high")) or seconds,
        "speedup": sorted(ratios)[len(ratios) // 2] if ratios else None,
        "least": min(ratios, default=None),
        "most": max(ratios, default=None),
        "mebibytes": (number(each.get("memory")) or 0.0) / words.MEBI,
    }


def _speedups(
    models: Mapping[str, Any], levels: list[float], option: str, laws: Mapping[str, Any]
) -> Iterator[curves.Curve]:
    """The curve of each model, the ideal line, each law that was fitted, and the best point."""
    best: tuple[float, float, str] | None = None
    for color, (name, points) in enumerate(models.items()):
        told = [one for one in points if one["speedup"] is not None]
        yield curves.Curve(
            name,
            tuple((one["level"], one["speedup"]) for one in told),
            tuple((one["least"], one["most"]) for one in told),
            color=color,
        )
        for one in told:
            best = max(best or (0.0, 0.0, ""), (one["speedup"], one["level"], name))
    if option == "workers" and best and levels:
        highest = max(best[0] * 1.3, 1.0)
        ideal = [level for level in levels if level <= highest] or levels[:1]
        if ideal[-1] < levels[-1] and highest > ideal[-1]:
            ideal.append(highest)
        yield curves.Curve(
            "ideal: as many times as fast as workers", tuple((x, x) for x in ideal), kind="ideal"
        )
    for name, law in laws.items():
        if isinstance(law, dict):
            points = tuple((float(x), float(y)) for x, y in law["curve"])
            yield curves.Curve(
                f"{name}: fitted scalability law",
                points,
                kind="law",
                color=list(models).index(name),
            )
    if best:
        speedup, level, name = best
        yield curves.Curve(
            f"best measured: {name} with {words.figures(level)}, {words.times(speedup)}",
            ((level, speedup),),
            kind="best",
            color=list(models).index(name),
        )


def _text(option: str, one: Mapping[str, Any] | None) -> str:
    if one is None:
        return ""
    if option == "jobs" or one["speedup"] is None:
        return f"{words.seconds(one['seconds'])}, +{words.figures(one['mebibytes'])} MiB"
    return (
        f"{words.times(one['speedup'])} ({words.figures(one['least'])} to"
        f" {words.figures(one['most'])})"
    )

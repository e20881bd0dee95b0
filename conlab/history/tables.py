"""Prints a history: a row a ratio, its values over commits as blocks, each change with its commit.

A cut in the blocks, ``|``, is a change; so it is seen without colour and through a pipe.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conlab.bench.words import duration
from conlab.history import changes
from conlab.history.saved import SECONDS, SERIAL_SECONDS, Ratio
from conlab.history.series import Commit, History, Series

BLOCKS = "▁▂▃▄▅▆▇█"
DIGITS = "01234567"  # for an output that has no blocks
LEAST_RANGE = 0.1  # of the middle: what is quieter than this is drawn flat, not blown up
FIXES = "What the fixes cost: broken side to fixed"
KINDS = {
    "speedup": "x serial",
    "floor_share": "% of floor",
    "broken_to_fixed": "broken/fixed",
    SERIAL_SECONDS: "seconds",
    SECONDS: "seconds",
}


@dataclass(frozen=True)
class Judged:
    """A series and where it changed."""

    series: Series
    changes: tuple[int, ...]


def judge(history: History, wanted: Sequence[Ratio], matters: float) -> list[Judged]:
    """The series of these ratios and where each changed, if that can be calculated here."""
    marked = changes.available()

    def found(series: Series) -> tuple[int, ...]:
        if not marked:
            return ()
        at = changes.changes(series.medians, series=len(history.ratios), matters=matters)
        return tuple(at)

    return [Judged(one, found(one)) for one in map(history.series, wanted)]


def show(console: Console, history: History, judged: Sequence[Judged]) -> None:
    """Print what a machine measured: a table a workload, one of the fixes."""
    for line in _heading(history):
        console.print(line)
    for title, group in _groups(judged).items():
        console.print()
        console.print(_table(console, title, group))
        for one in group:
            for sentence in _changes(one):
                console.print(Padding(Text(sentence), (0, 0, 0, 2)))
    console.print()


def show_whole(console: Console, history: History, judged: Sequence[Judged]) -> None:
    """Print each ratio with a row a commit."""
    for line in _heading(history):
        console.print(line)
    for one in judged:
        console.print()
        console.print(_whole(one.series, one.changes))
    console.print()


def _whole(series: Series, found: Sequence[int]) -> Table:
    ratio = series.ratio
    table = _empty(f"{ratio.of}, {KINDS[ratio.kind]}{_jobs(ratio)}")
    for name in ("commit", "committed", "branch", "runs", "median", "range", ""):
        table.add_column(name, justify="right" if name in ("runs", "median", "range") else "left")
    for number, (commit, values) in enumerate(series.points):
        median = series.medians[number]
        several = len(values) > 1
        table.add_row(
            Text(commit.name),
            f"{commit.time:%Y-%m-%d}",
            Text(commit.runs[0].branch),
            str(len(values)),
            _value(ratio, median),
            f"{_value(ratio, values[0])} to {_value(ratio, values[-1])}" if several else "",
            "changed here" if number in found else "",
        )
    return table


def name(history: History) -> str:
    """The machine in words."""
    machine, hosts = history.machine, history.hosts
    cores = f"{machine.cores} usable cores, " if machine.cores else ""
    where = hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"
    return f"{machine.python}, {cores}{machine.cpu}, {machine.system}, {where}"


def _heading(history: History) -> Iterator[Text]:
    commits, runs = len(history.commits), sum(len(commit.runs) for commit in history.commits)
    names = dict.fromkeys(commit.name for commit in (history.commits[0], history.commits[-1]))
    yield Text(name(history), style="bold")
    conditions = f"{history.conditions}: " if history.conditions else ""
    yield Text(
        f"{conditions}{_number(runs, 'run')} of {_number(commits, 'commit')}, {' to '.join(names)}"
    )


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _groups(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """By workload and number of jobs; the fixes come last."""
    found: dict[str, list[Judged]] = {}
    for one in judged:
        found.setdefault(_title(one.series.ratio), []).append(one)
    fixes = found.pop(FIXES, None)
    return found | ({FIXES: fixes} if fixes else {})


def _title(ratio: Ratio) -> str:
    if ratio.kind == SECONDS:
        return ratio.of.partition("::")[0]
    return FIXES if ratio.jobs is None else f"{ratio.of.partition('-')[0]}{_jobs(ratio)}"


def _jobs(ratio: Ratio) -> str:
    return "" if ratio.jobs is None else f": {ratio.jobs:,} jobs"


def _row_name(ratio: Ratio) -> str:
    """What the title does not say: the model, the pitfall without its family, or the test."""
    if ratio.kind == SECONDS:
        return ratio.of.partition("::")[2] or ratio.of
    return ratio.of.rpartition("/")[2] if ratio.jobs is None else ratio.of.partition("-")[2]


def _table(console: Console, title: str, group: Sequence[Judged]) -> Table:
    table = _empty(title)
    theirs = group[0].series.ratio.kind == SECONDS
    kinds = [] if title == FIXES or theirs else ["ratio"]
    for name in (
        "test" if theirs else "model" if kinds else "pitfall",
        *kinds,
        "over commits",
    ):
        table.add_column(name, no_wrap=True)
    for name in ("first", "last", "spread"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = [_figures(one.series, with_kind=bool(kinds)) for one in group]
    headings = [str(column.header) for column in table.columns if column.header != "over commits"]
    taken = sum(max(map(len, column)) + 1 for column in zip(headings, *rows, strict=True))
    for one, (first, *rest) in zip(group, rows, strict=True):
        drawn = sparkline(
            one.series.medians, one.changes, max(8, console.width - taken - 1), console.encoding
        )
        table.add_row(Text(first), *rest[: len(kinds)], drawn, *rest[len(kinds) :])
    return table


def _figures(series: Series, *, with_kind: bool) -> list[str]:
    """A row but for its blocks."""
    ratio, first, last = series.ratio, series.medians[0], series.medians[-1]
    return [
        _row_name(ratio),
        *([KINDS[ratio.kind]] if with_kind else []),
        _value(ratio, first),
        _value(ratio, last),
        "" if series.spread is None else f"{series.spread:.0%}",
    ]


def _empty(title: str) -> Table:
    return Table(
        title=Text(title),
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def _value(ratio: Ratio, value: float) -> str:
    if ratio.kind == "floor_share":
        return f"{value:.0%}"
    if ratio.kind in (SERIAL_SECONDS, SECONDS):
        return duration(value)
    if value >= 100:
        return f"{value:,.0f}x"
    return f"{value:.2f}x" if value >= 0.1 else f"{value:.2g}x"


def _changes(judged: Judged) -> Iterator[str]:
    """A sentence a change."""
    for number in range(len(judged.changes)):
        yield sentence_of_change(judged, number)


def sentence_of_change(judged: Judged, number: int) -> str:
    """Where, when, from which level to which."""
    series, at = judged.series, judged.changes[number]
    level = changes.levels(series.medians, judged.changes)
    commit, before, after = series.points[at][0], level[number], level[number + 1]
    return (
        f"{_row_name(series.ratio)} {KINDS[series.ratio.kind]} {_verb(before, after)} by"
        f" {abs(after / before - 1):.0%} at {commit.name} ({commit.time:%Y-%m-%d}):"
        f" {_value(series.ratio, before)} to {_value(series.ratio, after)}"
        f"{_other_python(series.points[at - 1][0], commit)}"
    )


def _verb(before: float, after: float) -> str:
    return "rose" if after > before else "fell"


def _other_python(before: Commit, after: Commit) -> str:
    """What else changed at that commit and could be the reason."""
    old, new = before.runs[-1].python, after.runs[0].python
    return "" if old == new else f"; Python {old} became {new} there, too"


def sparkline(
    values: Sequence[float], cuts: Sequence[int], room: int, encoding: str = "utf-8"
) -> str:
    """A block a value, the newest that fit into ``room`` characters, and | where a level begins.

    The whole height is the range of the values, or LEAST_RANGE around their middle if that is more.
    """
    try:
        BLOCKS.encode(encoding)
        blocks = BLOCKS
    except (UnicodeEncodeError, LookupError):
        blocks = DIGITS
    low, high = min(values), max(values)
    margin = max(0.0, LEAST_RANGE * (low + high) / 2 - (high - low)) / 2
    low, high = low - margin, high + margin
    drawn = []
    for number, value in enumerate(values):
        height = min(len(blocks) - 1, int((value - low) / (high - low) * len(blocks)))
        drawn.append(("|" if number in cuts else "") + blocks[height])
    while sum(map(len, drawn)) > room:
        del drawn[0]
    return "".join(drawn)

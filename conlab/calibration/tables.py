"""The tables of ``conlab calibrate``, by rich."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from conlab.calibration.evaluation import OfLoad, OfStream
from conlab.calibration.rates import Rate
from conlab.calibration.recording import Stream
from conlab.plain_console import PlainConsole

WIDE = 126  # columns that the table of streams takes; where there are fewer, it is cut in two
LEAST = 80  # columns that the halves take
OTHER_VERDICTS = ("faster", "no change that matters", "cannot tell")
SAID = ("runs", "slower", "fas-\nter", "no\nchange", "cannot\ntell")
BESIDE = (
    "slower\nby CPU", "truth\ncovered",
    "spread", "pairs", "s", "alone\nin 30 s", "mean\n:5%", "min\n:5%",
)  # fmt: skip
LEGEND = (
    "In brackets: 95% intervals. A fair coin: which side of a recorded pair was the slower, drawn"
    " anew. An unfair one: the same, with side B the slower as often, or as seldom, as the pairs of"
    " its cell leave possible; if that is all that is wrong with them, this bounds the false alarms"
    " here. spread: of the pairs, outliers apart. pairs, s: the median run's. alone in 30 s:"
    " decided by then if it were the only cell. mean:5%, min:5%: how often these fail in"
    " pytest-benchmark on the same rounds."
)


def show(loads: Sequence[OfLoad], machine: str) -> None:
    """Print the tables."""
    console = PlainConsole()
    console.width = max(console.width, LEAST)
    halves = [SAID + BESIDE] if console.width >= WIDE else [SAID, BESIDE]
    for load in loads:
        console.print()
        console.print(
            Text.assemble(
                (load.load, "bold"),
                f": {machine}; {load.pairs:,} pairs from {load.first[:16]} to {load.last[:16]} UTC",
            )
        )
        console.print()
        console.print(runs_table(load))
        console.print(
            f"\nThe coin: of the pairs of identical sides, B was the slower in {load.b_slower}.\n"
        )
        for slower in (False, True):
            streams = [one for one in load.streams if bool(one.slowdown) is slower]
            for columns in halves:
                console.print(streams_table(streams, columns))
                console.print()
    console.print(LEGEND)


def runs_table(load: OfLoad) -> Table:
    """False alarms in whole runs."""
    table = plain_table("unchanged code: who judged it", "whole runs with any alarm")
    for judge, rate in load.runs.items():
        table.add_row(judge, str(rate))
    return table


def streams_table(streams: Sequence[OfStream], columns: Sequence[str]) -> Table:
    """The runs, a row each cell and slowdown, with these columns."""
    table = plain_table("side B", *columns)
    for one in streams:
        slower = one.verdicts["slower"]
        figures = (
            f"{slower.of}",
            f"{slower.share:.0%} ({slower.low:.0%}-{slower.high:.0%})",
            *(f"{one.verdicts[verdict].hits}" for verdict in OTHER_VERDICTS),
            per_cent(one.verdicts_by_cpu["slower"]),
            per_cent(one.covered),
            f"{one.spread:.1%}",
            f"{one.pairs_taken:.0f}",
            f"{one.seconds_taken:.0f}",
            per_cent(one.alone_in_time),
            *map(per_cent, one.together.values()),
        )
        row = dict(zip(SAID + BESIDE, figures, strict=True))
        table.add_row(Stream(one.cell, one.slowdown).id, *(row[name] for name in columns))
    return table


def per_cent(rate: Rate) -> str:
    """The share seen, or that there was nothing to see."""
    return f"{rate.share:.0%}" if rate.of else "-"


def plain_table(first: str, *columns: str) -> Table:
    """A table without lines, its first column flush left."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right" if len(columns) > 1 else "left")
    return table

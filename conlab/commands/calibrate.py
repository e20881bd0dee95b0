"""Measure what `--versus` is worth on this machine: its false alarms, and what it misses.

Pairs of identical sides, and of sides made slower by a known share, are recorded for --seconds;
a further call goes on from there, and Ctrl-C keeps what was recorded. Then the rule is replayed
over all pairs recorded so far, next to what pytest-benchmark would have said of the same rounds.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from conlab.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from conlab.versus.calibrate import OfLoad, OfStream

INTERRUPTED = 130
WIDTH = 118  # columns of the tables, where a terminal has fewer
OTHER_VERDICTS = ("faster", "no change that matters", "cannot tell")
COLUMNS = (
    "slower", "fas-\nter", "no\nchange", "cannot\ntell", "slower\nby CPU", "truth\ncovered",
    "spread", "pairs", "s", "alone\nin 30 s", "mean\n:5%", "min\n:5%",
)  # fmt: skip
LEGEND = """
In brackets: 95% intervals. spread: of the pairs, outliers apart. pairs, s: the median trial's, as
one of six cells. alone in 30 s: decided by then if it were the only cell. mean:5%, min:5%: how often
these fail in pytest-benchmark on the rounds of the same trials."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long, and under which load."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=600.0,
        metavar="N",
        help="how long to record (600); 0 shows what was recorded before. A whole run over six"
        " unchanged cells takes some minutes, and a hundred of them hours",
    )
    parser.add_argument(
        "--busy",
        action="store_true",
        help="keep one core busy meanwhile; without it, leave the machine alone",
    )


def run(options: argparse.Namespace) -> int:
    """Record, count, print and save."""
    if not 0 <= options.seconds < float("inf"):
        raise UserError(f"--seconds {options.seconds:g}: it should be a number, 0 or more")
    from conlab.versus.rule import missing_library

    if missing := missing_library():
        raise UserError(missing)
    try:
        from conlab.versus import calibrate, recording
    except ModuleNotFoundError as error:
        raise UserError(
            f"calibrating needs the whole clone, installed by `python3 -m conlab.install`: {error}"
        ) from None
    load = "busy" if options.busy else "idle"
    status = 0
    if options.seconds:
        try:
            recording.record(
                recording.FOLDER / f"{load}.jsonl",
                calibrate.RULE,
                options.seconds,
                options.busy,
                told,
            )
        except KeyboardInterrupt:
            status = INTERRUPTED
        print(file=sys.stderr)
    found = []
    for load in recording.LOADS:
        path = recording.FOLDER / f"{load}.jsonl"
        recorded = recording.read(path, recording.this_machine())
        if recorded.foreign:
            print(f"{path}: {recorded.foreign} lines of another machine or Python are passed over")
        if recorded.damaged:
            print(f"{path}: {recorded.damaged} damaged lines are passed over")
        if one := calibrate.of_load(load, recorded):
            found.append(one)
    if not found:
        raise UserError("no trial is complete yet: record for longer, some minutes at least")
    calibrate.save(found)
    show(found, recording.this_machine())
    print(f"Written to {calibrate.SUMMARY}")
    return status


def told(sentence: str) -> None:
    """Show progress: over the last line on a terminal; elsewhere only what is worth a line."""
    if sys.stderr.isatty():
        print(f"\r\033[K{sentence}", end="", file=sys.stderr, flush=True)
    elif not sentence.endswith("to go"):
        print(sentence, file=sys.stderr, flush=True)


def show(loads: "list[OfLoad]", machine: str) -> None:
    """Print the tables."""
    from rich.console import Console

    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    for load in loads:
        console.print(
            f"\n[bold]{load.load}[/]: {machine}; {load.pairs:,} pairs from {load.first[:16]} to"
            f" {load.last[:16]} UTC\n"
        )
        console.print(runs_table(load))
        console.print(
            f"\nThe coin: of the pairs of identical sides, B was the slower in {load.b_slower}.\n"
        )
        console.print(streams_table([one for one in load.streams if not one.slowdown]))
        console.print()
        console.print(streams_table([one for one in load.streams if one.slowdown]))
    console.print(LEGEND)


def runs_table(load: "OfLoad") -> "Table":
    """False alarms in whole runs."""
    table = plain_table("unchanged code: who judged it", "whole runs with any alarm")
    for judge, rate in load.runs.items():
        table.add_row(judge, str(rate))
    return table


def streams_table(streams: "list[OfStream]") -> "Table":
    """The trials, a row each cell and slowdown."""
    table = plain_table("side B", "trials", *COLUMNS)
    for one in streams:
        slower = one.verdicts["slower"]
        table.add_row(
            f"{one.cell} +{one.slowdown:.0%}" if one.slowdown else one.cell,
            f"{slower.of}",
            f"{slower.share:.0%} ({slower.low:.0%}-{slower.high:.0%})",
            *(f"{one.verdicts[verdict].hits}" for verdict in OTHER_VERDICTS),
            f"{one.verdicts_by_cpu['slower'].share:.0%}",
            f"{one.covered.share:.0%}",
            f"{one.spread:.1%}",
            f"{one.pairs_taken:.0f}",
            f"{one.seconds_taken:.0f}",
            f"{one.alone_in_time.share:.0%}",
            *(f"{rate.share:.0%}" for rate in one.together.values()),
        )
    return table


def plain_table(first: str, *columns: str) -> "Table":
    """A table without lines, its first column flush left."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right" if len(columns) > 1 else "left")
    return table

"""Measure what `--versus` is worth on this machine: its false alarms, and what it misses.

Pairs of identical sides, and of sides made slower by a known share, are recorded for --seconds;
a further call goes on from there, and Ctrl-C keeps what was recorded. Then the rule is replayed
over all pairs recorded so far, next to what pytest-benchmark would have said of the same rounds.
"""

import argparse
import sys
from contextlib import nullcontext

from conlab import content
from conlab.errors import UserError
from conlab.extras import needing
from conlab.terminal import LiveLine

INTERRUPTED = 130
SECONDS = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long, and under which load."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=None,
        metavar="N",
        help="how long to record (600); 0 shows what was recorded before. A whole run over six"
        " unchanged cells takes some minutes, and a hundred of them hours",
    )
    parser.add_argument(
        "--busy",
        action="store_true",
        help="keep one core busy meanwhile; without it, leave the machine alone",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only say what can be told on this machine, from how far pairs spread: ten minutes, or"
        " --seconds",
    )


def run(options: argparse.Namespace) -> int:
    """Record, count, print and save."""
    seconds = SECONDS if options.seconds is None else options.seconds
    if not 0 <= seconds < float("inf"):
        raise UserError(f"--seconds {seconds:g}: it should be a number, 0 or more")
    if options.quick:
        return run_quick(seconds, busy=options.busy)
    content.clone()
    with needing("calibrate", "versus"):
        import numpy  # noqa: F401
        import scipy  # noqa: F401

        from conlab.calibration import evaluation, recording, tables
    load = "busy" if options.busy else "idle"
    status = 0
    if seconds:
        try:
            recording.record(
                recording.FOLDER / f"{load}.jsonl",
                evaluation.RULE,
                seconds,
                options.busy,
                progress,
            )
        except KeyboardInterrupt:
            status = INTERRUPTED
        print(file=sys.stderr)
    found = []
    pairs = 0
    for load in recording.LOADS:
        path = recording.FOLDER / f"{load}.jsonl"
        recorded = recording.read(path, recording.this_machine())
        if recorded.foreign:
            print(
                f"{path}: {recorded.foreign} lines are passed over: of another machine or Python,"
                " or of planted jobs that have changed since"
            )
        if recorded.earlier:
            print(
                f"{path}: {recorded.earlier} pairs are used that were measured before jobs were"
                " divided into strata: of cells that have one stratum, or were not measured since"
            )
        if recorded.outdated:
            print(
                f"{path}: {recorded.outdated} pairs are passed over: they were measured before"
                " the jobs of their cells were divided into strata"
            )
        if recorded.damaged:
            print(f"{path}: {recorded.damaged} damaged lines are passed over")
        pairs += len(recorded)
        if one := evaluation.of_load(load, recorded):
            found.append(one)
    if not found:
        raise UserError(
            f"no run is complete yet, of {pairs} pairs recorded: one takes some minutes"
        )
    evaluation.save(found, evaluation.SUMMARY)
    tables.show(found, recording.this_machine())
    print(f"Written to {evaluation.SUMMARY}")
    return status


def run_quick(seconds: float, *, busy: bool) -> int:
    """Measure for a while, and print what can be told here."""
    with needing("calibrate", "versus"):
        import scipy  # noqa: F401
        from rich.console import Console

        from conlab.calibration import quick, recording
        from conlab.plain_console import PlainConsole
        from conlab.versus.pairs.worker_process import SideFailed
    try:
        with recording.one_busy_core() if busy else nullcontext():
            seen = quick.measure(seconds, progress)
    except SideFailed as failure:
        raise UserError(str(failure)) from None
    print(file=sys.stderr)
    found = [one for one in map(quick.telling, seen) if one]
    if not found:
        raise UserError(
            f"{seconds:g} s were too short for {quick.FEWEST} pairs of any kind of work: --seconds"
        )
    console: Console = PlainConsole()
    table, meaning = quick.show(found, recording.this_machine())
    console.print(table)
    console.print(f"\n{meaning}")
    return 0


def progress(sentence: str) -> None:
    """Show progress: over the last line on a terminal; elsewhere only what is worth a line."""
    line = LiveLine()
    if line.shown:
        line.show(sentence)
    elif not sentence.endswith("to go"):
        print(sentence, file=sys.stderr, flush=True)

"""Show what the saved runs say over commits: each ratio, and the commits at which it changed.

Runs are saved by pytest --benchmark-only --benchmark-autosave. Only ratios made in one run are
shown (a model to serial, a broken side to its fix, per cent of the floor), and runs of different
machines, Pythons or options are never mixed.
"""

import argparse
from pathlib import Path

from conlab.errors import UserError
from conlab.extras import needing

STORAGE = Path(".benchmarks")  # where pytest-benchmark saves
LAST = 40  # commits: the search for changes takes the square of that


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow ``conlab history``."""
    parser.add_argument(
        "--storage", metavar="DIR", default=str(STORAGE), help=f"where the runs lie ({STORAGE})"
    )
    parser.add_argument("-k", dest="word", metavar="TEXT", help="ratios with this in their name")
    parser.add_argument("--machine", metavar="TEXT", help="machines with this in their heading")
    parser.add_argument(
        "--branch", metavar="NAME", help="commits that were measured on this branch"
    )
    parser.add_argument(
        "--any-host",
        action="store_true",
        help="take hosts of one kind as one machine: CI names its hosts anew for each run",
    )
    parser.add_argument(
        "--last", type=int, default=LAST, metavar="N", help=f"the newest commits alone ({LAST})"
    )
    parser.add_argument(
        "--matters",
        type=float,
        default=5.0,
        metavar="PERCENT",
        help="smaller changes are not marked (5)",
    )
    parser.add_argument("--full", action="store_true", help="a row for each commit")


def run(options: argparse.Namespace) -> int:
    """Print the tables, and the files that were passed over."""
    if options.last < 1:
        raise UserError(f"--last {options.last} shows nothing: say 1 or more")
    if not 0 < options.matters < float("inf"):
        raise UserError(f"--matters {options.matters:g}: it should be a share above 0, in per cent")
    with needing("history", "suite"):
        from conlab.history.report import Wanted, report
    report(
        Path(options.storage.removeprefix("file://")),
        Wanted(
            word=options.word,
            machine=options.machine,
            branch=options.branch,
            any_host=options.any_host,
            last=options.last,
            matters=options.matters / 100,
            full=options.full,
        ),
    )
    return 0

"""Show what the saved runs say over commits: each ratio, and the commits at which it changed.

Runs are saved by pytest --benchmark-only --benchmark-autosave, of this suite or of a project of
your own. Of this suite, ratios made in one run are shown (a model to serial, a broken side to its
fix, per cent of the floor), and serial's own seconds within one machine; of another project, the
seconds of its benchmarks. Runs of different machines, Pythons or options are never mixed; hosts
that differ in name alone are one machine.
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
        "--by-host",
        action="store_true",
        help="keep hosts of one kind (CPU model, cores, Python and GIL) apart",
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
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--csv", dest="form", action="store_const", const="csv", help="a row for each value, as CSV"
    )
    form.add_argument(
        "--json", dest="form", action="store_const", const="json", help="all of it as JSON"
    )
    parser.add_argument(
        "--fail-on-change",
        action="store_true",
        help="exit with 1 if the newest runs lie on the wrong side of a change; seconds of another"
        " project's benchmarks fail nothing",
    )


def run(options: argparse.Namespace) -> int:
    """Print the tables, and the files that were passed over."""
    if options.last < 1:
        raise UserError(f"--last {options.last} shows nothing: say 1 or more")
    if not 0 < options.matters < float("inf"):
        raise UserError(f"--matters {options.matters:g}: it should be a share above 0, in per cent")
    with needing("history", "suite"):
        from conlab.history.report import Wanted, report
    return report(
        Path(options.storage.removeprefix("file://")),
        Wanted(
            word=options.word,
            machine=options.machine,
            branch=options.branch,
            by_host=options.by_host,
            last=options.last,
            matters=options.matters / 100,
            full=options.full,
            form=options.form,
            fail_on_change=options.fail_on_change,
        ),
    )

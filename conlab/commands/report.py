"""Make a page of saved figures: runs, comparisons, histories, witnesses, a scoreboard.

The page is one file of HTML that needs no network. Without a JSON file, the newest run that is
saved in .benchmarks is shown, or with --pairs the catalogue alone.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conlab import terminal
from conlab.catalogue import pitfall
from conlab.catalogue.law import Finding, examine
from conlab.catalogue.pitfall import Pitfall
from conlab.commands.history import STORAGE
from conlab.errors import UserError
from conlab.explorer import Witness
from conlab.extras import needing

PAGE = Path("report.html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow ``conlab report``."""
    parser.add_argument(
        "files",
        metavar="JSON",
        nargs="*",
        type=Path,
        help="what pytest --benchmark-json, conlab measure --json, conlab history --json, conlab"
        " explore --save or conlab detect --json wrote; their parts come in this order",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE.html",
        type=Path,
        default=PAGE,
        help=f"where to write the page ({PAGE})",
    )
    parser.add_argument(
        "--pairs",
        action="store_true",
        help="show the catalogue's pairs as well, each of which is run for it",
    )


def run(options: argparse.Namespace) -> int:
    """Write the page, and say where it is."""
    check(options.output, "-o")
    from conlab.report import documents, environment, page

    files = options.files or ([] if options.pairs else [newest()])
    parts = page.of_documents([documents.read(path) for path in files])
    if options.pairs:
        from conlab.report.pairs import studied

        line = terminal.LiveLine()
        pitfalls = pitfall.collect()
        for at, one in enumerate(pitfalls, 1):
            line.show(f"{at} of {len(pitfalls)}: {one}")
            parts.studied.append(studied(one, [examine(one, "broken"), examine(one, "fixed")]))
        line.clear()
        parts.environments.append(tuple(environment.here()))
    page.write(parts, options.output)
    print(terminal.plain(f"{parts.headline}: {options.output}"))
    return 0


def newest() -> Path:
    """The run that was saved last in .benchmarks."""
    found = sorted(STORAGE.glob("*/*.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UserError(
            f"there is no saved run in {STORAGE}: name a JSON file, or make one by"
            " pytest --benchmark-only --benchmark-autosave"
        )
    return found[-1]


# What --report of the other commands does.


def check(file: Path, option: str = "--report") -> None:
    """Raise UserError where no page can be made, or none be written there."""
    with needing(option if option.startswith("--") else "report", "report"):
        from conlab.report import curves, page

        curves.library()
    page.check_writable(option, file)


def of_exploration(
    file: Path, headline: str, sentences: Sequence[str], witness: Witness | None, *, fails: bool
) -> None:
    """Write a page of what an exploration said and of the schedule that it shows, if there is one.

    ``headline`` is the verdict in short; where something fails, ``fails``, the witness has its own.
    """
    from conlab.report import page
    from conlab.report.schedule import drawing

    schedules = [] if witness is None else [drawing(witness, "w0")]
    title = schedules[0].title if schedules and fails else terminal.plain(headline)
    parts = page.Parts(
        explored=[page.Explored(title, tuple(map(terminal.plain, sentences)), fails)],
        schedules=schedules,
    )
    _write(parts, file)


def of_pair(file: Path, studied: Pitfall, findings: list[Finding]) -> None:
    """Write a page of one pair of the catalogue, as its sides were run just now."""
    from conlab.report import page, pairs

    _write(page.Parts(studied=[pairs.studied(studied, findings)]), file)


def _write(parts: Any, file: Path) -> None:
    from conlab.report import environment, page

    parts.environments.append(tuple(environment.here()))
    parts.commands.append(shlex.join(["conlab", *sys.argv[1:]]))
    page.write(parts, file)
    print(f"\n{terminal.plain(f'the page: {file}')}")

"""Show what the saved runs say over commits: each ratio, and the commits at which it changed.

Runs are saved by pytest --benchmark-only --benchmark-autosave. Only ratios made in one run are
shown (a model to serial, a broken side to its fix, per cent of the floor), and runs of different
machines, Pythons or options are never mixed.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conlab.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from conlab.history.saved import Ratio, Run
    from conlab.history.series import History

STORAGE = Path(".benchmarks")  # where pytest-benchmark saves
HOW_TO_SAVE = "pytest --benchmark-only --benchmark-autosave makes one"
LAST = 40  # commits: the search for changes takes the square of that
NAMED = 20  # files that were passed over


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
    try:
        from conlab.history import changes, series, tables
    except ModuleNotFoundError as error:
        raise UserError(f"the tables need {error.name}: pip install {error.name}") from None
    if options.last < 1:
        raise UserError(f"--last {options.last} shows nothing: say 1 or more")
    if not 0 < options.matters < float("inf"):
        raise UserError(f"--matters {options.matters:g}: it should be a share above 0, in per cent")
    folder = Path(options.storage.removeprefix("file://"))
    runs, passed_over = _saved(folder)
    console = _console()
    if not runs:
        _show_passed_over(console, passed_over)
        raise UserError(f"there is no saved run in {folder}; {HOW_TO_SAVE}")
    picked = [one for one in runs if options.branch in (None, one.branch)]
    shown = []
    for history in series.histories(picked, any_host=options.any_host, last=options.last):
        wanted = _wanted(history, options.word)
        if wanted and _has(options.machine, _name(history)):
            show = tables.show_whole if options.full else tables.show
            show(console, history, wanted, matters=options.matters / 100)
            shown.append(history)
    if shown:
        _explain(console, shown, marked=changes.available(), fewest=changes.FEWEST)
    _show_passed_over(console, passed_over)
    if not shown:
        raise UserError(f"none of the {len(runs)} saved runs in {folder} has what was asked for")
    return 0


def _saved(folder: Path) -> "tuple[list[Run], list[tuple[str, str]]]":
    """The runs in a storage, and what was passed over with the reason."""
    from conlab.history.saved import Unusable, read

    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; {HOW_TO_SAVE}")
    runs, passed_over = [], []
    for path in sorted({*folder.glob("*.json"), *folder.glob("*/*.json")}):
        name = path.relative_to(folder).as_posix()
        try:
            runs.append(read(path, name))
        except Unusable as reason:
            passed_over.append((name, str(reason)))
    return runs, passed_over


def _wanted(history: "History", word: str | None) -> "list[Ratio]":
    from conlab.history.tables import KINDS

    return [
        ratio
        for ratio in history.ratios
        if _has(word, f"{ratio.of} {ratio.kind} {KINDS[ratio.kind]}")
    ]


def _name(history: "History") -> str:
    machine = history.machine
    words = (machine.python, machine.cpu, machine.system, machine.host, history.conditions)
    return " ".join(words)


def _has(word: str | None, text: str) -> bool:
    return word is None or word.lower() in text.lower()


def _explain(console: "Console", shown: "list[History]", *, marked: bool, fewest: int) -> None:
    for line in _explanations(shown, marked=marked, fewest=fewest):
        console.print(line, style="dim", markup=False)


def _explanations(shown: "list[History]", *, marked: bool, fewest: int) -> Iterator[str]:
    from conlab.history.changes import LIBRARY

    yield (
        "Each block is a commit. first, last: medians of a commit's runs. spread: half the range of"
        " the runs of one commit. +: with changes that were in no commit."
    )
    if not marked:
        yield (
            "Changes are not marked, since ruptures is not installed here:"
            f" pip install '{LIBRARY}', in any Python that has a wheel of it."
        )
    elif any(len(history.commits) < fewest for history in shown):
        yield f"|: the level changed. That is looked for from {fewest} commits on."
    else:
        yield "|: the level changed."
    kinds = {(replace(history.machine, host=""), history.conditions) for history in shown}
    if len(kinds) < len(shown):
        yield "Some hosts are of one kind: --any-host takes them together."


def _show_passed_over(console: "Console", passed_over: list[tuple[str, str]]) -> None:
    if not passed_over:
        return
    console.print(f"Passed over: {len(passed_over)} of the files", markup=False)
    for name, reason in passed_over[:NAMED]:
        shown = "".join(letter if letter.isprintable() else "?" for letter in f"{name}: {reason}")
        console.print(f"  {shown}", markup=False)
    if len(passed_over) > NAMED:
        console.print(f"  and {len(passed_over) - NAMED} more")


def _console() -> "Console":
    from rich.console import Console

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a branch may have any name
    return Console(highlight=False)

"""Prints the histories of a storage that were asked for, what the signs mean, what was no run."""

import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from conlab.errors import UserError
from conlab.history import changes, tables
from conlab.history.saved import Ratio, Run, Unusable, read
from conlab.history.series import History, histories
from conlab.plain_console import PlainConsole
from conlab.terminal import plain

HOW_TO_SAVE = "pytest --benchmark-only --benchmark-autosave makes one"
NAMED = 20  # files that were passed over


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show: None means all. ``matters`` is a share, ``last`` a number of commits."""

    word: str | None
    machine: str | None
    branch: str | None
    any_host: bool
    last: int
    matters: float
    full: bool


def report(storage: Path, wanted: Wanted) -> None:
    """Print it.

    Raises:
        UserError: there is no saved run, or none has what was asked for.
    """
    runs, passed_over = _saved(storage)
    console = _console()
    if not runs:
        _show_passed_over(console, passed_over)
        raise UserError(f"there is no saved run in {storage}; {HOW_TO_SAVE}")
    picked = [run for run in runs if wanted.branch in (None, run.branch)]
    shown = []
    show = tables.show_whole if wanted.full else tables.show
    for history in histories(picked, any_host=wanted.any_host, last=wanted.last):
        ratios = [ratio for ratio in history.ratios if _has(wanted.word, _words(ratio))]
        if ratios and _has(wanted.machine, tables.name(history)):
            show(console, history, ratios, matters=wanted.matters)
            shown.append(history)
    if shown:
        for line in _explanations(shown):
            console.print(line, style="dim")
    _show_passed_over(console, passed_over)
    if not shown:
        raise UserError(f"none of the {len(runs)} saved runs in {storage} has what was asked for")


def _saved(storage: Path) -> tuple[list[Run], list[tuple[str, str]]]:
    """The runs, and what was passed over with the reason."""
    if not storage.is_dir():
        raise UserError(f"there is no folder {storage}; {HOW_TO_SAVE}")
    runs, passed_over = [], []
    for path in sorted({*storage.glob("*.json"), *storage.glob("*/*.json")}):
        name = path.relative_to(storage).as_posix()
        try:
            runs.append(read(path, name))
        except Unusable as reason:
            passed_over.append((name, str(reason)))
    return runs, passed_over


def _words(ratio: Ratio) -> str:
    return f"{ratio.of} {ratio.kind} {tables.KINDS[ratio.kind]}"


def _has(word: str | None, text: str) -> bool:
    return word is None or word.lower() in text.lower()


def _explanations(shown: Sequence[History]) -> Iterator[str]:
    yield (
        "Each block is a commit. first, last: medians of a commit's runs. spread: half the range of"
        " the runs of one commit. +: with changes that were in no commit."
    )
    if not changes.available():
        yield (
            "Changes are not marked, since ruptures is not installed here:"
            f" pip install '{changes.LIBRARY}', in any Python that has a wheel of it."
        )
    elif any(len(history.commits) < changes.FEWEST for history in shown):
        yield f"|: the level changed. That is looked for from {changes.FEWEST} commits on."
    else:
        yield "|: the level changed."
    kinds = {(replace(history.machine, host=""), history.conditions) for history in shown}
    if len(kinds) < len(shown):
        yield "Some hosts are of one kind: --any-host takes them together."


def _show_passed_over(console: Console, passed_over: Sequence[tuple[str, str]]) -> None:
    if not passed_over:
        return
    console.print(f"Passed over: {len(passed_over)} of the files")
    for name, reason in passed_over[:NAMED]:
        console.print(plain(f"  {name}: {reason}"))
    if len(passed_over) > NAMED:
        console.print(f"  and {len(passed_over) - NAMED} more")


def _console() -> Console:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a branch may have any name
    return PlainConsole()

"""Prints the histories of a storage that were asked for, what the signs mean, what was no run."""

import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from conlab.errors import UserError
from conlab.history import changes, export, tables, wrong_side
from conlab.history.saved import Ratio, Run, Unusable, read
from conlab.history.series import History, histories
from conlab.history.tables import Judged
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
    by_host: bool
    last: int
    matters: float
    full: bool
    form: str | None = None  # "csv" or "json" in place of tables
    fail_on_change: bool = False


def report(storage: Path, wanted: Wanted) -> int:
    """Print it; 1 if ``fail_on_change`` is wanted and a ratio is on the wrong side of a change.

    Raises:
        UserError: there is no saved run, or none has what was asked for; or changes are to fail
            it, and cannot be found here.
    """
    if wanted.fail_on_change and not changes.available():
        raise UserError(
            f"--fail-on-change: changes are found by ruptures: pip install '{changes.LIBRARY}'"
        )
    runs, passed_over = _saved(storage)
    console = _console()
    aside = PlainConsole(stderr=True) if wanted.form else console  # what is no data
    if not runs:
        _show_passed_over(aside, passed_over)
        raise UserError(f"there is no saved run in {storage}; {HOW_TO_SAVE}")
    picked = [run for run in runs if wanted.branch in (None, run.branch)]
    shown = []
    for history in histories(picked, by_host=wanted.by_host, last=wanted.last):
        ratios = [ratio for ratio in history.ratios if _has(wanted.word, _words(ratio))]
        if ratios and _has(wanted.machine, tables.name(history)):
            shown.append((history, tables.judge(history, ratios, wanted.matters)))
    match wanted.form:
        case "json":
            print(export.as_json(shown))
        case "csv":
            print(export.as_csv(shown), end="")
        case _:
            _show(console, shown, wanted)
    _show_passed_over(aside, passed_over)
    if not shown:
        raise UserError(f"none of the {len(runs)} saved runs in {storage} has what was asked for")
    return _fail(aside, shown) if wanted.fail_on_change else 0


def _show(
    console: Console, shown: Sequence[tuple[History, Sequence[Judged]]], wanted: Wanted
) -> None:
    hosts = {host for history, _ in shown for host in history.hosts}
    if not wanted.by_host and any(len(history.hosts) > 1 for history, _ in shown):
        console.print(
            f"{len(hosts)} hosts, grouped by CPU model, cores, Python and GIL, whatever their"
            " names; --by-host keeps them apart."
        )
        console.print()
    show = tables.show_whole if wanted.full else tables.show
    for history, judged in shown:
        show(console, history, judged)
    for line in _explanations([history for history, _ in shown]) if shown else ():
        console.print(line, style="dim")


def _fail(console: Console, shown: Sequence[tuple[History, Sequence[Judged]]]) -> int:
    """Say what lies on the wrong side of a change now, and give the exit status."""
    found = [sentence for _, judged in shown for sentence in wrong_side.wrong(judged)]
    seconds = sum(wrong_side.seconds_alone(judged) for _, judged in shown)
    for sentence in found:
        console.print(Text(f"worse since a change: {sentence}", style="bold red"))
    if seconds:
        console.print(
            f"Worse by seconds alone: {seconds}. That fails nothing: unpaired seconds cry wolf, and"
            " --versus tells."
        )
    if not found:
        console.print("Nothing lies on the wrong side of a change.")
    return 1 if found else 0


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

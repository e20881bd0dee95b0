"""Goes through every pitfall and every tool, several at a time, and saves as it goes.

What is saved and still holds is not asked again, so that a run that was ended goes on where it was.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from conlab.catalogue.pitfall import Pitfall
from conlab.detect import controls, environment, linting, own, running
from conlab.detect.cells import Cell, Column, Row
from conlab.detect.linting import Lint
from conlab.detect.places import fingerprint
from conlab.detect.running import Run
from conlab.detect.saved import Record, Scoreboard
from conlab.detect.tools import Setting, Tool
from conlab.errors import UserError
from conlab.scratch import scratch_folder

SAVED_EVERY = 5.0  # seconds


@dataclass(frozen=True)
class Task:
    """What one worker does in one go: a linter on all files that it lacks, another tool on one."""

    tool: Tool
    pitfalls: tuple[Pitfall, ...]

    def __str__(self) -> str:
        """What it is, for the line of progress."""
        many = f"{len(self.pitfalls)} files at once"
        return f"{self.tool.name} on {self.pitfalls[0] if len(self.pitfalls) == 1 else many}"


def bring_up_to_date(
    board: Scoreboard,
    pitfalls: Sequence[Pitfall],
    tools: Mapping[Tool, str],
    *,
    at_once: int,
    say: Callable[[str], None],
    save: Callable[[Scoreboard], None],
) -> list[str]:
    """Ask what is out of date of these tools, given with their versions, and save it.

    Returns a sentence for each tool that did not run. What was done is saved also when this is
    interrupted.
    """
    troubles = []
    with scratch_folder() as folder, ThreadPoolExecutor(at_once) as pool:
        tasks = list(_tasks(board, pitfalls, tools, folder))
        running_tasks = {pool.submit(_rows, task): task for task in tasks}
        saved_at = time.monotonic()
        try:
            for done, future in enumerate(as_completed(running_tasks), 1):
                task = running_tasks[future]
                say(f"{done} of {len(tasks)}: {task}")
                if said := _take(board, task, future, tools[task.tool]):
                    troubles.append(said)
                if time.monotonic() > saved_at + SAVED_EVERY:
                    save(board)
                    saved_at = time.monotonic()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            save(board)
    return troubles


def forget(board: Scoreboard, pitfalls: Sequence[Pitfall]) -> None:
    """Remove what is saved of pitfalls that are no more."""
    names = {str(each) for each in pitfalls}
    for rows in board.records.values():
        for gone in set(rows) - names:
            del rows[gone]


def is_current(record: Record | None, pitfall: Pitfall, tool: Tool, version: str = "") -> bool:
    """Whether a record is of this code and these settings; and of this version, if one is given."""
    if record is None or record.code != fingerprint(pitfall.path):
        return False
    return record.asked == asked(tool, version) if version else _digest(tool) in record.asked


def asked(tool: Tool, version: str) -> str:
    """What tells how a tool was asked: its version, and a digest of its settings."""
    return f"{version} {_digest(tool)}"


def rows_of(tool: Tool, pitfalls: Sequence[Pitfall]) -> dict[str, Row]:
    """Ask a tool about pitfalls: a row for each. Raises UserError if the tool does not run."""
    python = environment.python()
    settings: list[tuple[Column, Setting]] = [("default", tool.default)]
    if tool.best:
        settings.append(("best", tool.best))
    rows: dict[str, dict[Column, Cell]] = {str(each): {} for each in pitfalls}
    for column, setting in settings:
        if isinstance(setting, Lint):
            for name, cell in linting.lint(python, setting, pitfalls).items():
                rows[name][column] = cell
        else:
            for pitfall in pitfalls:
                rows[str(pitfall)][column] = _watched(python, setting, pitfall)
    last = settings[-1][1]
    for pitfall in pitfalls:
        if running.has_an_order(pitfall) and _takes_an_order(last):
            rows[str(pitfall)]["forced"] = _watched(python, last, pitfall, forced=True)
    return dict(rows)


def _watched(python: Path, how: Setting, pitfall: Pitfall, *, forced: bool = False) -> Cell:
    if isinstance(how, Run):
        return running.observe(python, how, pitfall, forced=forced)
    assert isinstance(how, own.Own)
    return own.ask(how, pitfall, forced=forced)


def _takes_an_order(how: Setting) -> bool:
    match how:
        case Run(takes_an_order=takes):
            return takes
        case own.Own(mode="judge"):
            return True
    return False


def _tasks(
    board: Scoreboard, pitfalls: Sequence[Pitfall], tools: Mapping[Tool, str], folder: Path
) -> Iterator[Task]:
    for tool, version in tools.items():
        control = controls.write(tool.control, folder)
        candidates = [(control, board.controls.get(tool.name))]
        candidates += [(each, board.record(tool.name, str(each))) for each in pitfalls]
        lacking = tuple(
            each for each, record in candidates if not is_current(record, each, tool, version)
        )
        if lacking and isinstance(tool.default, Lint):
            yield Task(tool, lacking)
        else:
            yield from (Task(tool, (each,)) for each in lacking)


def _rows(task: Task) -> dict[str, Row]:
    return rows_of(task.tool, task.pitfalls)


def _take(board: Scoreboard, task: Task, future: "Future[dict[str, Row]]", version: str) -> str:
    """Put what came of a task on the board; or return why nothing did."""
    try:
        rows = future.result()
    except UserError as error:
        return f"{task}: {error}"
    name = task.tool.name
    board.versions[name] = version
    board.python, board.system = sys.version.split()[0], sys.platform
    board.date = time.strftime("%Y-%m-%d")
    for pitfall in task.pitfalls:
        row = rows[str(pitfall)]
        record = Record(fingerprint(pitfall.path), asked(task.tool, version), row)
        if pitfall.family == "controls":
            board.controls[name] = record
        else:
            board.records.setdefault(name, {})[str(pitfall)] = record
    return ""


def _digest(tool: Tool) -> str:
    text = "\n".join(repr(_told(each)) for each in (tool.default, tool.best) if each)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _told(how: Setting) -> tuple[object, ...]:
    """What of a setting decides what comes of it."""
    match how:
        case Lint():
            return how.command, how.about_style, sorted(how.files.items())
        case Run():
            environment = sorted(how.environment.items())
            return how.how, how.options, how.drive, how.test, how.pytest, environment
    return how.how, how.mode

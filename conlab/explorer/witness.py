"""A failing schedule: repeated from its choices, saved as JSON, printed in columns by thread."""

import json
import linecache
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conlab.errors import UserError
from conlab.explorer.accesses import Access
from conlab.explorer.outcomes import (
    Deadlocked,
    Failure,
    Outcome,
    Raised,
    Returned,
    Text,
    Unfinished,
    Waiting,
)
from conlab.explorer.steps import Step

FORMAT = 2
MOST_ROWS = 120  # of a printed witness; what comes before the threads do is left out first
NARROWEST = 20  # characters of a column
OUTCOMES: dict[str, type[Any]] = {
    "returned": Returned,
    "raised": Raised,
    "deadlock": Deadlocked,
    "unfinished": Unfinished,
}


@dataclass(frozen=True, slots=True)
class Witness:
    """A failing schedule: its choices, what they lead to, and what is needed to repeat them."""

    program: str
    choices: tuple[int, ...]
    sites: tuple[str, ...]
    assumptions: tuple[tuple[str | int, ...], ...]
    preemptions: int
    outcome: Outcome
    died: tuple[Failure, ...]
    reading: str
    stepped: tuple[str, ...]
    python: str
    steps: tuple[Step, ...]
    cancellations: int = 0  # from outside, at most
    counted: str = "preemption"
    cancel: tuple[str, ...] = ()  # the names of those, where they were named
    timeouts: bool = True  # whether time could pass while somebody could go on
    needs_timeout: bool = False  # whether it has, so that a timeout or a deadline was over

    def save(self, path: str | Path) -> None:
        """Write the witness as JSON, to be read by `Witness.load` in any process."""
        kind = next(kind for kind, sort in OUTCOMES.items() if isinstance(self.outcome, sort))
        values = asdict(self)
        if isinstance(self.outcome, Returned):
            values["outcome"] = {"value": self.outcome.text()}
        Path(path).write_text(
            json.dumps({"format": FORMAT, "kind": kind} | values, indent=1) + "\n"
        )

    @classmethod
    def load(cls, path: str | Path) -> "Witness":
        """Read a saved witness. Raises UserError when the file holds none."""
        try:
            values = json.loads(Path(path).read_text())
            if values.pop("format") != FORMAT:
                raise UserError(f"{path} has another format of witness than {FORMAT}: make it anew")
            return cls(**_restored(values))
        except OSError as error:
            raise UserError(f"cannot read the witness {path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} holds no witness saved by conlab: {error!r}") from None

    def __str__(self) -> str:
        """Say what happened and print the schedule as columns."""
        return "\n".join(self.lines(shutil.get_terminal_size((80, 24)).columns))

    def lines(self, width: int = 80) -> Iterator[str]:
        """Yield the lines of the printed witness, none of them longer than ``width``."""
        plural = "" if self.preemptions == 1 else "s"
        timeout = ", with an early timeout," if self.needs_timeout else ""
        counted = f"{self.preemptions} {self.counted}{plural}"
        head = f"{self.program}{timeout} {self.outcome}, with {counted}:"
        yield from textwrap.wrap(head, width, subsequent_indent="  ")
        for failure in self.died:
            yield from textwrap.wrap(str(failure), width)
        if isinstance(self.outcome, Deadlocked):
            for waiting in self.outcome.waiting:
                yield from textwrap.wrap(f"  {waiting}", width, subsequent_indent="    ")
        yield ""
        yield from _columns(self.steps, width)
        racing = sorted({name for step in self.steps for name in step.racing})
        if racing:
            yield ""
            yield from textwrap.wrap(f"* races for {', '.join(racing)}", width)


def _restored(values: dict[str, Any]) -> dict[str, Any]:
    outcome = values["outcome"]
    match values.pop("kind"):
        case "returned":
            values["outcome"] = Returned(Text(outcome["value"]))
        case "raised":
            values["outcome"] = Raised(**outcome)
        case "deadlock":
            values["outcome"] = Deadlocked(
                tuple(
                    Waiting(**waiting | {"held_by": tuple(waiting["held_by"])})
                    for waiting in outcome["waiting"]
                ),
                tuple(outcome["cycle"]),
            )
        case "unfinished":
            values["outcome"] = Unfinished(**outcome)
    values["died"] = tuple(Failure(**failure) for failure in values["died"])
    values["assumptions"] = tuple(map(tuple, values["assumptions"]))
    values["steps"] = tuple(
        Step(
            **step
            | {
                "accesses": tuple(Access(**access) for access in step["accesses"]),
                "racing": tuple(step["racing"]),
            }
        )
        for step in values["steps"]
    )
    for name in ("choices", "sites", "stepped", "cancel"):
        values[name] = tuple(values[name])
    return values


def _columns(steps: Sequence[Step], width: int) -> Iterator[str]:
    threads = list(dict.fromkeys(step.thread for step in steps))
    if not threads:
        return
    first_other = next((at for at, step in enumerate(steps) if step.thread != threads[0]), 0)
    skipped = max(0, min(len(steps) - MOST_ROWS, first_other - 3))
    rows = steps[skipped : skipped + MOST_ROWS]
    files = list(dict.fromkeys(step.file for step in rows))
    for file in files:
        room = width - len("file ")  # the end of a path tells more than its beginning
        yield f"file {file if len(file) <= room else '...' + file[3 - room :]}"
    cell = (width - 6) // len(threads)
    if cell < NARROWEST:
        yield from _list(rows, threads, width)
    else:
        yield (" " * 6 + "".join(f"{name[: cell - 2]:<{cell}}" for name in threads)).rstrip()
        for step in rows:
            column = threads.index(step.thread)
            yield f"{step.line:>4}  {' ' * cell * column}{_cell(step, cell - 2)}".rstrip()
    if len(steps) > skipped + len(rows):
        yield f"... and {len(steps) - skipped - len(rows)} more lines"


def _list(rows: Sequence[Step], threads: Sequence[str], width: int) -> Iterator[str]:
    name = min(max(map(len, threads)), 20)
    for step in rows:
        cell = _cell(step, width - name - 8)
        yield f"{step.line:>4}  {step.thread[:name]:<{name}}  {cell}".rstrip()


def _cell(step: Step, width: int) -> str:
    source = linecache.getline(step.file, step.line).strip() or f"line {step.line}"
    mark = "* " if step.racing else "  "
    text = mark + ("... " if step.continued else "") + source
    return text if len(text) <= width else text[: width - 3] + "..."

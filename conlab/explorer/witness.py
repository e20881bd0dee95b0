"""A failing schedule: repeated from its choices, saved as JSON, printed in columns by thread."""

import ast
import json
import linecache
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from conlab.errors import UserError
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
from conlab.explorer.points import Point, Span, segment

FORMAT = 1
MOST_ROWS = 120  # of a printed witness; what comes before the threads do is left out first
NARROWEST = 20  # characters of a column
READING_METHODS = frozenset(
    [
        "get",
        "keys",
        "values",
        "items",
        "copy",
        "index",
        "count",
        "empty",
        "full",
        "qsize",
        "is_set",
        "locked",
        "isdisjoint",
        "issubset",
        "startswith",
        "endswith",
        "is_alive",
        "done",
        "cancelled",
    ]
)
READING_FUNCTIONS = frozenset(
    [
        "len",
        "list",
        "tuple",
        "set",
        "dict",
        "sorted",
        "sum",
        "min",
        "max",
        "any",
        "all",
        "print",
        "repr",
        "str",
        "iter",
        "enumerate",
        "zip",
        "map",
        "filter",
        "isinstance",
        "reversed",
        "frozenset",
        "bool",
    ]
)

OUTCOMES: dict[str, type[Any]] = {
    "returned": Returned,
    "raised": Raised,
    "deadlock": Deadlocked,
    "unfinished": Unfinished,
}


@dataclass(frozen=True, slots=True)
class Access:
    """One access to something that threads may share: its name in the source, and how."""

    what: str
    writes: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A source line that a thread ran, or went on with; ``racing`` names what it raced for."""

    thread: str
    file: str
    line: int
    function: str
    accesses: tuple[Access, ...]
    racing: tuple[str, ...] = ()
    continued: bool = False


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
        head = f"{self.program} {self.outcome}, with {self.preemptions} {self.counted}{plural}:"
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
    for name in ("choices", "sites", "stepped"):
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
        yield f"{'file ' + file}"[:width]
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


class Recorder:
    """Writes down what each strand executes during one run, and makes the steps of it."""

    def __init__(self, points: Callable[[CodeType], dict[int, Point]]) -> None:
        self._points = points
        self._entries: list[tuple[str, CodeType, int, Access | None]] = []

    def executes(self, thread: str, code: CodeType, offset: int) -> None:
        """Take note of one bytecode."""
        line = _lines(code).get(offset)
        if line is not None:
            point = self._points(code).get(offset)
            access = _access(point) if point is not None else None
            self._entries.append((thread, code, line, access))

    def steps(self) -> tuple[Step, ...]:
        """Return what was written down, one step for what a thread ran of a line at a time."""
        grouped: list[tuple[str, CodeType, int, list[Access]]] = []
        for thread, code, line, access in self._entries:
            if not grouped or grouped[-1][:3] != (thread, code, line):
                grouped.append((thread, code, line, []))
            if access is not None and access not in grouped[-1][3]:
                grouped[-1][3].append(access)
        last: dict[str, tuple[CodeType, int]] = {}
        steps = []
        for at, (thread, code, line, accesses) in enumerate(grouped):
            switched = at > 0 and grouped[at - 1][0] != thread
            continued = switched and last.get(thread) == (code, line)
            last[thread] = (code, line)
            steps.append(
                Step(
                    thread,
                    code.co_filename,
                    line,
                    code.co_qualname,
                    tuple(accesses),
                    continued=continued,
                )
            )
        return _marked(steps)


def _marked(steps: list[Step]) -> tuple[Step, ...]:
    """Mark what one thread did to a thing between two accesses of another, if either wrote it."""
    racing: list[set[str]] = [set() for _ in steps]
    for what in {access.what for step in steps for access in step.accesses}:
        at = [
            (number, step.thread, any(a.writes for a in step.accesses if a.what == what))
            for number, step in enumerate(steps)
            if any(access.what == what for access in step.accesses)
        ]
        _mark_one(what, at, racing)
    return tuple(
        Step(**{**_fields(step), "racing": tuple(sorted(names))})
        for step, names in zip(steps, racing, strict=True)
    )


def _mark_one(what: str, at: list[tuple[int, str, bool]], racing: list[set[str]]) -> None:
    spans: list[tuple[int, int]] = []
    previous: dict[str, int] = {}
    for here, (_, thread, writes) in enumerate(at):
        start = previous.get(thread)
        if start is not None and any(
            other != thread and (wrote or writes or at[start][2])
            for _, other, wrote in at[start + 1 : here]
        ):
            spans.append((start, here))
        previous[thread] = here
    for start, end in spans:
        inner = any(start <= s and e <= end and (s, e) != (start, end) for s, e in spans)
        if not inner:  # the innermost are the race; main's span, say, is around everything
            for number, _, _ in at[start : end + 1]:
                racing[number].add(what)


def _fields(step: Step) -> dict[str, Any]:
    return {name: getattr(step, name) for name in Step.__slots__}


@cache
def _lines(code: CodeType) -> dict[int, int]:
    lines = {}
    for start, end, line in code.co_lines():
        if line is not None:
            lines.update(dict.fromkeys(range(start, end, 2), line))
    return lines


def _access(point: Point) -> Access | None:
    """Name what a bytecode accesses as the source does."""
    if point.key and point.role in ("read", "write"):
        name = str(point.key[1])
        return None if name.startswith("__") else Access(name, point.role == "write")
    return _touch(point.code.co_filename, point.span, point.opname)


@cache
def _touch(file: str, span: Span, opname: str) -> Access | None:
    source = segment(file, span)
    try:
        node: ast.AST = ast.parse(textwrap.dedent(source)).body[0]
    except (SyntaxError, IndexError):
        return None
    node = node.value if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign) else node
    writes = opname in ("STORE_SUBSCR", "STORE_SLICE", "DELETE_SUBSCR")
    match node:
        case ast.Subscript(value=value):
            return _named(value, writes=writes)
        case ast.Compare(comparators=[value], ops=[ast.In() | ast.NotIn()]):
            return _named(value, writes=False)
        case ast.Call(func=ast.Attribute(value=value, attr=name)):
            return _named(value, writes=name not in READING_METHODS)
        case ast.Call(func=ast.Name(id=name), args=[value]) if name in READING_FUNCTIONS:
            return _named(value, writes=False)
        case ast.Name() | ast.Attribute():
            return _named(node, writes=False)
    return None


def _named(node: ast.AST, *, writes: bool) -> Access | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return Access(name, writes)
    return None

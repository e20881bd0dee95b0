"""Tells a witness to somebody who knows neither the bug nor the explorer.

What decides stands in a row of its own, in words; set-up and what repeats are folded; the accesses
that race are marked, with what they read and wrote. Threads stand beside each other where there is
room for the code, else each row names its thread.
"""

import functools
import textwrap
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from conlab.explorer.outcomes import Deadlocked, Failure, Outcome, Unfinished
from conlab.explorer.witnesses.folding import fold
from conlab.explorer.witnesses.steps import Step
from conlab.explorer.wording import from_here, joined, shortened

MOST_ROWS = 90  # of a printed witness; what decides nothing is left out first
NEIGHBOURS = 2  # rows before and after one that matters, which are shown as well
LAST = 12  # rows of the end, which are shown whatever they are
WIDEST, NARROWEST = 34, 24  # characters from the start of a column to that of the next
MIN_SHIFT = 12
LEAST_ROOM = 48  # characters of code in the last column
FEWEST_FOLDED = 4  # rows of set-up, below which it is shown
LONGEST_NAME = 26  # characters of a thread's name beside its rows
UNCOUNTED = ("", "time", "unseen")
COUNTED = {  # an event, of several
    "preemption": "preemptions",
    "time-out": "time-outs while others could go on",
    "cancellation": "cancellations from outside",
    "early turn": "turns of a loop that could have waited",
    "slow step": "slow steps",
    "late clock": "steps so slow that the clock is late",
    "reordered timer": "timers that change places",
    "collection": "garbage collections",
}
ONE = {
    "early turn": "turn of a loop that could have waited",
    "time-out": "time-out while others could go on",
    "cancellation": "cancellation from outside",
    "late clock": "step so slow that the clock is late",
    "reordered timer": "timer that comes before its turn",
    "collection": "garbage collection",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row to print: a step, or a note in place of several."""

    step: Step | None
    note: str = ""
    thread: str = ""
    values: tuple[str, ...] = ()

    @property
    def matters(self) -> bool:
        """Whether it is shown whatever is left out."""
        step = self.step
        return step is None or bool(step.event or step.note or step.racing)


def narrate(
    program: str,
    outcome: Outcome,
    died: Sequence[Failure],
    steps: Sequence[Step],
    width: int,
    *,
    early: bool = False,
) -> Iterator[str]:
    """Yield the lines of a printed witness, none of them longer than ``width``.

    ``early`` says that a timeout was over while others could go on, or before them.
    """
    decided = counted(steps)
    if early and not decided:
        decided = "with an early timeout"
    head = f"{program} {outcome}, {decided or 'with nothing out of the ordinary order'}:"
    yield from textwrap.wrap(head, width, subsequent_indent="  ")
    for failure in died:
        yield from textwrap.wrap(str(failure), width, subsequent_indent="  ")
    if isinstance(outcome, Deadlocked):
        for waiting in outcome.waiting:
            yield from textwrap.wrap(
                f"  {waiting}", width, subsequent_indent="    ", break_on_hyphens=False
            )
    yield ""
    shown = list(rows(steps, endless=isinstance(outcome, Unfinished)))
    threads = list(dict.fromkeys(step.thread for step in steps if not step.event))
    yield from _printed(shown, threads, width)
    racing = sorted({name for step in steps for name in step.racing})
    if racing:
        yield ""
        yield from textwrap.wrap(f"* races for {', '.join(racing)}", width)


def counted(steps: Sequence[Step]) -> str:
    """Count what decided: "with 1 preemption and 1 cancellation from outside"; or nothing."""
    events = Counter(step.event for step in steps if step.event not in UNCOUNTED)
    if not events:
        return ""
    said = [
        f"{number} {ONE.get(event, event) if number == 1 else COUNTED[event]}"
        for event, number in events.items()
    ]
    return f"with {joined(said)}"


# -- which rows ----------------------------------------------------------------------------------


def rows(steps: Sequence[Step], *, endless: bool, most: int = MOST_ROWS) -> Iterator[Row]:
    """Give the rows: set-up and repetitions folded, and then only ``most`` of them."""
    setup = _setup(steps)
    shared = _shared(steps[setup:])
    head = [] if setup == 0 else [_gap(steps[:setup], "of set-up")]
    rest = steps[setup:]
    told: list[Row] = []
    for part in fold([_key(step) for step in rest]):
        one = rest[part.start : part.start + part.length]
        told += [_row(step, shared) for step in one]
        if part.times > 1:
            told.append(
                _again(one, part.times, last=endless and part.end + part.length > len(rest))
            )
    yield from head
    yield from _fewer(told, most)


def _shared(steps: Sequence[Step]) -> set[str]:
    """Name what to show the values of: what races, or else what several share and one writes."""
    racing = {name for step in steps for name in step.racing}
    if racing:
        return racing
    users: dict[str, set[str]] = {}
    for step in steps:
        for access in step.accesses:
            users.setdefault(access.what, set()).add(step.thread)
    written = {each.what for step in steps for each in step.accesses if each.writes}
    return {name for name, threads in users.items() if len(threads) > 1 and name in written}


def _setup(steps: Sequence[Step]) -> int:
    """Count the steps before the first that decides, which may be folded."""
    first: list[str] = []
    for at, step in enumerate(steps):
        begins_race = any(each.what in step.racing and not each.writes for each in step.accesses)
        if step.event or begins_race or step.note.startswith("raises"):
            return _if_many(at)
        if step.thread not in first:
            if first and not (first == ["main"] and step.thread.startswith("Task-1 ")):
                return _if_many(at - 1)  # where it waits for the others tells something
            first.append(step.thread)
    return 0


def _if_many(steps: int) -> int:
    return steps if steps >= FEWEST_FOLDED else 0


def _key(step: Step) -> tuple[object, ...]:
    """What is the same in each turn of a loop: the values need not be."""
    note = step.note if step.event not in ("", "time") else ""
    return step.thread, step.file, step.line, step.racing, step.event, note, step.continued


def _row(step: Step, shared: set[str]) -> Row:
    values = [str(access) for access in step.accesses if access.what in shared and access.value]
    return Row(step, values=tuple(dict.fromkeys(values)))


def _gap(steps: Sequence[Step], what: str) -> Row:
    threads = list(dict.fromkeys(step.thread for step in steps if step.thread))
    lines = f"{len(steps)} line{'s'[: len(steps) != 1]}"
    return Row(None, f"({lines} {what}{f' in {threads[0]}' if len(threads) == 1 else ''})")


def _again(steps: Sequence[Step], times: int, *, last: bool) -> Row:
    rows = "this row repeats" if len(steps) == 1 else f"these {len(steps)} rows repeat"
    if last:
        note = f"{rows}, and so on without an end: {times:,} times until it was stopped"
    else:
        note = f"{rows} {times - 1:,} more time{'s'[: times != 2]}"
    return Row(None, f"({note})")


def _fewer(rows: Sequence[Row], most: int) -> Iterator[Row]:
    """Give all rows if they are few, or else those around the ones that matter, and the end."""
    shown = set(range(len(rows)))
    neighbours = NEIGHBOURS
    while len(shown) > most and neighbours >= 0:
        shown = {
            at
            for here, row in enumerate(rows)
            if row.matters or _switches(rows, here)
            for at in range(here - neighbours, here + neighbours + 1)
            if 0 <= at < len(rows)
        } | set(range(max(0, len(rows) - LAST), len(rows)))
        neighbours -= 1
    if len(shown) > most:  # so much matters: the end tells more than the beginning
        shown = set(sorted(shown)[-most:])
    hidden: list[Step] = []
    for at, row in enumerate(rows):
        if at not in shown:
            hidden += [row.step] if row.step is not None else []
            continue
        if hidden:
            yield _gap(hidden, "more")
            hidden = []
        yield row


def _switches(rows: Sequence[Row], at: int) -> bool:
    """Whether another thread comes before or after this row."""
    mine = rows[at].step
    beside = [rows[other].step for other in (at - 1, at + 1) if 0 <= other < len(rows)]
    return mine is not None and any(
        each is not None and each.thread != mine.thread for each in beside
    )


# -- how they are printed ------------------------------------------------------------------------


def _printed(rows: Sequence[Row], threads: Sequence[str], width: int) -> Iterator[str]:
    lines = [row.step for row in rows if row.step is not None and not row.step.event]
    if not lines:
        yield from (f"  {row.note or (row.step.note if row.step else '')}"[:width] for row in rows)
        return
    files = list(dict.fromkeys(step.file for step in lines))
    for file in files:
        room = width - len("file ")  # the end of a path tells more than its beginning
        shown = from_here(file)
        yield f"file {shown if len(shown) <= room else '...' + shown[3 - room :]}"
    names = short_names(files) if len(files) > 1 else dict.fromkeys(files, "")
    places = {(step.file, step.line): _place(names[step.file], step.line) for step in lines}
    margin = max(4, min(width // 3, max(map(len, places.values()))))
    mine = {step.thread for step in lines}
    threads = [each for each in threads if each in mine]
    starts = _starts(rows, threads, width - margin - 2)
    if starts is None:
        yield from _as_list(rows, places, margin, width)
    else:
        yield from _as_columns(rows, places, threads, starts, margin, width)


def short_names(files: Sequence[str]) -> dict[str, str]:
    """Name each file by as much of the end of its path as tells it from the others."""
    return {file: _short_name(file, files) for file in files}


def _short_name(file: str, files: Sequence[str]) -> str:
    parts = PurePath(file).parts
    others = [PurePath(other).parts for other in files if other != file]
    for length in range(1, len(parts)):
        ending = parts[-length:]
        alone = all(other[-length:] != ending for other in others)
        if alone and ending[0] not in ("__init__.py", "__main__.py"):
            return "/".join(ending)
    return file


def _place(name: str, line: int) -> str:
    return f"{name}:{line}" if name else str(line)


def _code(step: Step) -> str:
    source = _without_comment(step.source) or step.source or f"line {step.line}"
    mark = "* " if step.racing else "  "
    return f"{mark}{'... ' if step.continued else ''}{source}"


@functools.lru_cache(maxsize=4096)
def _without_comment(source: str) -> str:
    """Return a line of code without the comment at its end."""
    if "#" not in source:
        return source
    try:
        for token in tokenize.generate_tokens(iter([source]).__next__):
            if token.type == tokenize.COMMENT:
                return source[: token.start[1]].rstrip()
    except (tokenize.TokenError, SyntaxError, StopIteration):
        pass  # a part of a statement
    return source


def _cell(row: Row, width: int) -> list[str]:
    """Give the lines of a step in a column: of what matters nothing is cut off."""
    assert row.step is not None
    step, code = row.step, _code(row.step)
    note = f"  <- {step.note}" if step.note else ""
    values = f"  [{', '.join(row.values)}]" if row.values else ""
    if len(code) + len(values) + len(note) <= width:
        return [code + values + note]
    if not row.matters and not values:
        return [shortened(code, width)]
    lines = _wrapped(code, width, "      ")
    for more in filter(None, (values, note)):
        if len(lines[-1]) + len(more) <= width:
            lines[-1] += more
        else:
            lines += _wrapped(f"      {more.strip()}", width, "        ")
    return lines


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text.lstrip(),
        max(width, len(indent) + 8),
        initial_indent=" " * (len(text) - len(text.lstrip())),
        subsequent_indent=indent,
        break_on_hyphens=False,
    ) or [text]


def _starts(rows: Sequence[Row], threads: Sequence[str], room: int) -> list[int] | None:
    """Return where each thread's column starts, or None where a row each is easier to read.

    In each line there is one thread only, so that its code may go on over the columns to the right.
    """
    wanted = dict.fromkeys(threads, 0)
    for row in rows:
        if row.step is not None and not row.step.event:
            whole = max(map(len, _cell(row, 10_000)))
            wanted[row.step.thread] = max(wanted[row.step.thread], whole + 2)
    for widest in (WIDEST, NARROWEST):
        sizes = [min(max(size, MIN_SHIFT), widest) for size in wanted.values()]
        starts = [sum(sizes[:at]) for at in range(len(sizes))]
        if room - starts[-1] >= min(wanted[threads[-1]], LEAST_ROOM):
            return starts
    return None


def _as_columns(
    rows: Sequence[Row],
    places: dict[tuple[str, int], str],
    threads: Sequence[str],
    columns: Sequence[int],
    margin: int,
    width: int,
) -> Iterator[str]:
    starts = dict(zip(threads, columns, strict=True))
    heads = ""
    for name, start, following in zip(threads, columns, [*columns[1:], width], strict=True):
        heads = f"{heads:<{start}}{name[: following - start - 1]}"
    yield f"{' ' * margin}    {heads}"[:width].rstrip()
    for row in rows:
        if row.step is None or row.step.event:
            yield from _note(row, margin, width)
            continue
        step = row.step
        place = places[step.file, step.line][-margin:]
        start = starts[step.thread]
        for line in _cell(row, width - margin - 2 - start):
            yield f"{place:>{margin}}  {' ' * start}{line}".rstrip()
            place = ""


def _as_list(
    rows: Sequence[Row], places: dict[tuple[str, int], str], margin: int, width: int
) -> Iterator[str]:
    threads = {row.step.thread for row in rows if row.step is not None and not row.step.event}
    name = min(max(map(len, threads)), LONGEST_NAME, width // 3)
    previous = ""
    for row in rows:
        if row.step is None or row.step.event:
            yield from _note(row, margin, width)
            previous = ""
            continue
        step = row.step
        place = places[step.file, step.line][-margin:]
        who = "" if step.thread == previous else step.thread[:name]
        previous = step.thread
        for line in _cell(row, width - margin - name - 4):
            yield f"{place:>{margin}}  {who:<{name}}  {line}".rstrip()
            place = who = ""


def _note(row: Row, margin: int, width: int) -> list[str]:
    text = row.note if row.step is None else f"-- {row.step.note} --"
    indent = " " * (margin + 2)
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}   ",
        break_on_hyphens=False,
    )

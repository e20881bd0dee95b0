"""Draws a witness: a lane for each thread or task, time downwards, and the lines as they ran.

Each row carries its own piece of the picture, so that it may be as high as its text needs: the
lanes, the locks that are held as bars beside them, and the line that joins the accesses that race.
As all that the picture shows stands in the row's text as well, it can be read without it.
"""

import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePath

from markupsafe import Markup

from conlab.explorer.outcomes import Deadlocked, Unfinished
from conlab.explorer.witnesses import narration
from conlab.explorer.witnesses.holds import Hold
from conlab.explorer.witnesses.steps import Step
from conlab.explorer.witnesses.witness import Witness
from conlab.report import cycle, highlighting
from conlab.report.rendering import template
from conlab.terminal import plain

MOST_ROWS = 400  # of a drawn schedule; what decides nothing is left out first
MOST_LANES = 12  # further threads share the last one
LANE = 16  # pixels from lane to lane, where no lock is held
BAR = 6  # pixels from a lock's bar to the next
MOST_BARS = 4  # locks of a lane that are drawn beside each other
MARGIN = 3  # lines of code around those that ran
GAP = 8  # lines that did not run, from which they are left out


@dataclass(frozen=True, slots=True)
class Lane:
    """A thread or task: its number from 0 on, and where it is drawn, in pixels from the left."""

    name: str
    number: int
    x: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A lock in a row: where it is drawn, and whether it is taken or given back just here."""

    lock: str
    kind: int
    x: int
    begins: bool
    ends: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the picture."""

    number: int
    kind: str  # "line", "event" or "folded"
    lane: Lane | None
    file: int
    line: int
    source: Markup
    values: tuple[str, ...]
    races: tuple[str, ...]
    note: str
    bars: tuple[Bar, ...]
    alive: tuple[Lane, ...]  # the lanes that have begun and not ended
    rail: str  # of the line that joins what races: "", "begins", "through", "ends"
    joined: bool

    @property
    def said(self) -> str:
        """The row in a sentence, for who hears it."""
        if self.kind != "line":
            return self.note
        who = self.lane.name if self.lane else ""
        parts = [f"{who}, line {self.line}: {self.source.striptags()}", *self.values, self.note]
        return "; ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class File:
    """A source file of the witness: the lines that are shown, None where some are left out."""

    number: int
    name: str
    lines: tuple[tuple[int, Markup] | None, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that the template needs."""

    key: str
    title: str
    headline: str
    sentences: tuple[str, ...]
    lanes: tuple[Lane, ...]
    rows: tuple[Row, ...]
    files: tuple[File, ...]
    racing: tuple[str, ...]
    locks: tuple[str, ...]
    cycle: Markup
    width: int
    rail_x: int


def drawn(witness: Witness, key: str = "") -> Markup:
    """The schedule of a witness as a fragment of HTML, to be put into a page with `styles`.

    ``key`` begins the ids in it and has to differ from that of any other fragment of the page; left
    out, it is made from the witness. Nothing in it needs a script; with `script` in the page, arrow
    keys step through it.
    """
    made: str = template("schedule.html.j2").module.schedule(drawing(witness, key))  # type: ignore[attr-defined]
    return Markup(made)


def drawing(witness: Witness, key: str = "") -> Drawing:
    """What is drawn of a witness."""
    steps = witness.steps
    key = key or f"w{sha256(repr((witness.program, witness.choices)).encode()).hexdigest()[:8]}"
    columns = _columns(witness.holds)
    bars = len(set(columns.values()))
    lanes = _lanes(steps, LANE + bars * BAR)
    places = {id(step): at for at, step in enumerate(steps)}
    files = list(dict.fromkeys(step.file for step in steps if not step.event and step.file))
    names = narration.short_names(files)
    shown = list(
        narration.rows(steps, endless=isinstance(witness.outcome, Unfinished), most=MOST_ROWS)
    )
    racing = tuple(sorted({name for step in steps for name in step.racing}))
    rail_x = max((lane.x for lane in lanes.values()), default=9) + 14 + bars * BAR
    waiting: tuple[str, ...] = ()
    if isinstance(witness.outcome, Deadlocked):
        waiting = tuple(each.thread for each in witness.outcome.waiting)
    last = _last_steps(steps, waiting)
    rows = tuple(_rows(shown, lanes, places, files, witness.holds, columns, steps, last))
    said = narration.counted(steps) or "with nothing out of the ordinary order"
    sentences = [str(failure) for failure in witness.died]
    picture = Markup("")
    if isinstance(witness.outcome, Deadlocked):
        sentences += map(str, witness.outcome.waiting)
        picture = cycle.drawn(witness.outcome, key, witness.holds)
    return Drawing(
        key=key,
        title=_plain(f"{witness.program} {witness.outcome}"),
        headline=_plain(f"{witness.program} {witness.outcome}, {said}"),
        sentences=tuple(map(_plain, sentences)),
        lanes=tuple(lanes.values()),
        rows=rows,
        files=tuple(_file(number, names[file], file, steps) for number, file in enumerate(files)),
        racing=racing,
        locks=tuple(dict.fromkeys(hold.lock for hold in witness.holds)),
        cycle=picture,
        width=rail_x + 10,
        rail_x=rail_x,
    )


def _plain(text: str) -> str:
    return plain(text)


def _lanes(steps: Sequence[Step], pitch: int) -> dict[str, Lane]:
    names = dict.fromkeys(step.thread for step in steps if not step.event)
    return {
        name: Lane(name, number := min(at, MOST_LANES - 1), 9 + number * pitch)
        for at, name in enumerate(names)
    }


def _last_steps(steps: Sequence[Step], waiting: Sequence[str]) -> dict[str, int]:
    """Where each lane ends: who waits for ever is there to the end."""
    last = {step.thread: at for at, step in enumerate(steps) if not step.event}
    return last | {name: len(steps) for name in waiting if name in last}


def _columns(holds: Sequence[Hold]) -> dict[str, int]:
    """Where each lock's bar is drawn: in an order of their first taking."""
    return {
        lock: min(at, MOST_BARS - 1)
        for at, lock in enumerate(dict.fromkeys(hold.lock for hold in holds))
    }


def _rows(
    shown: Sequence[narration.Row],
    lanes: dict[str, Lane],
    places: dict[int, int],
    files: Sequence[str],
    holds: Sequence[Hold],
    columns: dict[str, int],
    steps: Sequence[Step],
    last: dict[str, int],
) -> Iterator[Row]:
    first: dict[str, int] = {}
    for number, each in enumerate(steps):
        if not each.event:
            first.setdefault(each.thread, number)
    race = [at for at, row in enumerate(shown) if row.step is not None and row.step.racing]
    begins, ends = (race[0], race[-1]) if len(race) > 1 else (-1, -1)
    at = 0
    for number, row in enumerate(shown):
        step = row.step
        at = places.get(id(step), at) if step is not None else at
        alive = tuple(
            dict.fromkeys(lanes[name] for name in lanes if first[name] <= at <= last[name])
        )
        bars = tuple(
            Bar(
                hold.lock,
                columns[hold.lock],
                lanes[hold.thread].x + 7 + columns[hold.lock] * BAR,
                begins=hold.start == at and step is not None,
                ends=hold.end == at and step is not None,
            )
            for hold in holds
            if hold.thread in lanes and hold.start <= at and (hold.end is None or at <= hold.end)
        )
        rail = ""
        if begins <= number <= ends and begins >= 0:
            rail = {begins: "begins", ends: "ends"}.get(number, "through")
        kind = "folded" if step is None else "event" if step.event else "line"
        held = [
            f"{'takes' if bar.begins else 'gives back'} {bar.lock}"
            for bar in bars
            if bar.begins or bar.ends
        ]
        yield Row(
            number=number,
            kind=kind,
            lane=lanes.get(step.thread) if step is not None else None,
            file=files.index(step.file) if step is not None and step.file in files else -1,
            line=step.line if step is not None else 0,
            source=highlighting.line(_source(step)) if step is not None else Markup(""),
            values=tuple(map(_plain, (*_values(row), *held))),
            races=step.racing if step is not None else (),
            note=_plain(row.note or (step.note if step is not None else "")),
            bars=bars,
            alive=alive,
            rail=rail,
            joined=bool(step is not None and step.racing and rail),
        )


def _values(row: narration.Row) -> Iterator[str]:
    """Say what a row reads and writes of what matters."""
    step = row.step
    if step is None:
        return
    for access in step.accesses:
        if str(access) in row.values:
            yield f"{'writes' if access.writes else 'reads'} {access}"


def _source(step: Step) -> str:
    return f"{'… ' if step.continued else ''}{_plain(step.source or f'line {step.line}')}"


def _file(number: int, name: str, file: str, steps: Sequence[Step]) -> File:
    """The lines around those that ran; of a file that is gone, those alone."""
    ran = {step.line: step.source for step in steps if step.file == file and not step.event}
    whole = [line.rstrip("\n") for line in linecache.getlines(file)]
    if any(_text(whole, line) != source.strip() for line, source in ran.items() if source):
        whole = []  # it is gone, or another one by now
    wanted: set[int] = set(ran)
    if whole:
        wanted = {
            near
            for line in ran
            for near in range(line - MARGIN, line + MARGIN + 1)
            if 1 <= near <= len(whole)
        }
        for one, following in zip(ordered := sorted(wanted), ordered[1:], strict=False):
            if following - one < GAP:
                wanted |= set(range(one, following))
    html = highlighting.lines("\n".join(whole)) if whole else ()
    found: list[tuple[int, Markup] | None] = []
    previous = 0
    for line in sorted(wanted):
        if previous and line != previous + 1:
            found.append(None)
        found.append((line, html[line - 1] if whole else highlighting.line(_plain(ran[line]))))
        previous = line
    return File(number, name or PurePath(file).name, tuple(found))


def _text(lines: Sequence[str], number: int) -> str:
    return lines[number - 1].strip() if 1 <= number <= len(lines) else ""

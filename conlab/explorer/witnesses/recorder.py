"""Writes down what happens during one execution: the steps of a witness, and what decided them."""

import asyncio
import linecache
import re
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any

from conlab.explorer.outcomes import Deadlocked, Failure, Outcome, Raised
from conlab.explorer.search.schedule import Schedule
from conlab.explorer.stepping.points import Point
from conlab.explorer.stepping.spans import lines_of
from conlab.explorer.stepping.stepper import ends_the_search_on_error
from conlab.explorer.tasks.known_tasks import KnownTasks
from conlab.explorer.tasks.task import label
from conlab.explorer.threads.controlled_thread import ControlledThread
from conlab.explorer.threads.scheduler import Scheduler
from conlab.explorer.threads.waiting import OTHERS, SLEEP, ManyWaits
from conlab.explorer.witnesses.accesses import Access
from conlab.explorer.witnesses.holds import Hold, Holding, told
from conlab.explorer.witnesses.naming import name_of_lock
from conlab.explorer.witnesses.steps import Event, Step
from conlab.explorer.witnesses.turns import Turns
from conlab.explorer.witnesses.values import Looked, Values, change, frame_of, shown
from conlab.explorer.wording import joined

SHORTEST = 0.01  # seconds of virtual time whose passing is told
IN_TRACEBACK = re.compile(r'^  File "(.*)", line (\d+), in ', re.MULTILINE)


@dataclass(slots=True)
class Touched:
    """One access of a line: what was there before, and after."""

    access: Access
    thing: Hashable
    before: str
    after: str = ""
    names: bool = False  # whether it only loads what something is done to

    def told(self) -> Access:
        """Return the access with what it read or wrote."""
        value = change(self.before, self.after) if self.access.writes else self.before
        return replace(self.access, value=value)


@dataclass(slots=True)
class Line:
    """What a thread ran of a line at a time; or, with an ``event``, what happened in between."""

    thread: str
    code: CodeType | None = None
    line: int = 0
    touched: list[Touched] = field(default_factory=list)
    event: Event = ""
    note: str = ""
    of: int = -1  # the number of the real thread, where that matters to the event

    def is_same_line(self, thread: str, code: CodeType, line: int) -> bool:
        """Whether more of this line was run."""
        return (self.thread, self.code, self.line) == (thread, code, line)


class Recorder:
    """Takes note of each bytecode and each event; `steps` gives what came of it."""

    def __init__(
        self,
        points: Callable[[CodeType], dict[int, Point]],
        scheduler: Scheduler,
        tasks: KnownTasks,
    ) -> None:
        self._points = points
        self._scheduler = scheduler
        self._tasks = tasks
        self.next_timers: list[str] = []  # whose they are, one of which comes next
        self._takers: dict[int, tuple[str, str]] = {}  # of each lock, by its number
        self._holdings: list[Holding] = []
        self._values = Values()
        self._lines: list[Line] = []
        self._written: list[tuple[Touched, Looked]] = []  # what is to be looked at again
        self._clock = 0.0
        self.turns = Turns()
        self._latest: dict[str, Line] = {}  # of each thread or task

    # -- what it is told of ------------------------------------------------------------------

    def executes(self, thread: str, code: CodeType, offset: int) -> None:
        """Take note of one bytecode, which is about to be executed."""
        if self._scheduler.ending or not self._scheduler.alive:
            return  # what is left is being ended
        self._look_again()
        self._tell_time()
        self.turns.executes(self._scheduler.current.index, code, offset)
        line = lines_of(code).get(offset)
        if line is None:
            return
        if not self._lines or not self._lines[-1].is_same_line(thread, code, line):
            self._written.clear()
            self._lines.append(Line(thread, code, line, of=self._scheduler.current.index))
        here = self._latest[thread] = self._lines[-1]
        here.note = ""  # it waited there, perhaps, and goes on
        point = self._points(code).get(offset)
        frame = frame_of(code, sys._getframe(1))
        if point is None or frame is None:
            return
        looked = self._values.looked_at(thread, point, frame)
        if looked is None:
            return
        touched = Touched(looked.access, looked.thing, shown(looked.look()), names=looked.names)
        here.touched.append(touched)
        if looked.access.writes:
            self._written.append((touched, looked))

    def happens(self, event: Event, note: str, thread: str = "", of: int = -1) -> None:
        """Take note of what decides beside the program's own steps."""
        self._look_again()
        self._written.clear()
        self._lines.append(Line(thread, event=event, note=note, of=of))

    @ends_the_search_on_error
    def passes(self, what: Hashable) -> None:
        """Take note that the running thread comes to a switch point."""
        scheduler = self._scheduler
        self.turns.passes(scheduler.current.index, what, scheduler.stepped)

    @ends_the_search_on_error
    def returns_to(self, code: CodeType, offset: int) -> None:
        """Take note that the running thread is back in a call of what is no Python function."""
        self.turns.returns_to(self._scheduler.current.index, code, offset)

    @ends_the_search_on_error
    def deadlocks(self, thread: ControlledThread, what: Hashable) -> None:
        """Take note that the last thread that could go on cannot any more."""
        self.turns.stops(thread, what, self._scheduler.stepped)

    @ends_the_search_on_error
    def stops(self, thread: ControlledThread, following: ControlledThread, what: Hashable) -> None:
        """Take note that the turn of a thread is over, and whose is next."""
        self.turns.stops(thread, what, self._scheduler.stepped)
        self._look_again()
        if thread.wait is not None and thread.wait is not OTHERS:
            latest = next((each for each in reversed(self._lines) if each.of == thread.index), None)
            if latest is not None and not latest.event:
                latest.note = "waits"
        if following.timed_out and following.wait is not OTHERS:
            passed = self._scheduler.clock - self._clock
            self._clock = self._scheduler.clock
            what = "sleep" if following.wait is SLEEP else "wait"
            ends = f"the {what} of {following.name} ends by time"
            seconds = f"{_seconds(passed)}: " if passed >= SHORTEST else ""
            if self._lines and self._lines[-1].event == "time-out":  # it was a choice
                self._lines[-1].note = seconds + self._lines[-1].note
            elif not isinstance(following.wait, ManyWaits):  # a loop's own timers are told of
                self.happens("time", seconds + ends, following.name, following.index)

    @ends_the_search_on_error
    def ends(self, thread: ControlledThread) -> None:
        """Take note that a thread has run to its end."""
        if self._scheduler.ending:
            return
        self.turns.ends(thread)
        self._look_again()
        if not any(line.of == thread.index and line.code is not None for line in self._lines):
            note = f"{thread.name} runs to its end here, in code that is not stepped"
            self.happens("unseen", note, thread.name, thread.index)

    @ends_the_search_on_error
    def takes(self, lock: Any) -> None:
        """Take note that the running thread has taken a lock, and where."""
        frame, who = sys._getframe(1), self._scheduler.who_runs()
        self._takers[lock.number] = who, self._scheduler.line_of(frame)
        name = name_of_lock(lock, frame, self._scheduler.stepped)
        if name:
            mine = bool(self._lines) and self._lines[-1].thread == who
            self._holdings.append(Holding(lock.number, name, who, len(self._lines) - mine))

    @ends_the_search_on_error
    def gives(self, lock: Any) -> None:
        """Take note that a lock is given back."""
        if self._scheduler.ending:
            return  # what is left is being ended
        for holding in self._holdings:
            if holding.number == lock.number and holding.end is None:
                holding.end = len(self._lines) - 1

    @ends_the_search_on_error
    def taken(self, lock: Any) -> tuple[str, str]:
        """Say who took a lock, the task if it was one, and at which line."""
        return self._takers.get(lock.number, ("", ""))

    @ends_the_search_on_error
    def asks(self, loop: Any) -> None:
        """Take note that a loop asks for what comes from outside, once a turn."""
        self.turns.asks(loop)
        self._look_again()

    @ends_the_search_on_error
    def sets(self, loop: Any, timer: Any) -> None:
        """Take note that a timer was set."""
        self.turns.sets(loop, timer)

    @ends_the_search_on_error
    def tied(self, timers: list[Any]) -> None:
        """Take note that one of these timers is to be the next."""
        self.next_timers = [owner_of(timer) for timer in timers]

    @ends_the_search_on_error
    def comes(self, loop: Any, timers: list[Any]) -> None:
        """Take note that timers come, in this order, and time with them."""
        self.turns.timers_come(loop, timers, self._scheduler.clock)
        passed = self._scheduler.clock - self._clock
        self._clock = self._scheduler.clock
        slow = next((each for each in self._lines[-3:] if each.event == "slow step"), None)
        owners = list(dict.fromkeys(owner_of(timer) for timer in timers))
        whose = f"the timer{'s'[: len(owners) != 1]} of {joined(owners)}"
        if slow is not None:
            ready = list(dict.fromkeys(filter(None, map(_task_of, loop._ready))))
            who = joined(ready) or "others"
            slow.note = (
                f"{_seconds(passed)} though {who} could go on: {whose} {_ended(owners)} first,"
                " as if a step were that slow"
            )
        elif passed >= SHORTEST:
            self.happens("time", f"{_seconds(passed)}: {whose} {_ended(owners)}")

    def _look_again(self) -> None:
        """See what the writes of the latest line have written so far."""
        for touched, looked in self._written:
            if looked.lasting or not touched.after:
                touched.after = shown(looked.look())

    def _tell_time(self) -> None:
        passed = self._scheduler.clock - self._clock
        if passed >= SHORTEST:
            self._clock = self._scheduler.clock
            if self._lines and self._lines[-1].event in ("time-out", "late clock"):
                self._lines[-1].note = f"{_seconds(passed)}: {self._lines[-1].note}"
            else:
                self.happens("time", _seconds(passed))

    def label(self, name: str) -> str:
        """Name a task with what it runs, and where it waits."""
        for task in self._tasks.alive():
            if task.get_name() == name:
                return label(task)
        return name

    # -- what comes of it --------------------------------------------------------------------

    def steps(self, outcome: Outcome, died: Sequence[Failure]) -> tuple[Step, ...]:
        """Return what was written down, one step for what a thread ran of a line at a time."""
        self._look_again()
        self._mark_errors(outcome, died)
        racing = _racing(self._lines)
        continued = list(self._continued())
        return tuple(
            Step(
                line.thread,
                "" if line.code is None else line.code.co_filename,
                line.line,
                "" if line.code is None else line.code.co_qualname,
                _told(line.touched),
                tuple(sorted(racing[at])),
                continued=continued[at],
                source=_source(line),
                event=line.event,
                note=self._note(at),
            )
            for at, line in enumerate(self._lines)
        )

    def holds(self) -> tuple[Hold, ...]:
        """Return how long each lock was held, in steps."""
        return told(self._holdings, len(self._lines))

    def _continued(self) -> Iterator[bool]:
        """Say of each line whether its thread had begun it before another came."""
        last: dict[str, Line] = {}
        previous = ""
        for line in self._lines:
            if line.code is None:
                yield False
                continue
            before = last.get(line.thread)
            same = before is not None and line.is_same_line(
                before.thread, before.code or line.code, before.line
            )
            yield same and previous != line.thread
            previous = line.thread
            last[line.thread] = line

    def _note(self, at: int) -> str:
        """Say what an event was; of a preemption, what comes too late by it."""
        line = self._lines[at]
        if line.event != "preemption":
            return line.note
        for later in self._lines[at:]:
            if later.of == line.of and later.code is not None:
                touched = next(iter(later.touched), None)
                if touched is not None:
                    does = "writes" if touched.access.writes else "reads"
                    what = touched.access.label or touched.access.what
                    return f"{line.note}, before it {does} {what}"
                break
        return line.note

    def _mark_errors(self, outcome: Outcome, died: Sequence[Failure]) -> None:
        """Mark the lines that raised what the program, or a thread, died of."""
        if isinstance(outcome, Deadlocked):
            for waiting in outcome.waiting:
                latest = self._latest.get(waiting.thread)
                if latest is not None:
                    latest.note = "waits for ever"
        errors = [("", outcome.type, outcome.traceback)] if isinstance(outcome, Raised) else []
        errors += [(each.thread, each.type, each.traceback) for each in died if each.traceback]
        for thread, kind, traceback in errors:
            places = [(file, int(line)) for file, line in IN_TRACEBACK.findall(traceback)]
            for line in reversed(self._lines):
                if line.code is None or (thread and not line.thread.startswith(thread)):
                    continue
                if places and (line.code.co_filename, line.line) in places:
                    line.note = f"raises {kind}"
                    break


class RecordedSchedule(Schedule):
    """A schedule that tells a recorder what it decides that is not as it would ordinarily be."""

    __slots__ = ("_recorder", "_scheduler")

    def __init__(
        self,
        recorder: Recorder,
        scheduler: Scheduler,
        replay: Sequence[int],
        sites: Sequence[Hashable] | None = None,
    ) -> None:
        """Replay these choices, at these sites if they are given."""
        super().__init__(replay, sites)
        self._recorder = recorder
        self._scheduler = scheduler

    def choose(self, costs: tuple[int, ...], site: Hashable, default: int = 0) -> int:
        """Choose, and tell of what comes from outside."""
        choice = super().choose(costs, site, default)
        if choice:
            _, what = site if isinstance(site, tuple) else (0, ())
            self._tell(what if isinstance(what, tuple) else (what,), choice)
        return choice

    def _tell(self, what: tuple[Any, ...], choice: int) -> None:
        happens, turns = self._recorder.happens, self._recorder.turns
        match what:
            case ("cancel", *names) if choice <= len(names):
                turns.comes(turns.latest_loop(), "cancel", str(names[choice - 1]))
                who = self._recorder.label(str(names[choice - 1]))
                happens("cancellation", f"{who} is cancelled from outside here", who)
            case ("collector", *names):
                turns.comes(turns.latest_loop(), "collect")
                lost = joined([self._recorder.label(str(name)) for name in names])
                note = f"the garbage collector comes here and takes {lost}, which nobody keeps"
                happens("collection", note, str(names[0]) if names else "")
            case ("time passes", *_):
                happens("slow step", "time passes, though not all wait: a step is slow")
            case ("slow step", *_):
                who = self._scheduler.who_runs()
                happens(
                    "late clock", f"{who} is so slow in this step, before it asks for the time", who
                )
            case ("timers of one deadline", *_):
                happens("reordered timer", _order(self._recorder.next_timers, choice))

    def choose_thread(
        self, costs: tuple[int, ...], site: Hashable, threads: tuple[int, ...], timed: int
    ) -> int:
        """Choose who goes on, and tell of a preemption."""
        choice = Schedule.choose(self, costs, site)
        if costs[choice]:
            known = self._scheduler.threads
            me, other = known[threads[0]], known[threads[choice]]
            if choice >= len(threads) - timed:
                event: Event = "early turn" if other.wait is OTHERS else "time-out"
                note = f"{other.name}, whose loop only waits, goes on before the others"
                if event == "time-out":
                    what = "sleep" if other.wait is SLEEP else "wait"
                    note = f"the {what} of {other.name} ends by time, though others could go on"
                self._recorder.happens(event, note, other.name, other.index)
            else:
                note = f"{other.name} goes on: {me.name} is stopped here"
                self._recorder.happens("preemption", note, me.name, me.index)
        return choice


def _order(names: list[str], choice: int) -> str:
    """Say which of several timers that are due at once comes next; ``names`` are whose they are."""
    if choice >= len(names):
        return "the rest of the timers that are due at once come a moment later"
    others = joined(list(dict.fromkeys(names[:choice])))
    return f"the timer of {names[choice]} comes before that of {others}, which is due at once"


def _told(touched: Sequence[Touched]) -> tuple[Access, ...]:
    """Return the accesses of a line, but for reads of what it then writes, or does something to."""
    written = {each.thing for each in touched if each.access.writes}
    used = {each.access.what for each in touched if not each.names}
    return tuple(
        dict.fromkeys(
            each.told()
            for each in touched
            if each.access.writes
            or not (each.thing in written or (each.names and each.access.what in used))
        )
    )


def _racing(lines: Sequence[Line]) -> list[set[str]]:
    """Mark what one thread did to a thing between two accesses of another, if either wrote it.

    Or before an access of a thread that was stopped right before it.
    """
    marked = _marked(lines, _alone(lines))
    return marked if any(marked) else _marked(lines, 0)


def _marked(lines: Sequence[Line], alone: int) -> list[set[str]]:
    """Mark, but begin no race with what the first of ``alone`` lines write: that is set up."""
    racing: list[set[str]] = [set() for _ in lines]
    of_thing: dict[Hashable, list[tuple[int, str, bool]]] = {}
    names: dict[Hashable, str] = {}
    for at, line in enumerate(lines):
        writes = _writes(line)
        names |= {each.thing: each.access.what for each in line.touched}
        for thing, wrote in writes.items():
            if at >= alone or not wrote:
                of_thing.setdefault(thing, []).append((at, line.thread, wrote))
    for thing, accesses in of_thing.items():
        _mark_one(names[thing], accesses, racing)
    for at, line in enumerate(lines):
        if line.event == "preemption":
            _mark_overtaken(lines, at, racing)
    return racing


def _alone(lines: Sequence[Line]) -> int:
    """Count the lines at the beginning that no other thread or task came before."""
    threads = [line.thread for line in lines if line.code is not None]
    return next((at for at, line in enumerate(lines) if line.code and line.thread != threads[0]), 0)


def _writes(line: Line) -> dict[Hashable, bool]:
    """Say of each thing that a line touches whether it writes it."""
    writes: dict[Hashable, bool] = {}
    for each in line.touched:
        writes[each.thing] = writes.get(each.thing, False) or each.access.writes
    return writes


def _mark_overtaken(lines: Sequence[Line], at: int, racing: list[set[str]]) -> None:
    """Mark what others did to a thing before an access that they came before."""
    mine = next(
        (
            later
            for later in range(at + 1, len(lines))
            if lines[later].of == lines[at].of and lines[later].code is not None
        ),
        at,
    )
    overtaken = lines[mine].touched[:1]
    for touched in overtaken:
        for between in range(at + 1, mine):
            writes = _writes(lines[between])
            if touched.thing in writes and (writes[touched.thing] or touched.access.writes):
                racing[between].add(touched.access.what)
                racing[mine].add(touched.access.what)


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
    latest = -1  # where the latest began of those that end earlier
    for start, end in spans:  # in the order of their ends
        if latest < start:  # the innermost are the race; main's span, say, is around everything
            for number, _, _ in at[start : end + 1]:
                racing[number].add(what)
        latest = max(latest, start)


def _source(line: Line) -> str:
    return "" if line.code is None else linecache.getline(line.code.co_filename, line.line).strip()


def owner_of(timer: Any) -> str:
    """Say whose a timer is: the task that it wakes, or the function that it calls."""
    callback = timer._callback
    whose = _task_of(timer)
    for argument in timer._args or ():
        if isinstance(argument, asyncio.Future):  # as of a sleep: who awaits it is woken
            for done, _ in argument._callbacks or ():
                owner = getattr(done, "__self__", None)
                whose = whose or (label(owner) if isinstance(owner, asyncio.Task) else "")
    task = getattr(getattr(callback, "__self__", None), "_task", None)  # of an asyncio.timeout
    if not whose and isinstance(task, asyncio.Task):
        whose = label(task)
    name: str = getattr(callback, "__qualname__", type(callback).__name__)
    return whose or name


def _task_of(handle: Any) -> str:
    """Name the task that a handle steps or wakes, or say nothing."""
    owner = getattr(handle._callback, "__self__", None)
    return label(owner) if isinstance(owner, asyncio.Task) and not handle.cancelled() else ""


def _ended(owners: Sequence[str]) -> str:
    return "come" if len(owners) != 1 else "comes"


def _seconds(passed: float) -> str:
    number = f"{round(passed, 2):g}"
    return f"{number} s {'passes' if number == '1' else 'pass'}"

"""The stage: a program's threads on real threads that pass one baton, so that one runs at a time.

Every modelled operation and every stepped bytecode calls `Stage.pause`; there, and nowhere else,
the trail decides who goes on.
"""

import contextvars
import sys
import threading
import traceback
from _thread import allocate_lock, get_ident, get_native_id, start_new_thread
from collections.abc import Callable, Container, Hashable
from contextlib import suppress
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NoReturn, Protocol, cast, runtime_checkable

from conlab.errors import UserError
from conlab.explorer.outcomes import (
    Deadlocked,
    Failure,
    Outcome,
    Raised,
    Returned,
    Unfinished,
    Waiting,
)
from conlab.explorer.search import Diverged, Trail

Key = tuple[str | int, ...]  # what an assumption of the search is about
MOST_STRANDS = 200
ENDS_REFUSED = 200  # how often a strand may catch the exception that ends it


class Ended(BaseException):
    """Raised inside a strand to end it, when its run is over."""


class Nothing:
    """What a strand waits for when only time can pass."""

    busy = True

    def __init__(self, description: str) -> None:
        self._description = description

    def describe(self) -> str:
        """Name it for a person."""
        return self._description

    def holders(self) -> "list[Strand]":
        """Nobody holds it."""
        return []


TURNING = Nothing("the others, in a loop that only looks")
TURN = 0.001  # seconds of virtual time that such a loop lets pass
START_OF_TIME = 1_000_000_000.0  # seconds; what the virtual clocks say when a run begins
THREADS: Key = ("threads",)  # that the program starts none, so that nothing need be stepped


class Restart(Exception):
    """The search assumed something that this run disproved: begin anew without the assumption."""


class Uncontrolled(UserError):
    """The program did something that the explorer does not control, so no verdict is possible."""


class Waitable(Protocol):
    """What a strand can wait for: it goes on when ``busy`` is false."""

    @property
    def busy(self) -> bool:
        """Whether who waits must go on waiting."""

    def describe(self) -> str:
        """Name it for a person."""

    def holders(self) -> "list[Strand]":
        """Name the strands whose next step could end the wait, where that is known."""


@runtime_checkable
class Crowd(Waitable, Protocol):
    """What several wait for at once in one strand, as the tasks of an event loop do."""

    def within(self) -> list[Waiting]:
        """Say what each of them waits for."""


class Stepper(Protocol):
    """Switches the stepping of bytecodes on and off for the calling thread."""

    def enter(self) -> None:
        """Begin."""

    def leave(self) -> None:
        """Cease."""


class Recorder(Protocol):
    """Writes down what each thread executes."""

    def executes(self, thread: str, code: CodeType, offset: int) -> None:
        """Take note of one bytecode."""


class Strand:
    """One controlled thread of the program, and what it waits for."""

    __slots__ = (
        "carrier",
        "daemon",
        "deadline",
        "done",
        "idle_turns",
        "index",
        "loop",
        "name",
        "pending",
        "refused",
        "thread",
        "timed_out",
        "turns",
        "wait",
        "worked",
    )

    def __init__(self, index: int, name: str, carrier: "Place") -> None:
        self.index = index
        self.name = name
        self.carrier = carrier
        self.thread: threading.Thread | None = None
        self.daemon = False
        self.done = False
        self.wait: Waitable | None = None
        self.deadline: float | None = None
        self.timed_out = False
        self.refused = 0
        self.pending: Any = None  # for the tracer: the call that its frame is in
        self.loop: object = None
        self.turns = 0
        self.idle_turns = 0
        self.worked = False

    @property
    def busy(self) -> bool:
        """Whether it still runs: who joins it waits for that."""
        return not self.done

    def describe(self) -> str:
        """Name it for a person."""
        return f"the end of {self.name}"

    def holders(self) -> "list[Strand]":
        """Give itself: only it can end the wait for its end."""
        return [self]


class Place:
    """Where a strand waits for the baton."""

    def __init__(self) -> None:
        self.gate = allocate_lock()
        self.gate.acquire()
        self.ident = 0
        self.native = 0  # the system's number for the same thread

    def settle(self) -> None:
        """Take the calling thread for the one of this place."""
        self.ident, self.native = get_ident(), get_native_id()


class Carrier(Place):
    """A real thread that carries one strand of each run; kept from run to run."""

    def __init__(self, stage: "Stage") -> None:
        super().__init__()
        self.job: Callable[[], None] | None = None
        self.gone = allocate_lock()
        self.gone.acquire()
        start_new_thread(self._carry, (stage,))

    def _carry(self, stage: "Stage") -> None:
        self.settle()
        stage.idents.add(self.ident)
        try:
            while True:
                self.gate.acquire()
                if self.job is None or stage.is_closed():
                    return
                self.job()
                if stage.is_closed():
                    return
        finally:
            stage.idents.discard(self.ident)
            self.gone.release()


class Stage:
    """What one exploration needs to run its program again and again, each time under a trail."""

    stepper: Stepper

    def __init__(self, *, stepped: frozenset[str], limit: int) -> None:
        """Run at most ``limit`` steps a run; ``stepped`` are the files whose bytecodes count."""
        self.stepped = stepped
        self.limit = limit
        self.driver = Place()  # of the thread that runs the search
        self.after_release = False  # whether a switch is possible right after a release
        self.idents: set[int] = set()
        self.closed = False
        self.carriers: list[Carrier] = []
        self.free: list[Carrier] = []
        self.rested: list[Carrier] = []  # free in the next run: no two strands share a real local
        self._done = allocate_lock()
        self._done.acquire()
        self._home = Place()
        self.runs = 0
        self.assumptions: set[Key] = set()  # what the search no longer assumes
        self.disproved: set[Key] = set()
        self.steps = 0
        self.recorder: Recorder | None = None
        self.begin: Callable[[], None] = lambda: None
        self.exit: Callable[[], None] = lambda: None
        self.settle: Callable[[], None] = lambda: None
        self.knows: Callable[[int], bool] = lambda _: False  # whether an address is for good
        self.actor: Callable[[], str] = lambda: self.current.name  # who runs, for a person
        self._reset(Trail())

    def _reset(self, trail: Trail) -> None:
        self.trail = trail
        self.strands: list[Strand] = []
        self.alive: list[Strand] = []
        self.current = Strand(0, "main", self._home)
        self.clock = 0.0
        self.steps = 0
        self.over = False  # what is finalised between two runs must not choose anything
        self.ending = False
        self.outcome: Outcome | None = None
        self.problem: BaseException | None = None
        self.died: list[Failure] = []
        self.numbers = 0
        self.numbered: dict[int, tuple[int, object]] = {}  # by address, so kept

    # -- one run ---------------------------------------------------------------------------

    def perform(self, program: Callable[[], Any], trail: Trail) -> Outcome:
        """Run the program once under ``trail``; the calling thread is its main thread."""
        self._reset(trail)
        self.begin()
        main = self.current
        self.strands.append(main)
        self.alive.append(main)
        self._home.settle()
        ident = self._home.ident
        self.idents.add(ident)
        try:
            self._run_main(program)
            others = len(self.alive) > 1  # to be asked before the baton is handed on
            self.finished(main)
            if others and not self.closed:
                self._done.acquire()
        finally:
            self.settle()
            self.over = True
            self.free += self.rested
            self.rested.clear()
            self.idents.discard(ident)
            self.runs += 1
        if self.problem is not None:
            raise self.problem
        if self.disproved:
            self.assumptions |= self.disproved
            self.disproved.clear()
            raise Restart
        trail.finish()
        assert self.outcome is not None
        return self.outcome

    def _run_main(self, program: Callable[[], Any]) -> None:
        try:
            self.stepper.enter()
            try:
                value = contextvars.copy_context().run(program)
            finally:
                self.stepper.leave()
            outcome: Outcome = Returned(value)
        except Ended:
            return
        except BaseException as error:
            failure = failure_of("main", error)
            outcome = Raised(failure.type, failure.message, failure.traceback)
        if self.outcome is None:
            self.outcome = outcome

    def holder(self) -> Place:
        """Return the place of the real thread that has the baton."""
        return self.driver if self.over else self.current.carrier

    def interrupt(self, problem: BaseException) -> None:
        """End the run from outside, as soon as a strand comes to a switch point."""
        self.problem = problem
        self.ending = True
        self.close()

    def spawn(self, thread: threading.Thread, run: Callable[[], None]) -> Strand:
        """Add a strand for a thread that the program starts; it runs when it is chosen."""
        if THREADS not in self.assumptions:
            self.disprove(THREADS)
            self.ending = True
            raise Ended
        if len(self.strands) >= MOST_STRANDS:
            self.refuse(f"the program started more than {MOST_STRANDS} threads in one run")
        if self.free:
            carrier = self.free.pop()
        else:
            carrier = Carrier(self)
            self.carriers.append(carrier)
        self.steps += 1  # from here on another strand may come before what this one does next
        strand = Strand(len(self.strands), thread.name, carrier)
        self.strands.append(strand)
        self.alive.append(strand)
        strand.thread = thread
        strand.daemon = thread.daemon

        def job() -> None:
            try:
                self.stepper.enter()
                try:
                    run()
                finally:
                    self.stepper.leave()
            except Ended:
                pass
            self.finished(strand)

        carrier.job = job
        return strand

    def finished(self, strand: Strand) -> None:
        """Take a strand that has run to its end off the stage and hand the baton on."""
        if self.closed:
            return
        strand.done = True
        self.alive.remove(strand)
        if strand.index:
            self.rested.append(cast("Carrier", strand.carrier))
        if not self.alive:
            if strand.index:
                self._done.release()
            return
        if strand.index == 0 and not self.ending:
            self.exit()
        if not self.ending and self.strands[0].done and all(s.daemon for s in self.alive):
            self.ending = True
        if self.ending:
            following = self.alive[-1]
            self.current = following
            following.carrier.gate.release()
            return
        try:
            following = self._choose(strand, ("end",))
        except Ended:
            following = self.alive[-1]
            self.current = following
        following.carrier.gate.release()

    # -- the one place where a choice is made ------------------------------------------------

    def pause(self, what: Hashable) -> None:
        """Stop before the operation ``what`` and let the trail decide who goes on."""
        if self.closed:
            raise Ended
        if self.over:
            return
        me = self.current
        if self.ending:
            self._end_strand(me)
        if self.recorder is not None and self._only_written_down(what):
            return
        self.steps += 1
        if self.steps > self.limit:
            self.end(Unfinished(self.limit))
        if len(self.alive) > 1 or me.wait is not None:
            following = self._choose(me, what)
            if following is not me:
                following.carrier.gate.release()
                me.carrier.gate.acquire()
                if self.closed:
                    raise Ended
                if self.ending:
                    self._end_strand(me)

    def _only_written_down(self, what: Hashable) -> bool:
        """Whether this is a bytecode at which the search, of one thread, never stopped."""
        return THREADS not in self.assumptions and not isinstance(what, tuple)

    def _choose(self, me: Strand, what: Hashable) -> Strand:
        going: list[Strand] = []
        timed: list[Strand] = []
        for strand in self.alive:
            wait = strand.wait
            if wait is None or not wait.busy:
                going.append(strand)
            elif strand.deadline is not None:
                timed.append(strand)
        if going:
            if len(going) == 1 and not timed:
                following = going[0]
                self.current = following
                return following
            if me in going and not me.done:
                if going[0] is not me:
                    going.remove(me)
                    going.insert(0, me)
                costs = (0,) + (1,) * (len(going) + len(timed) - 1)
            else:
                costs = (0,) * len(going) + (1,) * len(timed)
            options = going + timed
        elif timed:
            timed.sort(key=_deadline)
            soonest = timed[0].deadline
            costs = tuple(int(strand.deadline != soonest) for strand in timed)
            options = timed
        else:
            self.end(self._deadlock())
        choice = 0
        if len(options) > 1:
            try:
                choice = self.trail.choose(costs, (me.index, what))
            except Diverged as diverged:
                self.abandon(diverged)
        following = options[choice]
        if choice >= len(going):
            following.timed_out = True
            assert following.deadline is not None
            self.clock = max(self.clock, following.deadline)
        self.current = following
        return following

    def decide(self, costs: tuple[int, ...], what: Hashable) -> int:
        """Let the trail choose between what may happen to the strand that runs."""
        if self.closed or self.ending:
            raise Ended
        try:
            return self.trail.choose(costs, (self.current.index, what))
        except Diverged as diverged:
            self.abandon(diverged)

    def dismiss(self, threads: Container[object]) -> None:
        """Let these threads end with the program: they wait for work that will not come."""
        for strand in self.alive:
            if strand.thread in threads:
                strand.daemon = True

    def wait(self, waitable: Waitable, what: Hashable, timeout: float | None = None) -> bool:
        """Go on when ``waitable`` is not busy; return False if ``timeout`` seconds passed first."""
        me = self.current
        me.wait = waitable
        me.timed_out = False
        me.deadline = None if timeout is None else self.clock + timeout
        try:
            self.pause(what)
        finally:
            me.wait = me.deadline = None
        return not me.timed_out

    # -- ends ------------------------------------------------------------------------------

    def end(self, outcome: Outcome) -> NoReturn:
        """End the run with this outcome, from inside the strand that runs."""
        if self.outcome is None or not isinstance(self.outcome, Raised):
            self.outcome = outcome
        self.ending = True
        raise Ended

    def refuse(self, message: str) -> NoReturn:
        """End the run because no verdict is possible, with one sentence that says why."""
        self.abandon(Uncontrolled(message))

    def abandon(self, problem: BaseException) -> NoReturn:
        """End the run with an exception for the caller of the exploration."""
        if self.problem is None:
            self.problem = problem
        self.ending = True
        raise Ended

    def disprove(self, assumption: Key) -> None:
        """Say that an assumption of the search is false: after this run the search begins anew."""
        self.disproved.add(assumption)

    def step_back(self, what: Hashable) -> None:
        """Let the others go first: the strand that runs only turns in a loop."""
        if len(self.alive) > 1:
            self.wait(TURNING, what, TURN)

    def _end_strand(self, me: Strand) -> NoReturn:
        me.refused += 1
        if me.refused > ENDS_REFUSED:
            if self.problem is None or isinstance(self.problem, Restart):
                self.problem = Uncontrolled(
                    f"thread {me.name!r} catches every exception and goes on, so a run cannot end"
                    " it: let BaseException pass"
                )
            self.alive.remove(me)
            if self.alive:
                self.current = self.alive[-1]
                self.current.carrier.gate.release()
            else:
                self._done.release()
            me.carrier.gate.acquire()  # for ever: the carrier is given up
        raise Ended

    def _deadlock(self) -> Deadlocked:
        frames = sys._current_frames()
        waits_for: dict[str, str] = {}
        waiting = []
        for strand in self.alive:
            assert strand.wait is not None
            holders = tuple(holder.name for holder in strand.wait.holders())
            if holders:
                waits_for[strand.name] = holders[0]
            waiting.append(
                Waiting(
                    strand.name,
                    strand.wait.describe(),
                    holders,
                    self.place(frames.get(strand.carrier.ident)),
                )
            )
            if isinstance(strand.wait, Crowd):
                inside = strand.wait.within()
                waits_for |= {each.thread: each.held_by[0] for each in inside if each.held_by}
                if inside:
                    waiting.pop()  # the tasks say all that there is to say
                waiting += inside
        return Deadlocked(tuple(waiting), _cycle(waits_for))

    def place(self, frame: FrameType | None) -> str:
        """Name the innermost line of the stepped files on this stack, or nothing."""
        while frame is not None:
            if frame.f_code.co_filename in self.stepped:
                return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def is_closed(self) -> bool:
        """Whether the exploration is over."""
        return self.closed

    def close(self) -> None:
        """Send the carriers home; one whose strand is stuck goes when that comes loose."""
        self.closed = True
        for place in (self._home, *self.carriers):
            with suppress(RuntimeError):  # it waits for nothing: nobody has taken its gate
                place.gate.release()
        for carrier in self.free:
            if carrier.gone.acquire(timeout=5):
                carrier.gone.release()  # an interrupted exploration is closed once more at its end


def _deadline(strand: Strand) -> float:
    assert strand.deadline is not None
    return strand.deadline


def _cycle(waits_for: dict[str, str]) -> tuple[str, ...]:
    """Return the names on a circle of the wait-for graph, or none."""
    for start in waits_for:
        path = [start]
        while (following := waits_for.get(path[-1])) is not None:
            if following == start:
                return tuple(path)
            if following in path:
                break
            path.append(following)
    return ()


def failure_of(thread: str, error: BaseException) -> Failure:
    """Describe the exception that a thread died of."""
    text = "".join(traceback.format_exception(error))
    return Failure(thread, type(error).__name__, str(error), text)

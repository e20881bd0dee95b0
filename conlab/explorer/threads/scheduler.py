"""The scheduler: runs a program's threads one at a time, and switches between them.

Each thread but the one that runs is stopped. Every modelled operation and every stepped bytecode
calls `Scheduler.switch_point`; there, and nowhere else, the schedule decides which of the enabled
threads takes the next step.
"""

import contextvars
import sys
import threading
import traceback
from _thread import get_ident
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Literal, NoReturn, Protocol

from conlab.errors import UserError
from conlab.explorer.outcomes import (
    Deadlocked,
    Failure,
    Outcome,
    Raised,
    Returned,
    Unfinished,
)
from conlab.explorer.search.happens_before import EVERYTHING, PART, Location, TracedStep
from conlab.explorer.search.schedule import Diverged, Schedule
from conlab.explorer.search.traced import Redundant, TracedSchedule
from conlab.explorer.serial.division import BETWEEN_CALLS
from conlab.explorer.threads.controlled_thread import Carrier, ControlledThread, Engine
from conlab.explorer.threads.greenlets import Greenlets
from conlab.explorer.threads.real_threads import RealThread, RealThreads
from conlab.explorer.threads.reference import Reference, address_of
from conlab.explorer.threads.waiting import (
    OTHERS,
    SLEEP,
    Identified,
    Identity,
    Waitable,
)

Assumption = tuple[str | int, ...]
Undivided = Literal["calls", "threads"]
ONE_THREAD: Assumption = ("threads",)  # then nothing need be stepped
# Then no code that is not stepped writes an attribute or a global by a dictionary:
BY_NAME_ONLY: Assumption = ("by name only",)
CLOCK_UNREAD: Assumption = ("clock",)  # then it matters to nobody when a deadline is set
# Then no code of the program runs where an object is freed, by whoever is the last to let go of it:
FREED_UNSEEN: Assumption = ("freed unseen",)
NO_POOL: Assumption = ("no pool",)  # then the end of the program need not wait for any
MOST_THREADS = 200
# What it costs to let one of so many go on where the first is who runs, and could go on:
PREEMPTIVE = [(0,) + (1,) * (options - 1) for options in range(MOST_THREADS + 1)]
ENDS_REFUSED = 200  # how often a thread may catch the exception that ends it
# How often in a row a thread may be let go on by time alone while others could go on and have not:
MOST_LOOKS = 2  # where it turns in a loop that only looks
MOST_TIMEOUTS = 5  # where its wait times out, or it sleeps
MOST_ITERATIONS = 100  # of a loop, after which the other threads are let go first
ITERATION = 0.001  # seconds of virtual time that a loop lets pass which only waits, at least:
SHARE = 2  # otherwise one part in so many of what its thread has let pass, as it may wait long
LONGEST_ITERATION = 3_600.0  # seconds
MOST_QUESTIONS = 100  # for the time, in a row and without a step, before time goes on
SLOW = 30.0  # seconds that pass when a step is slow: most deadlines computed by hand are sooner
MOST_SLOW = 1  # step of an execution
START_OF_TIME = 1_000_000_000.0  # seconds; what the virtual clocks say when an execution begins


class ExecutionEnded(BaseException):
    """Raised in a controlled thread to end it, because the execution is over."""


class RestartSearch(Exception):
    """An execution disproved an assumption of the search: begin anew without the assumption."""


class Uncontrolled(UserError):
    """The program did something that the explorer does not control, so no verdict is possible."""


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


class Observer(Protocol):
    """Is told what a witness shows, in the one execution that is written down."""

    def passes(self, what: Hashable) -> None:
        """Take note that the running thread comes to a switch point."""

    def returns_to(self, code: CodeType, offset: int) -> None:
        """Take note that the running thread is back in a call of what is no Python function."""

    def stops(self, thread: ControlledThread, following: ControlledThread, what: Hashable) -> None:
        """Take note that the turn of a thread is over, and whose is next."""

    def deadlocks(self, thread: ControlledThread, what: Hashable) -> None:
        """Take note that the last thread that could go on cannot any more."""

    def ends(self, thread: ControlledThread) -> None:
        """Take note that a thread has run to its end."""

    def takes(self, lock: Any) -> None:
        """Take note that the running thread has taken a lock."""

    def gives(self, lock: Any) -> None:
        """Take note that a lock is given back."""

    def taken(self, lock: Any) -> tuple[str, str]:
        """Say who took a lock, the task if it was one, and at which line; or nothing."""

    def asks(self, loop: Any) -> None:
        """Take note that a loop asks for what comes from outside, once a turn."""

    def sets(self, loop: Any, timer: Any) -> None:
        """Take note that a timer was set."""

    def tied(self, timers: list[Any]) -> None:
        """Take note that one of these timers is to be the next, if more than one."""

    def comes(self, loop: Any, timers: list[Any]) -> None:
        """Take note that timers come, in this order."""


class Scheduler:
    """Executes a program again and again, each time under another schedule."""

    stepper: Stepper

    def __init__(
        self, *, stepped: frozenset[str], limit: int, project: frozenset[str] = frozenset()
    ) -> None:
        """Step the files ``stepped``, and let no execution take more than ``limit`` steps.

        The state of the files of the ``project`` is set back, whether they are stepped or not.
        """
        self.stepped = stepped
        self.set_back = stepped | project
        self.imported: list[tuple[str, str]] = []  # in an execution, of what is to be set back
        self.takes: Callable[[str, str | None], bool] = lambda _, file: file in self.set_back
        self.limit = limit
        self._real_threads = RealThreads(self)
        self._greenlets: Greenlets | None = None
        self.engine: Engine = self._real_threads
        self.search_thread = RealThread()
        self.after_release = False  # whether a switch is possible right after a release
        self.undivided: Undivided | None = None  # what is one step, unless it waits
        self.idents: set[int] = set()
        self.closed = False
        self.executions = 0
        self.awaited = 0  # how often others were looked at that execute, and are watched themselves
        self._made_outside = 0
        self.disproved: set[Assumption] = set()  # what the search has ceased to assume
        self.newly_disproved: set[Assumption] = set()
        self.steps = 0
        self.recorder: Recorder | None = None
        self.observer: Observer | None = None
        self.held_back = False  # whether a thread could have been let go on by time once more
        self.unknown: Counter[str] = Counter()  # what steps did that touch everything
        self.timeouts = True  # whether time may pass while somebody could go on
        self.at_begin: Callable[[], None] = lambda: None
        self.at_exit: Callable[[], None] = lambda: None
        self.before_exit: Waitable | None = None  # what the end of the program waits for
        self.at_end: Callable[[], None] = lambda: None
        self.is_permanent: Callable[[int], bool] = lambda _: False  # whether an address is for good
        self.who_runs: Callable[[], str] = lambda: self.current.name  # who runs, for a person
        self.deadlock: Callable[[], Deadlocked] = lambda: Deadlocked((), ())  # describes it
        self.who_is: Callable[[ControlledThread], str] = lambda thread: thread.name  # or its task
        self._reset(Schedule())

    def _reset(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.threads: list[ControlledThread] = []
        self.alive: list[ControlledThread] = []
        self.current = ControlledThread(0, "main", self.engine.search)
        self.clock = 0.0
        self.questions = 0  # for the time, since the latest step
        self.asked_at = 0  # which was that one
        self.asked = False  # whether anybody has looked at a clock
        self.slow = 0  # steps at which somebody did, and much time had passed
        self.early = 0  # timeouts, of these and of waits, that came while somebody could go on
        self.is_aside = False
        self.progress = 0  # how often a thread did more than look
        self.steps = 0
        self.unfit = False  # whether it needs real threads and has none
        self.over = False  # what is finalised between two executions must not choose anything
        self.ending = False
        self.outcome: Outcome | None = None
        self.problem: BaseException | None = None
        self.died: list[Failure] = []
        self.numbers = 0
        self.numbered: dict[int, tuple[int, object]] = {}  # by address, so kept
        self.plain = self.recorder is None and not isinstance(schedule, TracedSchedule)
        self.traced = schedule if isinstance(schedule, TracedSchedule) else None
        self.step: TracedStep | None = None  # that is taken, if steps are traced
        self.operation: dict[Location, bool] = {}  # what the latest bytecode touches
        self._touched: dict[int, tuple[int, Reference]] = {}  # by address
        self.touched = 0  # how many things were
        self.generators: dict[tuple[int, CodeType], object] = {}  # by their frames' addresses

    # -- one execution ---------------------------------------------------------------------------

    def execute(self, program: Callable[[], Any], schedule: Schedule) -> Outcome:
        """Execute the program under ``schedule``; the calling thread is that of the search."""
        self.engine = self._real_threads
        greenlets = self._greenlets
        if greenlets and ONE_THREAD in self.disproved:
            if greenlets.begin():
                self.engine = greenlets
            else:
                self._greenlets = None
        self._reset(schedule)
        self.at_begin()
        main = self.current
        self.threads.append(main)
        self.alive.append(main)
        ident = get_ident()
        self.idents.add(ident)
        if self.traced is not None:
            self._begin_step(main)
        context = contextvars.copy_context()

        def job() -> Carrier | None:
            self._run_main(context, program)
            return self.finished(main)

        try:
            self.engine.run(main, job)
        finally:
            self.at_end()
            self.over = True
            self.step = None
            self.idents.discard(ident)
            self.executions += 1
            for thread in self.threads:  # or the collector would have to come for the two
                thread.thread = None
        if self.unfit:
            self.use_real_threads()
        if isinstance(self.problem, RecursionError):  # said here, where there is room to say it
            raise Uncontrolled(
                "the program's calls are nested as deep as Python lets them"
                f" ({sys.getrecursionlimit()}), which leaves the explorer no room to look at them:"
                " if it is meant to, let it nest them less deeply"
            ) from None
        if self.problem is not None:
            raise self.problem
        if self.newly_disproved:
            self.disproved |= self.newly_disproved
            self.newly_disproved.clear()
            raise RestartSearch
        schedule.finish()
        assert self.outcome is not None
        return self.outcome

    def _run_main(self, context: contextvars.Context, program: Callable[[], Any]) -> None:
        try:
            self.stepper.enter()
            try:
                value = context.run(program)
            finally:
                self.stepper.leave()
            outcome: Outcome = Returned(value)
        except ExecutionEnded:
            return
        except BaseException as error:
            with self.aside():
                failure = failure_of("main", error)
            outcome = Raised(failure.type, failure.message, failure.traceback)
        if self.outcome is None:
            self.outcome = outcome
        if NO_POOL in self.disproved and self.before_exit is not None:
            with suppress(ExecutionEnded):
                self.wait(self.before_exit, ("end",))
                self.before_exit.touch(self)

    def running_on(self) -> RealThread:
        """Return the real thread whose turn it is."""
        if self.over:
            return self.search_thread
        real: RealThread = self.current.runs_on.real_thread()
        return real

    def use_greenlets(self, locals_outside: Callable[[], list[Any] | None]) -> None:
        """Execute on greenlets what has several threads, until something needs real ones.

        ``locals_outside`` finds each `threading.local` that was there before the program, or says
        None where greenlets cannot have values of their own in them.
        """
        self._greenlets = Greenlets(self, locals_outside)

    def use_real_threads(self) -> bool:
        """Execute on real threads from now on; return whether it was on greenlets until now."""
        were = self.engine is self._greenlets
        self.search_ends()
        self._greenlets = None
        return were

    def need_real_threads(self) -> None:
        """Begin the search anew on real threads, if it is on greenlets: they would not do."""
        if self.engine is self._greenlets:
            self.unfit = True
            self.abandon(RestartSearch())

    def search_ends(self) -> None:
        """End what only the thread of the search can."""
        if self._greenlets is not None:
            self._greenlets.search_ends()

    def interrupt(self, problem: BaseException) -> None:
        """End the execution from outside, as soon as a thread comes to a switch point."""
        self.problem = problem
        self.ending = True
        self.close()

    def spawn(self, thread: threading.Thread, run: Callable[[], None]) -> ControlledThread:
        """Control a thread that the program starts; it runs when it is chosen."""
        if ONE_THREAD not in self.disproved:
            self.disprove(ONE_THREAD)
            self.ending = True
            raise ExecutionEnded
        if len(self.threads) >= MOST_THREADS:
            self.refuse(f"the program started more than {MOST_THREADS} threads in one execution")
        self.current.forget_ended(sys._getframe())
        self.steps += 1  # from here on another thread may come before what this one does next
        controlled = ControlledThread(len(self.threads), thread.name, self.engine.search)
        self.threads.append(controlled)
        self.alive.append(controlled)
        controlled.thread = thread
        controlled.daemon = thread.daemon

        def job() -> Carrier | None:
            try:
                self.stepper.enter()
                try:
                    run()
                finally:
                    self.stepper.leave()
            except ExecutionEnded:
                pass
            return self.finished(controlled)

        self.engine.carry(controlled, job)
        if self.step is not None:
            self.touch("started", None, writes=True)  # who starts threads numbers and names them
            self.step.starts.append(controlled.index)
            self._begin_step(self.current)
        return controlled

    def finished(self, thread: ControlledThread) -> Carrier | None:
        """Take note that a thread has run to its end, and return on what another goes on."""
        if self.closed:
            return None
        if self.observer is not None:
            self.observer.ends(thread)
        thread.busy = False
        self.touch("end", thread, writes=True)
        self.alive.remove(thread)
        self.engine.ends(thread)
        if not self.alive:
            return self.engine.search
        if thread.index == 0 and not self.ending:
            self.at_exit()
        if not self.ending and self.threads[0].done and all(s.daemon for s in self.alive):
            self._leave_undone()
            self.ending = True
        if self.ending:
            following = self.alive[-1]
            self.current = following
            return following.runs_on
        try:
            following = self._choose(thread, ("end",))
        except ExecutionEnded:
            following = self.alive[-1]
            self.current = following
        return following.runs_on

    # -- the one place where a choice is made ------------------------------------------------

    def switch_point(self, what: Hashable) -> None:
        """Stop before the operation ``what`` and let the schedule decide who goes on."""
        if self.closed:
            raise ExecutionEnded
        if self.over:
            return
        me = self.current
        if self.ending:
            self._end_thread(me)
        if self.recorder is not None and self._only_written_down(what):
            return
        if self.undivided and self._is_divided_by(what) and self._goes_on(me):
            return
        if self.observer is not None:
            self.observer.passes(what)
        if isinstance(what, tuple):  # it may be of code that nothing looks into
            me.forget_ended(sys._getframe())
        self.steps += 1
        if self.steps > self.limit:
            self._leave_undone()
            self.end(Unfinished(self.limit))
        if len(self.alive) > 1 or me.wait is not None:
            following = self._choose(me, what)
            if following is not me:
                if self.observer is not None:
                    self.observer.stops(me, following, what)
                me.runs_on.hand_over_to(following.runs_on)
                if self.closed:
                    raise ExecutionEnded
                if self.ending:
                    self._end_thread(me)
        elif self.traced is not None and len(self.threads) > 1:
            self._begin_step(me)  # a step as well, whether the others have ended yet or not

    def _is_divided_by(self, what: Hashable) -> bool:
        """Whether a switch here, at an operation or a bytecode, would divide what is one step."""
        return what != BETWEEN_CALLS and (self.undivided == "threads" or isinstance(what, tuple))

    def _goes_on(self, me: ControlledThread) -> bool:
        """Whether a thread need not wait here, inside of what is undivided.

        A sleep there takes its time, and lets nobody in.
        """
        if me.wait is SLEEP:
            assert me.deadline is not None
            self.clock = max(self.clock, me.deadline)
            me.timed_out = True
            return True
        return me.wait is None or not me.wait.busy

    def _only_written_down(self, what: Hashable) -> bool:
        """Whether this is a bytecode at which the search, of one thread, never stopped."""
        return ONE_THREAD not in self.disproved and not isinstance(what, tuple)

    def _choose(self, me: ControlledThread, what: Hashable) -> ControlledThread:
        soonest: float | None = None
        enabled: list[ControlledThread] = []
        timed: list[ControlledThread] = []
        for thread in self.alive:
            wait = thread.wait
            if wait is None or not wait.busy:
                enabled.append(thread)
            elif thread.deadline is not None:
                timed.append(thread)
        if enabled:
            if timed:
                timed = [
                    thread
                    for thread in timed
                    if (self.timeouts or not _is_timeout(thread)) and self._may_time_out(thread)
                ]
            options = enabled + timed if timed else enabled
            several = len(options)
            if several == 1:
                following = enabled[0]
                self.current = following
                if self.traced is not None:
                    self._begin_step(following)
                return following
            if me.busy and me in enabled:
                if enabled[0] is not me:
                    options.remove(me)
                    options.insert(0, me)
                costs = PREEMPTIVE[several]
            else:
                costs = (0,) * len(enabled) + (1,) * len(timed)
        elif timed:
            if len(timed) > 1:
                fair = [each for each in timed if self._lets_time_pass(each)]
                timed = fair or [min(timed, key=_deadline)]  # who has waited longest
            timed.sort(key=_deadline)
            soonest = timed[0].deadline
            timed = [each for each in timed if each.deadline == soonest or self._may_time_out(each)]
            if not self.timeouts and len(timed) > 1:
                timed = _without_early_timeouts(timed)
            costs = tuple(int(thread.deadline != soonest) for thread in timed)
            options = timed
        else:
            if self.observer is not None:
                self.observer.deadlocks(me, what)
            with self.aside():
                deadlock = self.deadlock()
            self._leave_undone()
            self.end(deadlock)
        choice = 0
        if len(options) > 1:
            site = (me.index, what)
            try:
                if type(self.schedule) is Schedule:  # to which it does not matter which threads
                    choice = self.schedule.choose(costs, site)
                else:
                    threads = tuple([thread.index for thread in options])
                    timing_out = len(options) - len(enabled)
                    choice = self.schedule.choose_thread(costs, site, threads, timing_out)
            except Redundant as problem:
                self._leave_waiting()
                self.abandon(problem)
            except Diverged as problem:
                self.abandon(problem)
        following = options[choice]
        if self.traced is not None:
            self._begin_step(following)
        if choice >= len(enabled):
            if self.step is not None:
                self.step.timed_out = True
                self.touch("clock", following, writes=True)  # to the latest of all: in any order
            if _is_timeout(following):
                self.early += bool(enabled) or following.deadline != soonest
            following.timed_out = True
            passed_over = soonest is not None and following.deadline != soonest
            following.let_go += bool(enabled) or passed_over or following.wait is OTHERS
            assert following.deadline is not None
            self.clock = max(self.clock, following.deadline)
        self.current = following
        return following

    def _may_time_out(self, thread: ControlledThread) -> bool:
        """Whether a wait may end by time while others could go on: in a loop not for ever."""
        others_progress = self.progress - thread.progress
        if others_progress != thread.others_progress:
            thread.others_progress, thread.let_go = others_progress, 0
        most = MOST_LOOKS if thread.wait is OTHERS else MOST_TIMEOUTS
        self.held_back |= thread.let_go >= most
        return thread.let_go < most

    def _lets_time_pass(self, thread: ControlledThread) -> bool:
        """Whether time may pass bit by bit: not for ever to a loop that waits for none of it."""
        return thread.wait is not OTHERS or thread.asked_for_time or self._may_time_out(thread)

    def progressed(self) -> None:
        """Take note that the running thread did more than look."""
        self.progress += 1
        me = self.current
        me.progress += 1
        me.made_progress = True

    def decide(self, costs: tuple[int, ...], what: Hashable) -> int:
        """Let the schedule choose between what may happen to the thread that runs."""
        if self.closed or self.ending:
            raise ExecutionEnded
        try:
            return self.schedule.choose(costs, (self.current.index, what))
        except Diverged as diverged:
            self.abandon(diverged)

    def dismiss(self, threads: Container[object]) -> None:
        """Let these threads end with the program: they wait for work that will not come."""
        for thread in self.alive:
            if thread.thread in threads:
                thread.daemon = True

    def wait(self, waitable: Waitable, what: Hashable, timeout: float | None = None) -> bool:
        """Go on when ``waitable`` is not busy; return False if ``timeout`` seconds passed first."""
        me = self.current
        me.wait = waitable
        me.timed_out = False
        me.deadline = None
        if timeout is not None:
            if CLOCK_UNREAD in self.disproved or (self.traced and self.traced.bounded):
                self.touch("clock", None, writes=False)
            me.deadline = self.clock + timeout
        try:
            self.switch_point(what)
        finally:
            me.wait = me.deadline = None
        me.slept |= me.timed_out and bool(timeout) and waitable is not OTHERS
        return not me.timed_out

    def now(self) -> float:
        """Return the virtual time, in seconds since the execution began."""
        if self.step is not None and CLOCK_UNREAD not in self.disproved:
            self.disprove(CLOCK_UNREAD)
        self.touch("clock", None, writes=False)
        return self.clock

    def asked_for_time(self, *, may_be_late: bool = False) -> float:
        """Return the virtual time, which goes on where the program does nothing but ask for it.

        It ``may_be_late``, at a cost of one preemption: then the step was slow.
        """
        if self.asked_at != self.steps:
            self.asked_at, self.questions = self.steps, 0
        self.questions += 1
        self.current.asked_for_time = True
        first = not self.asked and len(self.threads) == 1  # then there is nothing to be late for
        self.asked = True
        if may_be_late and self.timeouts and not first:
            self._may_be_slow()
        if self.questions > MOST_QUESTIONS:
            self._pass_time()
        return self.now()

    def _may_be_slow(self) -> None:
        """Let much time pass in this step if the schedule says so."""
        if self.slow >= MOST_SLOW or self.is_aside or self.over or self.ending or self.closed:
            return
        if self.step is not None:
            self.step.varies = True
        try:
            slow = self.schedule.choose_way((0, 1), (self.current.index, "slow step"))
        except Diverged as diverged:
            self.abandon(diverged)
        if slow:
            self.slow += 1
            self.early += 1
            self.touch("clock", None, writes=True)
            self.clock += SLOW

    def _pass_time(self) -> None:
        self.touch("clock", None, writes=True)
        self.clock += self._iteration()

    def _iteration(self) -> float:
        """Return how much time the running thread lets pass, that only waits."""
        me = self.current
        passing = min(max(ITERATION, me.waited / SHARE), LONGEST_ITERATION)
        me.waited += passing
        return passing

    # -- what a step touches, where steps are traced -------------------------------------------

    def touch(self, kind: Hashable, thing: object, *, writes: bool) -> None:
        """Take note that the step reads or writes a thing; None is each of its kind."""
        if self.step is not None:
            self._touch((kind, self._number_of(thing)), writes=writes)

    def touch_part(self, kind: Hashable, thing: object, part: Hashable) -> None:
        """Take note that the step writes a part of a thing: who reads each of its kind reads it."""
        if self.step is not None:
            self._touch((kind, (PART, self._number_of(thing), part)), writes=True)

    def _touch(self, location: Location, *, writes: bool) -> None:
        assert self.step is not None
        self.step.touch(location, writes=writes)
        self.operation[location] = writes or self.operation.get(location, False)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do what is no part of the program: it touches nothing."""
        step, self.step = self.step, None
        was, self.is_aside = self.is_aside, True
        try:
            yield
        finally:
            self.step, self.is_aside = step, was

    def touch_everything(self, what: str) -> None:
        """Take note that nobody knows what the step touches, as it does ``what``."""
        if self.step is not None:
            self.step.touch(EVERYTHING, writes=True)
            self.operation[EVERYTHING] = True
            self.unknown[what] += 1

    def frees(self) -> None:
        """Take note that the program's own code runs because an object is freed.

        Which thread runs it is decided by who lets go of the object last, in whatever step; so from
        then on the order of all steps counts.
        """
        reduces = self.traced is not None and not self.ending
        if reduces and len(self.threads) > 1 and FREED_UNSEEN not in self.disproved:
            self.disprove(FREED_UNSEEN)

    def follow(self, kind: Hashable, thing: object) -> None:
        """Take note that the step comes after the last that wrote this, and could not before."""
        if self.step is not None:
            self.step.follows.append((kind, self._number_of(thing)))

    def identify(self) -> Identity:
        """Name what the running thread makes, alike in executions of the same trace."""
        if self.step is None:
            self._made_outside += 1
            return "outside", self._made_outside
        self.current.made += 1
        return self.current.index, self.current.made

    def _number_of(self, thing: Any) -> Identity | int | None:
        """Number a thing in the order of being touched: by its address no two executions agree."""
        if thing is None:
            return None
        if issubclass(type(thing), Identified):  # isinstance() asks the thing itself as well
            identity: Identity = thing.identity
            return identity
        known = self._touched.get(address_of(thing))
        if known is None or known[1].thing() is not thing:  # another had this address before
            known = self._touched[address_of(thing)] = self.touched, Reference(thing)
            self.touched += 1
        return known[0]

    def touched_thing(self, number: Hashable) -> Any:
        """Return the thing that has this number, or None where that is not known."""
        for known, reference in reversed(self._touched.values()):
            if known == number:
                return reference.thing()
        return None

    def _begin_step(self, thread: ControlledThread) -> None:
        assert self.traced is not None
        try:
            self.step = self.traced.begin(thread.index, self.touched)
            for _, touched in thread.operations:
                for location, writes in touched.items():
                    self.step.touch(location, writes=writes)
            if FREED_UNSEEN in self.disproved:
                self.step.touch(EVERYTHING, writes=True)
                self.unknown["letting go of an object with a __del__"] += 1
        except Redundant as redundant:
            self._leave_waiting()
            self.abandon(redundant)

    def _leave_waiting(self) -> None:
        """Take note of what the threads would do next that wait: they may have been disabled."""
        assert self.traced is not None
        for thread in self.alive:
            if thread.wait is not None and thread.wait.busy:
                self._leave_pending(thread, thread.wait)

    def _leave_undone(self) -> None:
        """Take note of what the threads would do next that are ended, or wait for ever."""
        if self.traced is None:
            return
        for thread in self.alive:
            waits = thread.wait is not None and thread.deadline is None and thread.wait.busy
            self._leave_pending(thread, thread.wait if waits else None)

    def _leave_pending(self, thread: ControlledThread, wait: Waitable | None) -> None:
        """Take note of what a thread would do next: what ends its wait, or nobody knows what."""
        assert self.traced is not None
        self.step = TracedStep(thread.index, known=0)
        if wait is not None:
            wait.touch(self)
        if wait is None or FREED_UNSEEN in self.disproved:
            self.step.touch(EVERYTHING, writes=True)
        self.traced.pending.append(self.step)
        self.step = None

    # -- ends ------------------------------------------------------------------------------

    def end(self, outcome: Outcome) -> NoReturn:
        """End the execution with this outcome, from inside the thread that runs."""
        if self.outcome is None or not isinstance(self.outcome, Raised):
            self.outcome = outcome
        self.ending = True
        raise ExecutionEnded

    def refuse(self, message: str) -> NoReturn:
        """End the execution because no verdict is possible: say why, and which line led there."""
        where = self.line_of(sys._getframe(1))
        self.abandon(Uncontrolled(f"{where}: {message}" if where else message))

    def paused(self) -> list[ControlledThread]:
        """Give who could go on, but for the thread that does."""
        waiting = [thread for thread in self.alive if thread is not self.current]
        return [each for each in waiting if each.wait is None or not each.wait.busy]

    def abandon(self, problem: BaseException) -> NoReturn:
        """End the execution with an exception for the caller of the exploration."""
        if self.problem is None:
            self.problem = problem
        self.ending = True
        raise ExecutionEnded

    def disprove(self, assumption: Assumption) -> None:
        """Say that an assumption is false: then the search begins anew without it."""
        self.newly_disproved.add(assumption)

    def yield_to_others(self, what: Hashable) -> None:
        """Let the others go first: the thread that runs only turns in a loop."""
        if self.recorder is not None and ONE_THREAD not in self.disproved:
            return  # what the search has not stepped it has not seen turn
        if len(self.alive) > 1:
            self.wait(OTHERS, what, self._iteration())
        elif self.current.asked_for_time:
            self._pass_time()

    def _end_thread(self, me: ControlledThread) -> NoReturn:
        me.refused += 1
        if me.refused > ENDS_REFUSED:
            if self.problem is None or isinstance(self.problem, RestartSearch):
                self.problem = Uncontrolled(
                    f"thread {me.name!r} catches every exception and goes on, so nothing can end"
                    " it: let BaseException pass"
                )
            self.alive.remove(me)
            if self.alive:
                self.current = self.alive[-1]
            me.runs_on.give_up(self.current.runs_on if self.alive else self.engine.search)
        raise ExecutionEnded

    def line_of(self, frame: FrameType | None) -> str:
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
        """End what the threads run on; what is stuck ends when it comes loose."""
        self.closed = True
        self._real_threads.close()


def _deadline(thread: ControlledThread) -> float:
    assert thread.deadline is not None
    return thread.deadline


def _is_timeout(thread: ControlledThread) -> bool:
    """Whether the thread waits for something else than time, and gives up when that is over."""
    return not getattr(thread.wait, "for_time", False)


def _without_early_timeouts(timed: list[ControlledThread]) -> list[ControlledThread]:
    """Leave out who would give up before another goes on that waits for time, or gives up."""
    soonest = timed[0].deadline
    first = [thread for thread in timed if thread.deadline == soonest]
    if not all(map(_is_timeout, first)):
        first = [thread for thread in first if not _is_timeout(thread)]
    later = timed[len([thread for thread in timed if thread.deadline == soonest]) :]
    return first + [thread for thread in later if not _is_timeout(thread)]


def failure_of(thread: str, error: BaseException) -> Failure:
    """Describe the exception that a thread died of."""
    text = "".join(traceback.format_exception(error))
    return Failure(thread, type(error).__name__, str(error), text)

"""A session: the executions of one program, and what is made of them: verdict, witness, replay."""

import functools
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import inf
from types import CodeType
from typing import Any, TypeVar

from conlab.explorer.modelling import modelled
from conlab.explorer.outcomes import SWALLOWED, Outcome, Raised, Returned, Unfinished
from conlab.explorer.programs.program import (
    Check,
    CheckFailed,
    Program,
    judge,
    origin_of,
    run_to_its_end,
)
from conlab.explorer.programs.sameness import Rehearsal, insist_on_sameness, told_of, what_differs
from conlab.explorer.programs.scope import Scope
from conlab.explorer.search.budget import Budget
from conlab.explorer.search.deepening import Executions
from conlab.explorer.search.prediction import TrialSchedule
from conlab.explorer.search.reduction import Executed, Noted, executions
from conlab.explorer.search.schedule import Diverged, Schedule
from conlab.explorer.search.sharing import (
    Assumptions,
    Disproved,
    OnceMore,
    Request,
    Turn,
    shared_executions,
    take_turn,
)
from conlab.explorer.search.shrinking import OrderedSchedule, shrink, straighten
from conlab.explorer.search.traced import TracedSchedule
from conlab.explorer.shared_things import WatchedSchedule
from conlab.explorer.stepping.by_code import ByCode
from conlab.explorer.stepping.facts import read_facts
from conlab.explorer.stepping.monitor import Monitor
from conlab.explorer.stepping.points import Point, points_of
from conlab.explorer.stepping.readings import Bytecode, Gil
from conlab.explorer.stepping.stepper import Unstepped
from conlab.explorer.stepping.switches import switches_here
from conlab.explorer.stepping.tracer import Tracer
from conlab.explorer.strategy import Limits, Result, Strategy
from conlab.explorer.tasks.cancellable import Cancellable
from conlab.explorer.tasks.known_tasks import KnownTasks
from conlab.explorer.threads.ambient_state import AmbientState
from conlab.explorer.threads.scheduler import ONE_THREAD, RestartSearch, Scheduler, Undivided
from conlab.explorer.threads.watchdog import supervise
from conlab.explorer.verdict import Exploration
from conlab.explorer.witnesses.following import FollowedSchedule, no_longer_fits
from conlab.explorer.witnesses.recorder import RecordedSchedule, Recorder
from conlab.explorer.witnesses.witness import Witness
from conlab.explorer.workers import Workers

T = TypeVar("T")
S = TypeVar("S", bound=Schedule)
# Executions; the collector is off meanwhile, as what it frees may run code.
BETWEEN_COLLECTIONS = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """What is explored, and under which conditions: the same in every process.

    The names are those of the arguments of `conlab.explorer.explore`.
    """

    program: Program
    scope: Scope
    check: Check | None = None
    reading: str = "bytecode"
    limit: int = 20_000
    cancellations: int = 0
    cancel: tuple[str, ...] = ()
    timeouts: bool = True
    specialised: bool = False
    undivided: Undivided | None = None


@contextmanager
def opened(subject: Subject) -> Iterator["Session"]:
    """Give a session in which the subject is controlled, and all that was replaced put back."""
    with ExitStack() as stack:
        session = Session(subject)
        stack.callback(session.scheduler.close)
        session.ambient_state = stack.enter_context(
            modelled(session.scheduler, subject.program, session.tasks)
        )
        stack.callback(session.step, False)
        stack.enter_context(_collecting_between_executions())
        yield session


@contextmanager
def _collecting_between_executions() -> Iterator[None]:
    enabled, frozen = gc.isenabled(), gc.get_freeze_count()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        if not frozen:
            gc.unfreeze()
        if enabled:
            gc.enable()


class Imported(Exception):
    """An execution has imported modules that are to be stepped or set back: begin anew."""

    def __init__(self, modules: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.modules = tuple(modules)


class Trace:
    """Takes note of each bytecode of one execution."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, CodeType, int]] = []

    def executes(self, thread: str, code: CodeType, offset: int) -> None:
        """Take note of one bytecode."""
        self.entries.append((thread, code, offset))


class DescribedSchedule(TracedSchedule):
    """A schedule that knows its choices by descriptions, which are the same in every process."""

    __slots__ = ()

    def choose(self, costs: tuple[int, ...], site: Any, default: int = 0) -> int:
        """Choose at a site of this process."""
        return super().choose(costs, _stable(site), default)


@functools.cache
def _stable(site: tuple[int, Any]) -> str:
    thread, what = site
    match what:
        case Point(offset=offset):
            return f"({thread}, {what!r}, at {offset})"
        case CodeType(co_qualname=name, co_filename=file, co_firstlineno=line):
            return f"({thread}, entry of {name} ({file}:{line}))"
    return repr(site)


class Session:
    """Executes schedules of one subject, and makes a verdict and a witness of what comes of it."""

    ambient_state: AmbientState

    def __init__(self, subject: Subject) -> None:
        self.count = 0
        self._reduces = True
        self._shares = False  # whether others have executed since this session has
        self._assumed_not: Assumptions = frozenset()
        self._subject = subject
        self._check_failed = ""  # what the check did instead of judging a value
        scope = subject.scope
        scheduler = self.scheduler = Scheduler(
            stepped=frozenset(scope.stepped),
            limit=subject.limit,
            project=frozenset(scope.project),
        )
        scheduler.takes = scope.takes
        scheduler.timeouts = subject.timeouts
        scheduler.undivided = subject.undivided
        self._program_once = run_to_its_end(subject.program, scheduler.refuse)
        self._facts = read_facts(scope.stepped)
        self._reading: Bytecode | Gil
        if subject.reading == "bytecode":
            self._reading = Bytecode(scheduler, self._facts)
        else:
            self._reading = Gil(scheduler, switches_here(), self._facts)
            scheduler.after_release = True
            if subject.specialised:
                self._reading.warm()
        self._cancellable = Cancellable(subject.program, subject.cancel)
        self.tasks = KnownTasks(scheduler, self._cancellable, subject.cancellations)
        self._stepper: Tracer | Monitor | None = None
        self._points: ByCode[dict[int, Point]] = ByCode()  # for a person
        self._traced = False  # whether the latest execution was
        scheduler.stepper = Unstepped()

    def step(self, on: bool) -> None:
        """Have the bytecodes of the stepped files met, or cease to; afresh if they were already."""
        if self._stepper is not None and on:
            self._stepper.renew()
        elif on:
            kind = Tracer if sys.version_info < (3, 12) else Monitor
            self.scheduler.stepper = self._stepper = kind(self.scheduler, self._reading)
            self._stepper.install()
            self._traced = False
        elif self._stepper is not None:
            self._stepper.remove()
            self._stepper, self.scheduler.stepper = None, Unstepped()

    def explore(
        self,
        limits: Limits,
        reduction: bool,
        found: Callable[[Witness], None],
        workers: Workers | None = None,
    ) -> Exploration:
        """Carry the strategy out, beginning anew as often as an assumption proves false."""
        self._reduces = reduction
        insist_on_sameness(self)
        self._insist_on_what_is_imported()
        until = time.monotonic() + (inf if limits.seconds is None else limits.seconds)
        while True:
            try:
                if workers is not None:
                    self._prepare()
                self.count = 0
                self.scheduler.held_back = False
                self.scheduler.unknown.clear()
                strategy = Strategy(self, limits, found, self._executions(workers))
                budget = Budget(limits.schedules, until - time.monotonic())
                exploration = self._verdict(strategy.result(budget))
                if not exploration.failing:
                    self._insist_on_what_is_imported()
                return exploration
            except RestartSearch:
                self.step(ONE_THREAD in self.scheduler.disproved)
            except Diverged as diverged:
                raise Diverged(what_differs(self, str(diverged))) from None

    def _insist_on_what_is_imported(self) -> None:
        """Begin anew where an execution has imported what is to be stepped or set back."""
        scope = self._subject.scope
        if scope.with_imported(self.scheduler.imported) != scope:
            raise Imported(self.scheduler.imported)

    @property
    def name(self) -> str:
        """What the program is called."""
        return origin_of(self._subject.program).name

    @property
    def program(self) -> Program:
        """What is executed."""
        return self._subject.program

    def rehearse(self) -> Rehearsal:
        """Execute the first schedule, beginning anew as often as an assumption proves false.

        What was executed before that is told of as well: it may have changed what outlives it.
        """
        before: list[Rehearsal] = []
        while True:
            schedule = TracedSchedule() if self._reduces else Schedule()
            outcome: Outcome | None = None
            try:
                outcome = self.execute(schedule)
                self._insist_on_threads()
            except RestartSearch:
                if outcome is None and not self.scheduler.ending:
                    outcome = self.scheduler.outcome
                if outcome is not None:
                    before.append(self._rehearsed(outcome, schedule, ()))
                self.step(ONE_THREAD in self.scheduler.disproved)
                continue
            return self._rehearsed(outcome, schedule, tuple(before))

    def _rehearsed(
        self, outcome: Outcome, schedule: Schedule, before: tuple[Rehearsal, ...]
    ) -> Rehearsal:
        right = None
        check = self._subject.check
        if isinstance(outcome, Returned) and check is not None:
            right = judge(check, outcome.value)
        return Rehearsal(
            told_of(outcome, self.scheduler.died), right, _described(schedule.sites), before
        )

    def trace(self) -> list[tuple[str, CodeType, int]]:
        """Execute the first schedule and return each bytecode of the stepped files: who, where."""
        try:
            while True:
                trace = self.scheduler.recorder = Trace()
                self.step(True)
                try:
                    self.execute(Schedule())
                except RestartSearch:  # code that had not been met while nothing was stepped
                    continue
                return trace.entries
        finally:
            self.scheduler.recorder = None
            self.step(ONE_THREAD in self.scheduler.disproved)

    def _prepare(self) -> None:
        """Meet most of the code here, too, and what it disproves, before workers search."""
        if self._reduces:
            self._repeat((), traced=True)
            self._insist_on_threads()

    def _executions(self, workers: Workers | None) -> Executions | None:
        """Give those of a reduced search, by the workers if there are any."""
        if not self._reduces:
            return None
        if workers is None:
            return functools.partial(executions, self.run)
        return functools.partial(self._shared, workers)

    def _shared(self, workers: Workers, bound: int | None) -> Iterator[Executed]:
        """Give what the workers execute, and take note of it as if it were done here."""
        scheduler = self.scheduler
        assumptions = frozenset(scheduler.disproved)
        try:
            for each in shared_executions(workers, assumptions, bound, self._look):
                self.count += 1
                scheduler.held_back |= each.noted.held_back
                scheduler.unknown.update(dict(each.noted.unknown))
                scheduler.steps = each.noted.steps
                yield each
        except Disproved as by_one:
            scheduler.disproved |= by_one.assumptions
            self._reduces = by_one.reducible
            raise RestartSearch from None

    def _look(self) -> None:
        """Say that workers are waited for, which are watched themselves."""
        if self.scheduler.closed:
            raise InterruptedError("the exploration has been ended")
        self.scheduler.awaited += 1
        self.scheduler.traced = None  # so that what runs here meanwhile is not looked into
        self._shares = True

    def take_turn(self, turn: Turn, request: Request, look: Callable[[], None]) -> bool:
        """Explore a part of a search; return whether this can be done again."""
        if self._assumed_not != request.assumptions:
            self._assume_not(request.assumptions)
        self._noted()  # what an execution left that was ended

        def fails(schedule: TracedSchedule) -> bool:
            try:
                return self.run(schedule)
            except RestartSearch:
                more = frozenset(self.scheduler.disproved - request.assumptions)
                self._assume_not(request.assumptions)
                if more or not self._reduces:
                    raise Disproved(more, self._reduces) from None
                raise OnceMore from None  # it had only not met the code

        new = DescribedSchedule.at
        try:
            explore = functools.partial(take_turn, turn, request, new, fails, self._noted)
            supervise(self.scheduler, explore, look)
        except Exception as problem:
            turn.problem = problem
        return not self.scheduler.closed

    def _assume_not(self, disproved: Assumptions) -> None:
        """Make no assumption that was disproved, and every other."""
        self.scheduler.disproved = set(disproved)
        self._assumed_not = disproved
        self.step(ONE_THREAD in disproved)

    def _noted(self) -> Noted:
        scheduler = self.scheduler
        noted = Noted(scheduler.held_back, tuple(scheduler.unknown.items()), scheduler.steps)
        scheduler.held_back = False
        scheduler.unknown.clear()
        return noted

    def _verdict(self, result: Result) -> Exploration:
        self._cancellable.insist_on_names()
        return Exploration(
            result.found.schedules,
            result.found.failing,
            result.found.exhausted,
            result.found.bound,
            self._subject.reading,
            self._subject.scope.stepped,
            result.witness,
            self._counted(),
            self.count,
            reduced=self._reduces,
            unknown=_commonest(self.scheduler.unknown),
            held_back=self.scheduler.held_back,
            beyond=result.found.beyond,
            over=result.over,
            found_by=result.found_by,
            sampled=result.sampled,
            predictions=result.predictions,
            unstepped=self._subject.scope.unstepped,
            check_failed=self._check_failed if result.witness is not None else "",
            alone=ONE_THREAD not in self.scheduler.disproved and not self.tasks.loops,
            cancellations=self.tasks.cancellations,
            cancelled=tuple(self.tasks.offered),
        )

    def run(self, schedule: Schedule) -> bool:
        """Execute a schedule, and say whether it fails."""
        self.count += 1
        outcome = self.execute(schedule)
        self._insist_on_threads()
        return self._fails(outcome)

    def _insist_on_threads(self) -> None:
        """Search without reduction where the choices are no orders of threads."""
        if self._reduces and self.tasks.loops:
            self._reduces = False
            raise RestartSearch

    def watch(self) -> WatchedSchedule:
        """Execute the first schedule, and take note of who touches what."""
        while True:
            self.step(True)  # for tasks share within one thread
            try:
                schedule = WatchedSchedule(self.scheduler)
                self.execute(schedule)
                return schedule
            except RestartSearch:
                continue

    def record(self, schedule: TrialSchedule) -> bool:
        """Execute a schedule that is told of each bytecode, and say whether it fails."""
        self.scheduler.recorder = schedule
        self.step(True)
        try:
            return self.run(schedule)
        finally:
            self.scheduler.recorder = None

    def orders_threads(self) -> bool:
        """Whether the choices of an execution are orders of threads, and no others."""
        return ONE_THREAD in self.scheduler.disproved and not self.tasks.loops

    def points(self, code: CodeType) -> dict[int, Point]:
        """Return the points of a code object, by offset."""
        known = self._points.get(code)
        if known is None:
            known = self._points[code] = points_of(code, self._facts)
        return known

    def apart(self, work: Callable[[], T]) -> T:
        """Do work that may disprove assumptions of its own: it alone begins anew then."""
        before = set(self.scheduler.disproved)
        self._step_afresh()
        try:
            while True:
                try:
                    return work()
                except RestartSearch:
                    self.step(ONE_THREAD in self.scheduler.disproved)
        finally:
            self.scheduler.disproved = before
            self._step_afresh()

    def _step_afresh(self) -> None:
        """Forget what is known of code that was met while no steps were traced."""
        if isinstance(self._stepper, Tracer):  # a monitor is told of it again
            self.step(False)
        self.step(ONE_THREAD in self.scheduler.disproved)

    def replay(self, witness: Witness) -> Outcome:
        """Run the witness's schedule under the assumptions of the search that found it.

        Raises Diverged where it does not fit, when it has been followed as far as it goes.
        """
        assumptions = set(witness.assumptions)
        scheduler = self.scheduler
        misfit = ""
        outcome: Outcome | None = None
        schedule = FollowedSchedule(witness.choices, witness.sites, _described_site)
        self.step(ONE_THREAD in assumptions)
        while outcome is None:
            scheduler.disproved = set(assumptions)
            schedule.begin_anew()
            scheduler.observer = Recorder(self.points, scheduler, self.tasks)
            try:
                outcome = self.execute(schedule)
            except RestartSearch:
                new = scheduler.disproved - assumptions
                if any(key[0] != "code" for key in new):
                    shared = ", ".join(sorted(" ".join(map(str, key)) for key in new))
                    misfit = misfit or f"what it shares is more than it was: {shared}"
                assumptions |= new
                self.step(ONE_THREAD in assumptions)
            finally:
                scheduler.observer = None
        misfit = misfit or schedule.misfit
        if misfit:
            fails = self._fails(outcome)
            raise Diverged(
                no_longer_fits(misfit, witness.steps, witness.outcome, outcome, fails=fails)
            )
        return outcome

    def execute(self, schedule: Schedule) -> Outcome:
        """Execute the program once, from the state in which it was at first."""
        if self._shares:
            self._shares = False
            self.step(ONE_THREAD in self.scheduler.disproved)
        traced = isinstance(schedule, TracedSchedule)
        if traced and not self._traced and self._stepper is not None:
            self._stepper.renew()  # what was no point of a plain execution is looked at now
        self._traced = traced
        self._reading.begin()
        self.ambient_state.set_back()
        if self.scheduler.executions % BETWEEN_COLLECTIONS == BETWEEN_COLLECTIONS - 1:
            gc.collect()
        return self.scheduler.execute(self._program_once, schedule)

    def _fails(self, outcome: Outcome) -> bool:
        match outcome:
            case Returned(value):
                if self._subject.check is None:
                    return bool(self.scheduler.died)
                lost = any(each.type != SWALLOWED for each in self.scheduler.died)
                return lost or not self._calls_right(self._subject.check, value)
            case Raised(type="CancelledError"):
                return not self.tasks.interfered
            case Unfinished() if self.scheduler.slow:  # it may only make up for lost time
                self.scheduler.held_back = True
                return False
        return True

    def _calls_right(self, check: Check, value: Any) -> bool:
        """Ask the check, which knew what to say of the value of the first schedule."""
        try:
            return judge(check, value)
        except CheckFailed as problem:
            self._check_failed = str(problem)
            return False

    def _counted(self) -> str:
        return "departure" if self.tasks.loops else "preemption"

    def _repeat(self, choices: Sequence[int], *, traced: bool) -> tuple[Schedule, Outcome]:
        """Execute a schedule that others may have found: not all code need have been met here."""
        known = frozenset(self.scheduler.disproved)
        while True:
            schedule = (TracedSchedule if traced else Schedule)(tuple(choices))
            try:
                return schedule, self.execute(schedule)
            except RestartSearch:
                if self.scheduler.disproved - known:
                    raise
                self.step(ONE_THREAD in known)

    def witness(self, choices: Sequence[int], tries: int, *, traced: bool) -> Witness:
        """Shrink the failing schedule and execute it once more to write down what happens."""
        on_greenlets = self.scheduler.use_real_threads()  # which are the judge
        try:
            schedule, outcome = self._repeat(choices, traced=traced and not self.tasks.loops)
            fails_again = self._fails(outcome)
        except Diverged:
            if on_greenlets:
                raise RestartSearch from None
            raise
        if not fails_again:
            if on_greenlets:
                raise RestartSearch
            raise Diverged(
                "a failing schedule does not fail when it is repeated: something that the explorer"
                " does not control decides"
            )

        def fails(shorter: S) -> S | None:
            before = set(self.scheduler.disproved)
            try:
                again = self.execute(shorter)
            except Diverged:
                return None
            except RestartSearch:  # it leads elsewhere, where other things are shared
                self.scheduler.disproved = before
                return None
            return shorter if type(again) is type(outcome) and self._fails(again) else None

        if isinstance(schedule, TracedSchedule) and not self.tasks.loops:
            schedule = straighten(lambda order: fails(OrderedSchedule(order)), schedule, tries)
        schedule = shrink(lambda choices: fails(Schedule(choices)), schedule, tries)
        while True:
            recorder = Recorder(self.points, self.scheduler, self.tasks)
            self.scheduler.recorder = self.scheduler.observer = recorder
            self.step(True)
            try:
                recorded = RecordedSchedule(
                    recorder, self.scheduler, schedule.choices, schedule.sites
                )
                outcome = self.execute(recorded)
                break
            except RestartSearch:  # code that had not been met while nothing was stepped
                continue
            finally:
                self.scheduler.recorder = self.scheduler.observer = None
        self.step(ONE_THREAD in self.scheduler.disproved)
        return Witness(
            self.name,
            tuple(schedule.choices),
            _described(schedule.sites),
            tuple(sorted(self.scheduler.disproved, key=repr)),
            schedule.preemptions,
            outcome,
            tuple(self.scheduler.died),
            self._subject.reading,
            self._subject.scope.stepped,
            python_version(),
            recorder.steps(outcome, self.scheduler.died),
            self.tasks.cancellations,
            self._counted(),
            cancel=self._cancellable.names,
            turns=tuple(recorder.turns.turns),
            coming=tuple(recorder.turns.coming),
            timeouts=self.scheduler.timeouts,
            needs_timeout=self.scheduler.early > 0,
            holds=recorder.holds(),
        )


def _commonest(unknown: Counter[str]) -> tuple[str, ...]:
    """Name what was done most often that touches everything."""
    ordered = sorted(unknown.items(), key=lambda each: (-each[1], each[0]))
    return tuple(what for what, _ in ordered[:5])


def _described(sites: Iterable[Any]) -> tuple[str, ...]:
    """Say where each choice was made, in the same words in every process."""
    return tuple(map(_described_site, sites))


def _described_site(site: Any) -> str:
    thread, what = site
    return f"{thread}: {_what(what)}"


def _what(what: Any) -> str:
    match what:
        case Point(code=code, opname=opname, offset=offset):
            return f"{opname} at {code.co_qualname}+{offset}"
        case CodeType(co_qualname=name):
            return f"entry of {name}"
    return " ".join(map(str, what))


def has_gil() -> bool:
    """Whether this build runs one thread at a time."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def python_version() -> str:
    """Return the version of Python of which a witness is: 3.13, or 3.13t without the GIL."""
    free = "" if has_gil() else "t"
    return f"{sys.version_info.major}.{sys.version_info.minor}{free}"

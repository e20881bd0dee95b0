"""Explores a program: every schedule up to a bound, the verdict, and the witness of a failure."""

import functools
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import inf
from types import CodeType
from typing import Any, Literal, TypeVar

from conlab.errors import UserError
from conlab.explorer.following import FollowedSchedule, no_longer_fits
from conlab.explorer.modelling import modelled
from conlab.explorer.outcomes import SWALLOWED, Outcome, Raised, Returned, Unfinished
from conlab.explorer.program import (
    Check,
    CheckFailed,
    Program,
    insist_on_check,
    insist_on_program,
    judge,
    origin_of,
    run_to_its_end,
)
from conlab.explorer.recorder import RecordedSchedule, Recorder
from conlab.explorer.sameness import Rehearsal, insist_on_sameness, told_of, what_differs
from conlab.explorer.scope import Scope, Steppable, scope_of
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
from conlab.explorer.serial import explore_serially
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
from conlab.explorer.threads.engines import choose_engine
from conlab.explorer.threads.scheduler import ONE_THREAD, RestartSearch, Scheduler, Undivided
from conlab.explorer.threads.watchdog import supervise
from conlab.explorer.verdict import Exploration
from conlab.explorer.witness import Witness
from conlab.explorer.workers import TakeTurn, Workers

ReadingName = Literal["gil", "bytecode"]
EngineName = Literal["threads", "greenlets"]
Serial = Literal["serial"]
T = TypeVar("T")
S = TypeVar("S", bound=Schedule)
# Executions; the collector is off meanwhile, as what it frees may run code.
BETWEEN_COLLECTIONS = 200
UNDER_THE_GIL = 1 / 3  # of the budget: to see whether a failure needs the reading ``bytecode``
FEW_UNDER_THE_GIL = 300  # schedules for that, or as many as have been executed before


def explore(
    program: Program,
    *,
    check: Check | Serial | None = None,
    reading: ReadingName = "bytecode",
    bound: int | None = 2,
    stepped: Iterable[Steppable] | None = None,
    step: Iterable[Steppable] = (),
    limit: int = 20_000,
    schedules: int = 1_000_000,
    seconds: float | None = None,
    count_on: int | None = 1_000,
    specialised: bool = False,
    cancellations: int = 0,
    cancel: Sequence[str] = (),
    timeouts: bool = True,
    reduction: bool = True,
    sample: int | None = None,
    seed: int = 0,
    engine: EngineName = "threads",
    processes: int = 1,
    undivided: Undivided | None = None,
    found: Callable[[Witness], None] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
) -> Exploration:
    """Run ``program`` under every schedule of at most ``bound`` preemptions, the fewest first.

    With ``check="serial"`` what the program returns must be what some serial order of its threads
    returns, in which each runs from its start to its end.

    With ``reduction`` one schedule is run of those that differ in the order of independent steps
    only; and where it is soon done, every number of preemptions is searched, whatever the bound.

    By default every file of the reader's project that the program imports is stepped, also one that
    it imports while it runs; ``step`` adds modules, packages, names of them, and paths of files,
    and ``stepped`` names such in the place of the default. The state of the project's modules is
    set back before each execution, stepped or not.

    The first schedule is executed twice before anything is searched, and where the two differ there
    is no verdict. A failure in the reading ``bytecode`` is looked for in ``gil`` as well, and the
    verdict says so where it cannot happen there: then this build is safe by accident.

    ``limit`` is the most steps of one execution, ``schedules`` the most schedules, ``seconds`` how
    long the search may take; ``count_on`` are the most schedules after the first failing one, or
    None for every one up to ``bound`` whatever fails. A budget of schedules gives the same verdict
    each time, one of seconds does not. A third of it is kept for a search that comes to no end:
    then schedules are drawn by chance, from ``seed``, with any number of preemptions. With
    ``sample`` so many are drawn and nothing is searched.

    With ``specialised`` the reading ``gil`` takes every call for one that CPython has specialised
    already; otherwise the first few of each execution are cold, as in a fresh process. The tasks
    that the program makes itself are cancelled from outside up to ``cancellations`` times an
    execution, at each turn; a CancelledError that then comes out of the program is no failure.
    ``cancel`` names others instead, by the name of the task or of its coroutine; then it is once,
    at least. Without ``timeouts`` none comes, and no step is slow, while somebody can go on: that
    is for who waits a minute only to be safe. ``engine`` is
    on what the threads run: greenlets, on trial, are faster and give no other verdict; they need
    the library, and a program that does nothing that is bound to a real thread.

    A search with ``reduction`` is shared by so many ``processes``, and finds what one finds.

    ``undivided="calls"`` makes each call of a stepped file one step: a switch comes between two of
    them, or where one waits. What fails all the same is no fault of the code that is called.
    ``undivided="threads"`` switches only where a thread waits or ends: the serial orders.

    ``found`` is called with the witness of the first failing schedule at once, and again if one
    with fewer preemptions comes. ``progress`` is called ten times a second with the number of
    executions so far. Raises UserError for arguments that cannot be, Uncontrolled, Diverged or
    CheckFailed when there can be no verdict.
    """
    if reading not in ("gil", "bytecode"):
        raise UserError(f"there is no reading {reading!r}: say 'gil' or 'bytecode'")
    if bound is not None and bound < 0:
        raise UserError(f"a bound of {bound} preemptions makes no sense: say 0, more, or None")
    if cancellations < 0:
        raise UserError(f"{cancellations} cancellations make no sense: say 0 or more")
    if sample is not None and sample < 1:
        raise UserError(f"to sample {sample} schedules makes no sense: say 1 or more")
    if seconds is not None and seconds <= 0:
        raise UserError(f"{seconds:g} seconds make no sense: say more than 0")
    if processes < 1:
        raise UserError(f"{processes} processes make no sense: say 1 or more")
    if undivided and processes > 1:
        raise UserError(f"a search of undivided {undivided} is not shared: say processes=1")
    if check == "serial":
        given = dict(locals())  # the arguments: nothing else has a name yet
        del given["program"], given["check"]
        return explore_serially(explore, program, **given)
    insist_on_program(program)
    if check is not None:
        insist_on_check(check)
    cancellable = Cancellable(program, cancel)
    if cancellable.names:
        cancellations = max(cancellations, 1)
    scope = scope_of(program, stepped, step)

    def search(
        scope: Scope,
        limits: Limits,
        reading: ReadingName,
        found: Callable[[Witness], None] = found,
        processes: int = processes,
    ) -> Exploration:
        cancel = cancellations, cancellable.names
        what = program, check, reading, scope, limit, *cancel, timeouts
        with ExitStack() as stack:
            workers: Workers | None = None
            if reduction and processes > 1 and sample is None:
                turns = functools.partial(_turns, *what, specialised=specialised)
                workers = stack.enter_context(Workers(processes, turns))
            session = stack.enter_context(_session(*what))
            session.specialised(specialised)
            session.scheduler.undivided = undivided
            choose_engine(session.scheduler, engine)
            return supervise(
                session.scheduler,
                lambda: session.explore(limits, reduction, found, workers),
                lambda: progress(session.count),
            )

    limits = Limits(bound, schedules, seconds, count_on, sample, seed)
    exploration: Exploration | None = None
    while exploration is None:
        try:
            exploration = search(scope, limits, reading)
        except Imported as new:
            scope = scope.with_imported(new.modules)
    if not _might_be_safe_by_accident(exploration):
        return exploration
    # The same search where this build was seen to switch, within a part of the budget.
    limits = Limits(
        bound,
        min(int(schedules * UNDER_THE_GIL) + 1, max(exploration.executions, FEW_UNDER_THE_GIL)),
        None if seconds is None else seconds * UNDER_THE_GIL,
        0,
        None,
        seed,
    )
    return replace(exploration, under_gil=search(scope, limits, "gil", lambda _: None, 1))


def _might_be_safe_by_accident(exploration: Exploration) -> bool:
    """Whether a failure might be none where a switch is possible in few places only.

    Tasks alone switch at an await, in either reading; and a build without the GIL is never safe by
    that.
    """
    return bool(
        exploration.failing
        and exploration.reading == "bytecode"
        and exploration.counted == "preemption"
        and not exploration.alone
        and exploration.witness is not None
        and exploration.witness.preemptions
        and has_gil()
    )


def replay(
    witness: Witness, program: Program, *, check: Check | None = None, limit: int = 20_000
) -> Outcome:
    """Run ``program`` once more under the witness's schedule and return how that ends.

    Raises Diverged when the program does not meet the same choices.
    """
    if witness.python != _python():
        raise UserError(
            f"the witness is of Python {witness.python} and this is {_python()}: their schedules"
            " differ"
        )
    insist_on_program(program)
    scope = replace(scope_of(program, None), stepped=witness.stepped, grows=False)
    cancel = witness.cancellations, witness.cancel, witness.timeouts
    what = program, check, witness.reading, scope, limit, *cancel
    with _session(*what) as session:
        return supervise(session.scheduler, lambda: session.replay(witness), lambda: None)


def shared_things(
    program: Program,
    names: Iterable[str],
    *,
    stepped: Iterable[Steppable] | None = None,
    limit: int = 20_000,
) -> tuple[str, ...]:
    """Name what those threads or tasks of a program share that have these names.

    That is what at least two of them touch and one writes, under the program's first schedule. It
    is no verdict: another schedule may lead elsewhere.
    """
    scope = scope_of(program, stepped)
    with _session(program, None, "bytecode", scope, limit, 0) as session:
        watched = supervise(session.scheduler, session.watch, lambda: None)
        return watched.shared_by(names)


@contextmanager
def _turns(*what: Any, specialised: bool) -> Iterator[TakeTurn]:
    """Give what takes a worker's turns."""
    with _session(*what) as session:
        session.specialised(specialised)
        yield session.take_turn


@contextmanager
def _session(
    program: Program,
    check: Check | None,
    reading: str,
    scope: Scope,
    limit: int,
    cancellations: int,
    cancel: tuple[str, ...] = (),
    timeouts: bool = True,
) -> Iterator["_Session"]:
    with ExitStack() as stack:
        session = _Session(program, check, reading, scope, limit, cancellations, cancel)
        session.scheduler.timeouts = timeouts
        stack.callback(session.scheduler.close)
        session.ambient_state = stack.enter_context(
            modelled(session.scheduler, program, session.tasks)
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


class _Session:
    ambient_state: AmbientState

    def __init__(
        self,
        program: Program,
        check: Check | None,
        reading: str,
        scope: Scope,
        limit: int,
        cancellations: int,
        cancel: tuple[str, ...],
    ) -> None:
        files = scope.stepped
        self.count = 0
        self._reduces = True
        self._shares = False  # whether others have executed since this session has
        self._assumed_not: Assumptions = frozenset()
        self._program = program
        self._check = check
        self._check_failed = ""  # what the check did instead of judging a value
        self._name = reading
        self._scope = scope
        self._files = files
        scheduler = self.scheduler = Scheduler(
            stepped=frozenset(files), limit=limit, project=frozenset(scope.project)
        )
        scheduler.takes = scope.takes
        self._program_once = run_to_its_end(program, scheduler.refuse)
        self._facts = read_facts(files)
        self._reading: Bytecode | Gil
        if reading == "bytecode":
            self._reading = Bytecode(scheduler, self._facts)
        else:
            self._reading = Gil(scheduler, switches_here(), self._facts)
            scheduler.after_release = True
        self._cancellable = Cancellable(program, cancel)
        self.tasks = KnownTasks(scheduler, self._cancellable, cancellations)
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

    def specialised(self, already: bool) -> None:
        """Say whether the reading ``gil`` takes every call for a specialised one."""
        if already and isinstance(self._reading, Gil):
            self._reading.warm()

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
        if self._scope.with_imported(self.scheduler.imported) != self._scope:
            raise Imported(self.scheduler.imported)

    @property
    def name(self) -> str:
        """What the program is called."""
        return origin_of(self._program).name

    @property
    def program(self) -> Program:
        """What is executed."""
        return self._program

    def rehearse(self) -> Rehearsal:
        """Execute the first schedule, beginning anew as often as an assumption proves false.

        What was executed before that is told of as well: it may have changed what outlives it.
        """
        before: list[Rehearsal] = []
        while True:
            schedule = TracedSchedule() if self._reduces else Schedule()
            outcome: Outcome | None = None
            try:
                outcome = self._execute(schedule)
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
        if isinstance(outcome, Returned) and self._check is not None:
            right = judge(self._check, outcome.value)
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
                    self._execute(Schedule())
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
            self._name,
            self._files,
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
            unstepped=self._scope.unstepped,
            check_failed=self._check_failed if result.witness is not None else "",
            alone=ONE_THREAD not in self.scheduler.disproved and not self.tasks.loops,
            cancellations=self.tasks.cancellations,
            cancelled=tuple(self.tasks.offered),
        )

    def run(self, schedule: Schedule) -> bool:
        """Execute a schedule, and say whether it fails."""
        self.count += 1
        outcome = self._execute(schedule)
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
                self._execute(schedule)
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
                outcome = self._execute(schedule)
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

    def _execute(self, schedule: Schedule) -> Outcome:
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
                if self._check is None:
                    return bool(self.scheduler.died)
                lost = any(each.type != SWALLOWED for each in self.scheduler.died)
                return lost or not self._calls_right(value)
            case Raised(type="CancelledError"):
                return not self.tasks.interfered
            case Unfinished() if self.scheduler.slow:  # it may only make up for lost time
                self.scheduler.held_back = True
                return False
        return True

    def _calls_right(self, value: Any) -> bool:
        """Ask the check, which knew what to say of the value of the first schedule."""
        assert self._check is not None
        try:
            return judge(self._check, value)
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
                return schedule, self._execute(schedule)
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
                again = self._execute(shorter)
            except Diverged:
                return None
            except RestartSearch:  # it leads elsewhere, where other things are shared
                self.scheduler.disproved = before
                return None
            return shorter if type(again) is type(outcome) and self._fails(again) else None

        if isinstance(schedule, TracedSchedule) and not self.tasks.loops:
            schedule = straighten(lambda order: fails(OrderedSchedule(order)), schedule, tries)
        schedule = shrink(lambda choices: fails(Schedule(choices)), schedule, tries)
        points = functools.cache(lambda code: points_of(code, self._facts))
        while True:
            recorder = Recorder(points, self.scheduler, self.tasks)
            self.scheduler.recorder = self.scheduler.observer = recorder
            self.step(True)
            try:
                recorded = RecordedSchedule(
                    recorder, self.scheduler, schedule.choices, schedule.sites
                )
                outcome = self._execute(recorded)
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
            self._name,
            self._files,
            _python(),
            recorder.steps(outcome, self.scheduler.died),
            self.tasks.cancellations,
            self._counted(),
            cancel=self._cancellable.names,
            turns=tuple(recorder.turns.turns),
            coming=tuple(recorder.turns.coming),
            timeouts=self.scheduler.timeouts,
            needs_timeout=self.scheduler.early > 0,
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


def _python() -> str:
    free = "" if has_gil() else "t"
    return f"{sys.version_info.major}.{sys.version_info.minor}{free}"

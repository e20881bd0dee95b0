"""Explores a program: every schedule up to a bound, the verdict, and the witness of a failure."""

import asyncio
import functools
import gc
import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any, Literal

from conlab.errors import UserError
from conlab.explorer.modelling import modelled
from conlab.explorer.outcomes import SWALLOWED, Outcome, Raised, Returned
from conlab.explorer.recorder import Recorder
from conlab.explorer.search.deepening import Executions, Found, search
from conlab.explorer.search.enumeration import enumerate_schedules
from conlab.explorer.search.reduction import Branch, Executed, TracedSchedule, Unknown, executions
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
from conlab.explorer.search.shrinking import shrink
from conlab.explorer.stepping.facts import read_facts
from conlab.explorer.stepping.monitor import Monitor
from conlab.explorer.stepping.points import Point, points_of
from conlab.explorer.stepping.readings import Bytecode, Gil
from conlab.explorer.stepping.stepper import Unstepped
from conlab.explorer.stepping.switches import switches_here
from conlab.explorer.stepping.tracer import Tracer
from conlab.explorer.tasks.known_tasks import KnownTasks
from conlab.explorer.threads.ambient_state import AmbientState
from conlab.explorer.threads.scheduler import (
    MOST_TIMEOUTS,
    ONE_THREAD,
    Assumption,
    RestartSearch,
    Scheduler,
)
from conlab.explorer.threads.watchdog import supervise
from conlab.explorer.witness import Witness
from conlab.explorer.workers import TakeTurn, Workers

ReadingName = Literal["gil", "bytecode"]
Program = Callable[[], Any]
Check = Callable[[Any], bool]
# Executions; the collector is off meanwhile, as what it frees may run code.
BETWEEN_COLLECTIONS = 200


@dataclass(frozen=True, slots=True)
class Exploration:
    """The verdict: of so many schedules so many fail, and what was and was not looked at.

    ``exhausted`` is true only when every schedule of up to ``bound`` preemptions was executed (of
    any number of them when ``bound`` is None), in ``reading``, with switches in the ``stepped``
    files. With ``reduced``, of schedules that differ in the order of independent steps only, one
    was: ``schedules`` and ``failing`` count those that differ in more, ``executions`` what was run,
    and ``unknown`` names the commonest operations that were taken to depend on everything. Then
    ``bound`` is, of a search that is not exhausted, up to where it is (None: nowhere), and
    ``held_back`` says that some loop only waited and was not let turn for ever. For a program with
    an event loop ``counted`` says departures, of which a preemption is one.
    """

    schedules: int
    failing: int
    exhausted: bool
    bound: int | None
    reading: str
    stepped: tuple[str, ...]
    witness: Witness | None
    counted: str = "preemption"
    executions: int = 0
    reduced: bool = False
    unknown: tuple[str, ...] = ()
    held_back: bool = False

    def __str__(self) -> str:
        """Say the verdict in one sentence, with its bounds."""
        terms = f"({', '.join(self._terms())})"
        plural = "" if self.schedules == 1 else "s"
        schedules = f"{self.schedules} schedule{plural}"
        differing = " that differ" if self.reduced and plural else ""
        if self.failing:
            return f"fails in {self.failing} of {schedules}{differing} {terms}"
        if self.exhausted:
            return f"passes every schedule, {self.schedules}{differing or ' in all'} {terms}"
        return f"passes the {schedules} that were run, and there are more {terms}"

    def _terms(self) -> Iterator[str]:
        """Say how far the verdict goes."""
        bound = "any number of" if self.bound is None else f"up to {self.bound}"
        if self.reduced and not self.exhausted and self.bound is None:
            yield f"complete up to no number of {self.counted}s"
        elif self.reduced and not self.exhausted:
            yield f"complete {bound} {self.counted}{'' if self.bound == 1 else 's'}"
        else:
            yield f"{bound} {self.counted}{'' if self.bound == 1 else 's'}"
        if self.held_back and self.bound is None:
            yield f"no loop that only waits over {MOST_TIMEOUTS} turns ahead of the others"
        yield f"reading {self.reading}"
        if not self.exhausted:
            yield "not exhausted"


def explore(
    program: Program,
    *,
    check: Check | None = None,
    reading: ReadingName = "gil",
    bound: int | None = 2,
    stepped: Iterable[str | Path] | None = None,
    limit: int = 20_000,
    schedules: int = 1_000_000,
    count_on: int | None = 1_000,
    specialised: bool = False,
    cancellations: int = 0,
    reduction: bool = False,
    processes: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Exploration:
    """Run ``program`` under every schedule of at most ``bound`` preemptions, the fewest first.

    With ``reduction`` one schedule is run of those that differ in the order of independent steps
    only; and where it is soon done, every number of preemptions is searched, whatever the bound.

    ``limit`` is the most steps of one execution, ``schedules`` the most schedules, ``count_on`` the
    most after the first failing one, or None for every one up to ``bound`` whatever fails. With
    ``specialised`` the reading ``gil`` takes every call for one that CPython has specialised
    already; otherwise the first few of each execution are cold, as in a fresh process. A task other
    than the main one is cancelled from outside up to ``cancellations`` times an execution, at each
    of its awaits; a CancelledError that then comes out of the program is no failure. A search with
    ``reduction`` is shared by so many ``processes``, and finds the same as by one. ``progress`` is
    called ten times a second with the number of schedules so far. Raises UserError for arguments
    that cannot be, Uncontrolled or Diverged when there can be no verdict.
    """
    if reading not in ("gil", "bytecode"):
        raise UserError(f"there is no reading {reading!r}: say 'gil' or 'bytecode'")
    if bound is not None and bound < 0:
        raise UserError(f"a bound of {bound} preemptions makes no sense: say 0, more, or None")
    if cancellations < 0:
        raise UserError(f"{cancellations} cancellations make no sense: say 0 or more")
    if processes < 1:
        raise UserError(f"{processes} processes make no sense: say 1 or more")
    files = _stepped_files(program, stepped)
    what = program, check, reading, files, limit, cancellations
    disproved: set[Assumption] = set()
    while reduction and processes > 1:
        turns = functools.partial(_turns, *what, specialised=specialised)
        with Workers(processes, turns, progress) as workers:
            found, tally = _share(workers, disproved, bound, schedules, count_on)
        if found is None:
            reduction = False
            break
        with _session(*what) as session:
            session.specialised(specialised)
            session.assume_not(frozenset(disproved))
            verdict = functools.partial(session.shared_verdict, found, tally)
            try:
                return supervise(session.scheduler, verdict, lambda: None)
            except RestartSearch:
                disproved |= session.scheduler.disproved
    with _session(*what) as session:
        session.specialised(specialised)
        session.assume_not(frozenset(disproved))
        return supervise(
            session.scheduler,
            lambda: session.explore(bound, schedules, count_on, reduction),
            lambda: progress(session.count),
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
    files, cancellations = witness.stepped, witness.cancellations
    with _session(program, check, witness.reading, files, limit, cancellations) as session:
        return supervise(session.scheduler, lambda: session.replay(witness), lambda: None)


def _share(
    workers: Workers,
    disproved: set[Assumption],
    bound: int | None,
    schedules: int,
    count_on: int | None,
) -> "tuple[Found | None, Tally]":
    """Have workers search, beginning anew as often as an assumption proves false.

    Finds nothing where the choices are no orders of threads.
    """
    while True:
        tally = Tally()
        shared = functools.partial(shared_executions, workers, frozenset(disproved))
        try:
            return search(tally.of(shared), bound, schedules, count_on), tally
        except Disproved as by_one:
            disproved |= by_one.assumptions
            if not by_one.reducible:
                return None, tally


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
    files: tuple[str, ...],
    limit: int,
    cancellations: int,
) -> Iterator["_Session"]:
    with ExitStack() as stack:
        session = _Session(program, check, reading, files, limit, cancellations)
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


class Tally:
    """Counts executions, and what is to be said of all of them."""

    def __init__(self) -> None:
        self.executions = 0
        self.held_back = False
        self.unknown: Counter[str] = Counter()

    def commonest(self) -> tuple[str, ...]:
        """Name what was done most often that touches everything."""
        unknown = sorted(self.unknown.items(), key=lambda each: (-each[1], each[0]))
        return tuple(what for what, _ in unknown[:5])

    def of(self, executions: Executions) -> Executions:
        """Give the same executions, and count them."""

        def counted(bound: int | None) -> Iterator[Executed]:
            for each in executions(bound):
                self.executions += 1
                self.held_back |= each.held_back
                self.unknown.update(dict(each.unknown))
                yield each

        return counted


class _Session:
    ambient_state: AmbientState

    def __init__(
        self,
        program: Program,
        check: Check | None,
        reading: str,
        files: tuple[str, ...],
        limit: int,
        cancellations: int,
    ) -> None:
        self.count = 0
        self._reduces = True
        self._assumed_not: Assumptions = frozenset()
        self._program = program
        self._program_once = program
        if inspect.iscoroutinefunction(program):
            self._program_once = lambda: asyncio.run(program())
        self._check = check
        self._name = reading
        self._files = files
        scheduler = self.scheduler = Scheduler(stepped=frozenset(files), limit=limit)
        self._facts = read_facts(files)
        self._reading: Bytecode | Gil
        if reading == "bytecode":
            self._reading = Bytecode(scheduler, self._facts)
        else:
            self._reading = Gil(scheduler, switches_here(), self._facts)
            scheduler.after_release = True
        self.tasks = KnownTasks(scheduler, cancellations)
        self._stepper: Tracer | Monitor | None = None
        scheduler.stepper = Unstepped()

    def step(self, on: bool) -> None:
        """Have the bytecodes of the stepped files met, or cease to; afresh if they were already."""
        if self._stepper is not None and on:
            self._stepper.renew()
        elif on:
            kind = Tracer if sys.version_info < (3, 12) else Monitor
            self.scheduler.stepper = self._stepper = kind(self.scheduler, self._reading)
            self._stepper.install()
        elif self._stepper is not None:
            self._stepper.remove()
            self._stepper, self.scheduler.stepper = None, Unstepped()

    def specialised(self, already: bool) -> None:
        """Say whether the reading ``gil`` takes every call for a specialised one."""
        if already and isinstance(self._reading, Gil):
            self._reading.warm()

    def explore(
        self, bound: int | None, schedules: int, count_on: int | None, reduction: bool
    ) -> Exploration:
        """Search, beginning anew as often as an assumption proves false."""
        self._reduces = reduction
        while True:
            self.count = 0
            self.scheduler.held_back = False
            self.scheduler.unknown.clear()
            try:
                kind = self._reduce if self._reduces else self._enumerate
                return kind(bound, schedules, count_on)
            except RestartSearch:
                self.step(ONE_THREAD in self.scheduler.disproved)

    def replay(self, witness: Witness) -> Outcome:
        """Run the witness's schedule under the assumptions of the search that found it."""
        assumptions = set(witness.assumptions)
        self.step(ONE_THREAD in assumptions)
        while True:
            self.scheduler.disproved = set(assumptions)
            schedule = Schedule(witness.choices)
            try:
                outcome = self._execute(schedule)
            except RestartSearch:
                new = self.scheduler.disproved - assumptions
                if any(key[0] != "code" for key in new):
                    raise Diverged(
                        f"the program of the witness shared other things: {sorted(new, key=repr)}"
                    ) from None
                assumptions |= new
                self.step(ONE_THREAD in assumptions)
                continue
            met = _described(schedule.sites)
            for at, (was, now) in enumerate(zip(witness.sites, met, strict=False)):
                if was != now:
                    raise Diverged(
                        f"choice {at + 1} of the witness was at {was} and is at {now} now"
                    )
            if len(met) != len(witness.sites):
                raise Diverged(
                    f"the witness has {len(witness.sites)} choices, the program met {len(met)} now"
                )
            return outcome

    def _execute(self, schedule: Schedule) -> Outcome:
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
                return lost or not self._check(value)
            case Raised(type="CancelledError"):
                return not self.tasks.interfered
        return True

    def _reduce(self, bound: int | None, schedules: int, count_on: int | None) -> Exploration:
        tally = Tally()
        counted = tally.of(functools.partial(executions, self._fails_under, self._noted))
        return self.verdict(search(counted, bound, schedules, count_on), tally)

    def _fails_under(self, schedule: TracedSchedule) -> bool:
        self.count += 1
        outcome = self._execute(schedule)
        if self.tasks.loops:  # whose choices are no orders of threads
            self._reduces = False
            raise RestartSearch
        return self._fails(outcome)

    def _noted(self) -> tuple[bool, Unknown]:
        scheduler = self.scheduler
        noted = scheduler.held_back, tuple(scheduler.unknown.items())
        scheduler.held_back = False
        scheduler.unknown.clear()
        return noted

    def verdict(self, found: Found, tally: Tally) -> Exploration:
        """Say what a reduced search has found."""
        witness = None if found.first is None else self._witness(Schedule(found.first.choices))
        return Exploration(
            found.traces,
            found.failing,
            found.exhausted,
            found.bound,
            self._name,
            self._files,
            witness,
            self._counted(),
            tally.executions,
            reduced=True,
            unknown=tally.commonest(),
            held_back=tally.held_back,
        )

    def shared_verdict(self, found: Found, tally: Tally) -> Exploration:
        """Say it where others have searched, and this process may not have met all code."""
        known = frozenset(self.scheduler.disproved)
        while True:
            try:
                return self.verdict(found, tally)
            except RestartSearch:
                if self.scheduler.disproved - known:
                    raise
                self.assume_not(known)

    def assume_not(self, disproved: Assumptions) -> None:
        """Make no assumption that was disproved, and every other."""
        self.scheduler.disproved = set(disproved)
        self._assumed_not = disproved
        self.step(ONE_THREAD in disproved)

    def take_turn(self, turn: Turn, request: Request, look: Callable[[], None]) -> bool:
        """Explore a part of a search; return whether this can be done again."""
        if self._assumed_not != request.assumptions:
            self.assume_not(request.assumptions)
        self._noted()  # what an execution left that was ended

        def fails(schedule: TracedSchedule) -> bool:
            try:
                return self._fails_under(schedule)
            except RestartSearch:
                more = frozenset(self.scheduler.disproved - request.assumptions)
                self.assume_not(request.assumptions)
                if more or not self._reduces:
                    raise Disproved(more, self._reduces) from None
                raise OnceMore from None  # it had only not met the code

        def described(branch: Branch) -> TracedSchedule:
            return DescribedSchedule(branch.choices, branch.sites, branch.asleep, branch.step)

        try:
            explore = functools.partial(take_turn, turn, request, described, fails, self._noted)
            supervise(self.scheduler, explore, look)
        except Exception as problem:
            turn.problem = problem
        return not self.scheduler.closed

    def _enumerate(self, bound: int | None, schedules: int, count_on: int | None) -> Exploration:
        outcome: Outcome | None = None

        def execute(schedule: Schedule) -> None:
            nonlocal outcome
            outcome = self._execute(schedule)

        failing = 0
        first: tuple[Schedule, int] | None = None
        exhausted, reached = True, bound
        for schedule in enumerate_schedules(execute, bound):
            if first is not None and count_on is not None:
                more = self.count - first[1]
                if schedule.preemptions > first[0].preemptions or more >= count_on:
                    exhausted = schedule.preemptions > first[0].preemptions
                    reached = first[0].preemptions
                    break
            self.count += 1
            assert outcome is not None
            if self._fails(outcome):
                failing += 1
                if first is None:
                    first = schedule, self.count
            if self.count >= schedules:
                exhausted = False
                break
        return Exploration(
            self.count,
            failing,
            exhausted,
            reached,
            self._name,
            self._files,
            None if first is None else self._witness(Schedule(first[0].choices, first[0].sites)),
            self._counted(),
            self.count,
            held_back=self.scheduler.held_back,
        )

    def _counted(self) -> str:
        return "departure" if self.tasks.loops else "preemption"

    def _witness(self, schedule: Schedule) -> Witness:
        """Shrink the failing schedule and execute it once more to write down what happens."""
        outcome = self._execute(schedule)
        if not self._fails(outcome):
            raise Diverged(
                "a failing schedule does not fail when it is repeated: something that the explorer"
                " does not control decides"
            )

        def fails(choices: Sequence[int]) -> Schedule | None:
            shorter = Schedule(choices)
            try:
                again = self._execute(shorter)
            except Diverged:
                return None
            return shorter if type(again) is type(outcome) and self._fails(again) else None

        schedule = shrink(fails, schedule)
        points = functools.cache(lambda code: points_of(code, self._facts))
        while True:
            recorder = self.scheduler.recorder = Recorder(points)
            self.step(True)
            try:
                outcome = self._execute(Schedule(schedule.choices, schedule.sites))
                break
            except RestartSearch:  # code that had not been met while nothing was stepped
                continue
            finally:
                self.scheduler.recorder = None
        return Witness(
            _program_name(self._program, self._files),
            tuple(schedule.choices),
            _described(schedule.sites),
            tuple(sorted(self.scheduler.disproved, key=repr)),
            schedule.preemptions,
            outcome,
            tuple(self.scheduler.died),
            self._name,
            self._files,
            _python(),
            recorder.steps(),
            self.tasks.cancellations,
            self._counted(),
        )


def _described(sites: Iterable[Any]) -> tuple[str, ...]:
    """Say where each choice was made, in the same words in every process."""
    return tuple(f"{thread}: {_what(what)}" for thread, what in sites)


def _what(what: Any) -> str:
    match what:
        case Point(code=code, opname=opname, offset=offset):
            return f"{opname} at {code.co_qualname}+{offset}"
        case CodeType(co_qualname=name):
            return f"entry of {name}"
    return " ".join(map(str, what))


def _python() -> str:
    free = "" if getattr(sys, "_is_gil_enabled", lambda: True)() else "t"
    return f"{sys.version_info.major}.{sys.version_info.minor}{free}"


def _program_name(program: Any, files: Sequence[str]) -> str:
    code = _code_of(program)
    if code.co_filename not in files:
        return Path(files[0]).name  # a script, which the command runs by a function of its own
    return f"{Path(code.co_filename).name}:{code.co_qualname}"


def _stepped_files(program: Program, stepped: Iterable[str | Path] | None) -> tuple[str, ...]:
    if stepped is not None:
        return tuple(str(file) for file in stepped)
    return (_code_of(program).co_filename,)


def _code_of(program: Any) -> CodeType:
    inner = program
    while isinstance(inner, functools.partial):
        inner = inner.func
    inner = getattr(inner, "__func__", inner)
    code = getattr(inner, "__code__", None)
    if not isinstance(code, CodeType):
        raise UserError(f"cannot tell in which file {program!r} is defined: pass a Python function")
    return code

"""Measures a cell: rounds that are timed and checked, and a watched round that is neither."""

import gc
import math
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import Any

from conlab.bench import costs, floors, planning, trial
from conlab.bench.checking import OtherResults, check, one_line, try_one_job
from conlab.bench.contention import Look
from conlab.bench.discovery import Cell, Model, Workload
from conlab.bench.evidence import gathering, job_memory
from conlab.bench.evidence.sending import sending
from conlab.bench.first_runs import FirstRuns
from conlab.bench.inputs import Inputs
from conlab.bench.leading import ALPHA
from conlab.bench.measured import Measured, Reference, Start, Watched
from conlab.bench.neighbours import Neighbours, wait_for_quiet
from conlab.bench.peers import Compared
from conlab.bench.peers.memory import Grown
from conlab.bench.readings import memory
from conlab.bench.running import CellAbsent, CellFailed, OpenCell, Tally, handing_over, opened
from conlab.bench.settings import Settings, tracers
from conlab.bench.standstill import Standstill
from conlab.bench.visits import Turns, Visit, hand_over, timed
from conlab.bench.watchdog import watching
from conlab.errors import UserError
from conlab.origin import Log

BUDGET = 0.3  # seconds of timed rounds that a visit gets, if that is not too few rounds
FEWEST_ROUNDS = 1  # of a visit
MOST_ROUNDS = 20
WATCH = 0.25  # seconds to be watched at least: the system counts CPU time in ticks of 10 ms
MOST_WATCHED = 100_000  # jobs, whose times are kept
WAITS = 0.5  # the share of serial's time from which its jobs wait, and do not only compute
SAID_ONCE = "its workload cannot be measured, and why is said once"
ENOUGH = 0.1  # seconds of jobs from which they show whether they wait or compute
START_ROUNDS = 3  # of seconds each where the pool is a cluster


@dataclass(slots=True)
class Matrix:
    """The run: what was measured so far, and what is missing and why.

    ``chosen`` are the cells that are to be measured, by workload. ``before`` is what others took
    before the first visit. ``say`` is told sentences for the reader, ``visiting`` each cell that is
    visited, with the number of the turn.
    """

    settings: Settings
    inputs: Inputs
    chosen: dict[str, list[Cell]] = field(default_factory=dict)
    turns: dict[str, Turns] = field(default_factory=dict)
    failures: dict[Cell, BaseException] = field(default_factory=dict)
    before: Neighbours | None = None
    waited: float = 0.0
    visiting: Callable[[Cell, int], None] = lambda _cell, _turn: None
    measured: list[Measured] = field(default_factory=list)
    absent: list[tuple[Cell, str]] = field(default_factory=list)
    starts: dict[str, Start] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    bandwidth: float = 0.0
    compared: list[Compared] = field(default_factory=list)
    grown: list[Grown] = field(default_factory=list)
    plans: dict[str, planning.Plan] = field(default_factory=dict)  # of the reader's own workloads
    refused: dict[str, str] = field(default_factory=dict)  # these, and what is wrong with each
    began: dict[str, float] = field(default_factory=dict)
    say: Callable[[str], None] = lambda _sentence: None  # at once, beside the tables in the end
    show: Callable[[str], None] = lambda _sentence: None  # for as long as it is true
    levels: dict[str, "Matrix"] = field(default_factory=dict)  # the same with other settings

    def at_level(self, cell: Cell) -> "Matrix":
        """The matrix in which the cell is measured: this one, or that of the cell's level."""
        return self.levels.get(cell.level, self)

    def measure(self, cell: Cell, benchmark: Any) -> None:
        """Measure the cell in turns with the others of its workload; give ``benchmark`` the rounds.

        Where timing is disabled, the cell is run once and checked.

        Raises:
            CellAbsent: the cell cannot be here.
            CellFailed: its pool did not start, broke, or came to a standstill.
            AssertionError: it does other work than serial, or beats its floor.
            UserError: the reader's own workload is wrong, whatever the model.
        """
        if cell.workload.name in self.refused:
            raise CellAbsent(SAID_ONCE)
        if cell.level in self.levels:
            self.levels[cell.level].measure(cell, benchmark)
            return
        try:
            with trial.own_errors(cell.workload) if cell.workload.own else nullcontext():
                self._measure(cell, benchmark)
        except (UserError, OtherResults) as mistake:
            if cell.workload.own:
                self.refuse(cell.workload, mistake)
            raise
        except CellAbsent as reason:
            self.absent.append((cell, str(reason)))
            raise
        except BrokenExecutor as error:
            raise CellFailed(f"{cell.id}: {error}") from error

    def _measure(self, cell: Cell, benchmark: Any) -> None:
        if reason := cell.absent():
            raise CellAbsent(reason)
        if reason := self.inputs.lacking(cell.workload):
            raise CellAbsent(reason)
        reference = self.reference(cell.workload)
        if benchmark.disabled:
            self.try_once(cell, reference)
            return
        try:
            if cell.id not in (turns := self.turns_of(cell)).visits and cell not in self.failures:
                self.take_turns(cell, turns, benchmark, reference)
        finally:  # also where it was interrupted: what was measured so far is there
            benchmark.group = cell.workload.name
            measured = next((one for one in self.measured if one.cell == cell), None)
            if measured:
                hand_over(measured.rounds, benchmark)
                benchmark.extra_info.update(measured.figures())
        if failure := self.failures.pop(cell, None):
            self.turns.pop(cell.id, None)
            raise failure
        assert measured
        floor = measured.floor.seconds if measured.floor else 0.0
        if measured.median + measured.error < floor:
            raise AssertionError(
                f"{cell.id} took {measured.median:.4f} s a round, and its floor is"
                f" {floor:.4f} s: one of the two is wrong"
            )

    def turns_of(self, cell: Cell) -> Turns:
        """The turns of the cell's workload, or its own if no others are chosen."""
        name = cell.workload.name if self.chosen.get(cell.workload.name) else cell.id
        if name not in self.turns:
            alpha = ALPHA / max(1, len(self.settings.workloads))
            self.turns[name] = Turns(name, self.settings.seed, alpha, self.seconds_left(cell))
        return self.turns[name]

    def take_turns(self, cell: Cell, turns: Turns, benchmark: Any, reference: Reference) -> None:
        """Measure this cell and all others that are chosen of its workload, in turns.

        What a cell fails for is kept until it is asked for, and costs the others nothing.
        """
        left = [
            one
            for one in self.chosen.get(cell.workload.name) or [cell]
            if not (one.absent() or self.inputs.lacking(one.workload) or one in self.failures)
        ]
        self.look_at_neighbours()
        disable_gc = bool(getattr(benchmark, "_disable_gc", False))

        def visit(one: Cell) -> None:
            found = turns.visits.setdefault(one.id, [])
            self.visiting(one, len(turns.seconds) + 1)
            try:
                self.visit(one, found, reference, disable_gc)
            except (Exception, SystemExit) as failure:  # a job may ask to exit
                left.remove(one)
                del turns.visits[one.id]
                self.failures[one] = failure
                self.measured[:] = [each for each in self.measured if each.cell != one]

        turns.take(left, visit)

    def look_at_neighbours(self) -> None:
        """See what others take before a workload, and wait for quiet where that is asked for."""
        patience = self.settings.wait_for_quiet - self.waited
        if self.before and patience <= 0:
            return
        began = time.perf_counter()
        neighbours = wait_for_quiet(max(0.0, patience), self.say)
        self.waited += time.perf_counter() - began
        self.before = self.before or neighbours

    def visit(
        self, cell: Cell, visits: list[Visit], reference: Reference, disable_gc: bool
    ) -> None:
        """Add one more visit to those of the cell; the first looks at what the cell costs, too."""
        settings = self.settings.for_models(computes_only=not reference.waits)
        if not visits:
            self.refuse_late(cell)
            self.need_memory(cell, reference, settings)
        costs.start_helpers(self.settings.start_method)
        gc.collect()  # or the cell would be charged with what others left
        memory_before = 0 if visits else costs.memory_of_tree(self.origin_pid)
        watched = handed = None
        with ExitStack() as stack:
            watchdog = stack.enter_context(watching(cell, reference.seconds, self.origin_pid))
            began = time.perf_counter()
            pool = opened(cell, self.inputs.jobs(cell.workload), settings, watchdog.watch)
            open_cell = stack.enter_context(pool)
            ready = time.perf_counter()
            look = Look.now()
            rounds = self.timed_rounds(open_cell, reference, disable_gc)
            contention = look.until(Look.now())
            if not visits:
                watched = self.watch(open_cell, reference)
                if cell.workload.own and open_cell.address is None:
                    handed = handing_over(open_cell)
            ended = time.perf_counter()
        visits.append(Visit(rounds, ready - began, time.perf_counter() - ended, contention))
        if watched is None:
            ((at, known),) = [(at, one) for at, one in enumerate(self.measured) if one.cell == cell]
            self.measured[at] = replace(known, **of_visits(visits), tracers=tracers())
            return
        self.measured.append(
            Measured(
                cell=cell,
                settings=cell.model.obeyed(settings),
                jobs=reference.jobs,
                failed=watched.tally.failed,
                job_seconds=tuple(watched.tally.seconds),
                repeats=watched.repeats,
                cost=watched.cost,
                cpu_origin=watched.cpu_origin,
                memory_before=memory_before,
                floor=self.floor(reference),
                sizes=self.inputs.sizes(cell.workload),
                tracers=tracers(),
                handing_over=handed,
                evidence=watched.evidence,
                **of_visits(visits),
            )
        )

    def measure_start(self, model: Model, benchmark: Any) -> None:
        """Time the start of the model's pool, and beside it the stop."""
        chosen = self.settings.for_models(computes_only=False)
        names = model.settings()
        settings = {name: chosen[name] for name in names}
        if settings.get("cluster", "local") != "local":
            raise CellAbsent(f"the cluster at {settings['cluster']} runs already")
        stops = []

        def start() -> None:
            pool = model.module.pool(None, **settings)
            pool.__enter__()
            pools.append(pool)

        def stop() -> None:
            began = time.perf_counter()
            pools.pop().__exit__(None, None, None)
            stops.append(time.perf_counter() - began)

        pools: list[Any] = []
        benchmark.group = "start"
        try:
            benchmark.pedantic(start, teardown=stop, warmup_rounds=1, rounds=START_ROUNDS)
        finally:
            if pools:  # where timing is disabled, there is no teardown
                stop()
        if benchmark.disabled:
            return
        benchmark.extra_info.update({"model": model.name, "settings": settings, "stops": stops})
        low, median, high = statistics.quantiles(benchmark.stats.stats.data, n=4)
        self.starts[model.name] = Start(
            start=median,
            spread=(high - low) / 2 / median,
            stop=statistics.median(stops),
            at_once=settings.get("workers", settings.get("in_flight", 1)),
            computes="workers" in names,
        )

    @property
    def is_own(self) -> bool:
        """Say whether all workloads are the reader's own."""
        workloads = self.settings.workloads
        return bool(workloads) and all(workload.own for workload in workloads)

    @property
    def origin_pid(self) -> int | None:
        """The process of the origin, if it runs."""
        return self.inputs.origin_pid

    def refuse(self, workload: Workload, mistake: BaseException) -> None:
        """Keep what is wrong with a workload, and nothing of what was measured of it."""
        self.refused[workload.name] = one_line(mistake)
        self.measured[:] = [one for one in self.measured if one.cell.workload is not workload]

    def reference(self, workload: Workload) -> Reference:
        """What serial gives, from a run that is not timed."""
        if workload.name not in self.references:
            try:
                with trial.own_errors(workload) if workload.own else nullcontext():
                    self.references[workload.name] = self.run_serial(workload)
            except CellAbsent as reason:
                if not workload.own:
                    raise
                raise UserError(f"{workload.name}: it cannot be run here: {reason}") from reason
            except OtherResults as mistake:
                raise UserError(one_line(mistake)) from mistake
        return self.references[workload.name]

    def run_serial(self, workload: Workload) -> Reference:
        """Run serial once and take the origin's log after each level."""
        jobs = self.inputs.jobs(workload)
        origin = self.inputs.origin
        if origin:
            origin.reset()
        levels: list[Log] = []

        def keep_log() -> None:
            if origin:
                levels.append(origin.take_log())

        cell = Cell(workload, next(m for m in self.settings.models if m.name == "serial"))
        self.began[workload.name] = time.perf_counter()
        standstill = Standstill(trial.file_of(workload), self.say)
        own = FirstRuns(workload, self.settings, self.inputs, self.say, self.show, standstill)
        drawn, jobs = own.jobs() if workload.own else (None, jobs)
        with opened(cell, jobs, {}) as open_cell:
            with job_memory.taken() as taken:
                began, before = time.perf_counter(), costs.own_seconds()
                with own.watching() if workload.own else nullcontext():
                    result, tally = open_cell.counting(after_level=keep_log)
                seconds, waiting = time.perf_counter() - began, costs.waiting_since(before)
                ready_after = costs.own_seconds()[2]
            trial.refuse_tally(workload, tally, drawn)
            waits = not workload.computes_only() or waiting >= WAITS
            reference = Reference(
                result, tally.jobs, seconds, levels, waits, memory=taken.given_back
            )
            if workload.own:
                ready = costs.difference(before[2], ready_after) or 0.0
                reference.first = max(0.0, seconds - tally.first_job - ready)
                self.plans[workload.name] = own.after_serial(
                    open_cell,
                    reference,
                    tally,
                    lambda cell, result: check(cell, result, reference),
                    usual_effort(),
                )
            if seconds < ENOUGH and workload.computes_only() and not self.inputs.small:
                reference.waits = waiting_of(open_cell) >= WAITS  # one run may show anything
        return reference

    def effort(self, cell: Cell) -> planning.Effort:
        """How often that cell runs its jobs."""
        plan = self.plans.get(cell.workload.name)
        return plan.effort if plan else usual_effort()

    def refuse_late(self, cell: Cell) -> None:
        """Raise CellAbsent where the plan has no time for the cell."""
        plan = self.plans.get(cell.workload.name)
        if plan is None:
            return
        least = plan.effort.once().cell_seconds(plan.expected(cell.label))
        if least > self.seconds_left(cell):
            raise CellAbsent(f"--seconds {plan.budget:g} would have been too few for it")

    def seconds_left(self, cell: Cell) -> float:
        """How many seconds of its budget, if there is one, the cell's workload has left."""
        plan = self.plans.get(cell.workload.name)
        if plan is None or plan.budget is None:
            return math.inf
        return plan.budget - (time.perf_counter() - self.began[cell.workload.name])

    def show_round(self, open_cell: OpenCell, number: int, rounds: int) -> None:
        """Show which cell is at which round, and how long the rest may take."""
        plan = self.plans.get(open_cell.cell.workload.name)
        if plan:
            spent = time.perf_counter() - self.began[open_cell.cell.workload.name]
            self.show(plan.progress(open_cell.cell.label, number, rounds, spent))

    def need_memory(self, cell: Cell, reference: Reference, settings: dict[str, Any]) -> None:
        """Raise CellAbsent where so many jobs at once would not fit into what memory is free."""
        obeyed = cell.model.obeyed(settings)
        at_once = obeyed.get("in_flight", obeyed.get("workers", 1))
        lacks = memory.does_not_fit(
            reference.memory, min(at_once, reference.jobs), job_memory.free()
        )
        if lacks and at_once > 1:
            raise CellAbsent(lacks)

    def floor(self, reference: Reference) -> floors.Floor | None:
        """The floor of the workload whose reference this is.

        None where jobs may wait for something else than the origin: no one knows for how long.
        """
        if not any(log.served for log in reference.levels):
            return None if reference.waits else floors.Floor()
        self.bandwidth = self.bandwidth or floors.loopback_bandwidth()
        at_once = max(self.settings.in_flight, self.settings.workers)  # processes wait as well
        return floors.floor_of(reference.levels, at_once, self.bandwidth)

    def try_once(self, cell: Cell, reference: Reference) -> None:
        """Run the cell's jobs twice through its pool, untimed, and check what they give."""
        settings = self.settings.for_models(computes_only=not reference.waits)
        costs.start_helpers(self.settings.start_method)
        jobs = self.inputs.jobs(cell.workload)
        with (
            watching(cell, reference.seconds, self.origin_pid) as watchdog,
            opened(cell, jobs, settings, watchdog.watch) as open_cell,
        ):
            try_one_job(open_cell)
            check(open_cell, self.warmed_up(open_cell, reference)[0], reference)
            self.inputs.empty_folder(cell.workload)
            check(open_cell, open_cell.plain(), reference)

    def warmed_up(self, open_cell: OpenCell, reference: Reference) -> tuple[Any, float]:
        """Run the jobs once; give the result and the seconds. Serial's first is the reference."""
        if open_cell.cell.model.name == "serial":
            return reference.result, reference.seconds
        began = time.perf_counter()
        result, _tally = open_cell.counting()
        return result, time.perf_counter() - began

    def timed_rounds(
        self, open_cell: OpenCell, reference: Reference, disable_gc: bool
    ) -> tuple[float, ...]:
        """Run the jobs once to see that they are right, then in rounds that are timed."""
        try_one_job(open_cell)
        effort = self.effort(open_cell.cell)
        expected = reference.seconds
        if effort.warm:
            self.show_round(open_cell, 0, 0)
            result, expected = self.warmed_up(open_cell, reference)
            check(open_cell, result, reference)
        rounds, results = [], []
        number = effort.rounds(expected)
        for at in range(1, number + 1):
            self.show_round(open_cell, at, number)
            self.inputs.empty_folder(open_cell.cell.workload)
            rounds.append(timed(lambda: results.append(open_cell.plain()), disable_gc))
            check(open_cell, results.pop(), reference)
        return tuple(rounds)

    def watch(self, open_cell: OpenCell, reference: Reference) -> Watched:
        """Run the jobs again, untimed, and look at what they cost."""
        origin = self.inputs.origin
        origin_before = origin.cpu_seconds() if origin else 0.0
        tally, repeats = Tally(), 0
        began = time.perf_counter()
        with (
            gathering.gathering(open_cell.cell) as seen,
            costs.cost_of_tree(self.origin_pid) as cost,
        ):
            while not repeats or (
                time.perf_counter() - began < WATCH and len(tally.seconds) < MOST_WATCHED
            ):
                tally = Tally(seconds=tally.seconds, making=tally.making)
                result = open_cell.watched(tally)
                check(open_cell, result, reference)
                repeats += 1
        cost.cpu = max(0.0, cost.cpu - seen.looking)
        cpu_origin = origin.cpu_seconds() - origin_before if origin else 0.0
        if origin:
            origin.reset()
        sent = None
        if open_cell.cell.model.name == "serial":
            sent = sending(open_cell.jobs(), reference.result)
        evidence = gathering.Evidence(
            making=tally.making,
            demand=seen.demand,
            standing=seen.standing,
            sent=sent,
            memory=reference.memory,
            first=reference.first,
            memory_free=job_memory.free(),
        )
        return Watched(tally, repeats, cost, cpu_origin, evidence)


def waiting_of(open_cell: OpenCell) -> float:
    """The share that jobs wait, over as many runs as it takes to tell."""
    before = costs.own_seconds()
    while costs.own_seconds()[0] - before[0] < ENOUGH:
        open_cell.counting()
    return costs.waiting_since(before)


def of_visits(visits: Sequence[Visit]) -> dict[str, Any]:
    """Those figures of a cell that all its visits make."""
    return {
        "rounds": tuple(seconds for visit in visits for seconds in visit.rounds),
        "visits": tuple(visit.seconds for visit in visits),
        "start": statistics.median(visit.start for visit in visits),
        "stop": statistics.median(visit.stop for visit in visits),
        "contention": reduce(add, [visit.contention for visit in visits]),
    }


def usual_effort() -> planning.Effort:
    """How often the jobs of a workload are run that nobody has given a budget."""
    return planning.Effort(FEWEST_ROUNDS, MOST_ROUNDS, BUDGET, WATCH)

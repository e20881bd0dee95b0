"""Opens a cell's pool and runs its jobs through it, once for each call, watched or not."""

import importlib
import inspect
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from conlab.bench.discovery import Cell
from conlab.bench.forked import Forked
from conlab.errors import SaidError, UserError
from conlab.scratch import hold_helpers_files

NOTHINGS = 128  # jobs that do nothing, to see what handing one over costs
Jobs = Callable[[], Iterator[Any]]


class CellAbsent(SaidError):
    """The cell cannot be on this machine; the message says why."""


class CellFailed(Exception):
    """The cell's pool did not start, broke, or came to a standstill; the message says how."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A job's ``work`` that says how long the job took. Picklable where ``work`` is.

    ``attempt`` makes a Failure of what it raises, and comes from beside the model: a worker that
    unpickles this need not find out under which name the models lie.
    """

    work: Any
    attempt: Any

    def __call__(self, *args: Any) -> "Timing":
        """The result, a Failure if it raised, and the seconds."""
        start = time.perf_counter()
        result = self.attempt(self.work, *args)
        return Timing(result, time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class TimedAsync:
    """The same for a coroutine function, and for an ``attempt`` that is one."""

    work: Any
    attempt: Any

    async def __call__(self, *args: Any) -> "Timing":
        """The result, a Failure if it raised, and the seconds."""
        start = time.perf_counter()
        result = await self.attempt(self.work, *args)
        return Timing(result, time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class TimedFetch:
    """The first half of a divided job, timed; its seconds go with what it fetched."""

    fetch: Any

    async def __call__(self, *args: Any) -> "Timing":
        """What was fetched, and the seconds. A failure ends the job: it raises."""
        start = time.perf_counter()
        fetched = await self.fetch(*args)
        return Timing(fetched, time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class TimedCompute:
    """The second half, timed, the first half's seconds added."""

    compute: Any
    attempt: Any

    def __call__(self, job: Any, fetched: "Timing") -> "Timing":
        """The result, and the seconds of both halves."""
        timing = Timed(self.compute, self.attempt)(job, fetched.result)
        return Timing(timing.result, fetched.seconds + timing.seconds)


@dataclass(frozen=True, slots=True)
class Timing:
    """A result and the seconds that its job took."""

    result: Any
    seconds: float


def timed(work: Any, failure: Any) -> Any:
    """``work``, whatever its kind, wrapped so that its results are Timings.

    ``failure`` is the module that says what a failed job is.
    """
    if isinstance(work, tuple):
        fetch, compute = work
        return TimedFetch(fetch), TimedCompute(compute, failure.attempt)
    if inspect.iscoroutinefunction(work):
        return TimedAsync(work, failure.attempt_async)
    return Timed(work, failure.attempt)


@dataclass(slots=True)
class Tally:
    """What went through ``run``: how many jobs, how many failed, and how long each took.

    ``making`` is for how many seconds ``jobs()`` was at work, over all runs that were watched;
    ``first_job`` is the seconds from the first job to the second, of a watched or counted run;
    ``forked`` says that a process which a job had forked came out of that job.
    """

    jobs: int = 0
    failed: int = 0
    first_failure: Any = None
    unawaited: int = 0
    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    making: float = 0.0
    first_job: float = 0.0
    forked: bool = False

    def see(self, result: Any, failure: type) -> None:
        """Count a result if it is a Failure, or a coroutine that somebody forgot to await."""
        if inspect.iscoroutine(result):
            self.unawaited += 1
            result.close()
        if isinstance(result, failure):
            self.failed += 1
            self.first_failure = self.first_failure or result


@dataclass(slots=True)
class OpenCell:
    """A cell whose pool stands ready; ``address`` is the cluster's, if it is not a local one.

    ``progress`` grows with each result, and at the start of each run of which none are seen;
    ``longest`` is the time of the longest run whose results were counted, in seconds.
    """

    cell: Cell
    run: Any
    jobs: Jobs
    address: str | None = None
    progress: int = 0
    longest: float = 0.0
    forked: Forked = field(default_factory=Forked)

    def plain(self) -> Any:
        """Run all jobs; give the result. Nothing is put between the model and the workload."""
        self.progress += 1
        with self.forked.ending():
            return self.cell.drive()(self.run, self.cell.work(), self.jobs())

    def counting(self, after_level: Callable[[], None] = lambda: None) -> tuple[Any, Tally]:
        """Run all jobs; give the result and what was counted on the way."""
        tally = Tally()
        failure = self.cell.model.failure.Failure

        def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
            for result in self.run(work, counted(jobs, tally)):
                self.forked.end()
                tally.see(result, failure)
                self.progress += 1
                yield result
            after_level()

        began = time.perf_counter()
        with self.forked.ending():
            result = self.cell.drive()(run, self.cell.work(), self.jobs())
        self.longest = max(self.longest, time.perf_counter() - began)
        tally.forked = self.forked.returned
        return result, tally

    def watched(self, tally: Tally) -> Any:
        """Run all jobs, each timed; give the result, and what was seen in ``tally``."""
        failure = self.cell.model.failure

        def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
            for timing in self.run(timed(work, failure), counted(jobs, tally)):
                result = timing
                self.forked.end()
                if isinstance(timing, Timing):
                    tally.seconds.append(timing.seconds)
                    result = timing.result
                tally.see(result, failure.Failure)  # or one of the model's own: its worker died
                self.progress += 1
                yield result

        began = time.perf_counter()
        jobs = self.jobs()  # which may make them all before it gives the first
        tally.making += time.perf_counter() - began
        with self.forked.ending():
            return self.cell.drive()(run, self.cell.work(), jobs)


def counted(jobs: Iterable[Any], tally: Tally) -> Iterator[Any]:
    """The jobs, counted as they are drawn, and the seconds that the drawing takes."""
    source, nothing, drawn = iter(jobs), object(), 0.0
    while True:
        began = time.perf_counter()
        if tally.jobs == 1:
            tally.first_job = began - drawn
        job = next(source, nothing)
        drawn = time.perf_counter()
        tally.making += drawn - began
        if job is nothing:
            return
        tally.jobs += 1
        yield job


def handing_over(open_cell: OpenCell) -> float:
    """Seconds that it takes the pool to take over a job that does nothing, and give its result."""
    halves = {"compute": nothing}  # all the others are awaited, but for work
    names = open_cell.cell.model.functions()
    called = [nothing if name == "work" else halves.get(name, nothing_async) for name in names]
    work = called[0] if len(called) == 1 else tuple(called)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        for _result in open_cell.run(work, range(NOTHINGS)):
            pass
        seconds.append(time.perf_counter() - began)
    return min(seconds) / NOTHINGS


def nothing(*_args: Any) -> None:
    """A job that is over at once."""


async def nothing_async(*_args: Any) -> None:
    """The same for an event loop."""


@contextmanager
def opened(
    cell: Cell,
    jobs: Jobs,
    settings: dict[str, Any],
    started: Callable[[OpenCell], None] = lambda _: None,
) -> Iterator[OpenCell]:
    """Start the cell's pool with the settings that its model asks for, and tell ``started`` so.

    Raises CellAbsent where a worker of the pool cannot import what the cell needs.
    """
    hold_helpers_files()
    wanted = {name: settings[name] for name in cell.model.settings()}
    address = wanted.get("cluster", "local")
    with ExitStack() as stack:
        try:
            run = stack.enter_context(cell.model.module.pool(cell.entered(), **wanted))
        except ImportError as error:
            raise CellAbsent(str(error)) from error
        except OSError as error:
            if address == "local":
                raise
            raise UserError(
                f"--cluster {address}: no scheduler answers there ({error});"
                " `dask scheduler` would start one"
            ) from error
        open_cell = OpenCell(cell, run, jobs, None if address == "local" else address)
        started(open_cell)
        if cell.model.functions() == ("work",):
            try:
                probe_imports(cell, run)
            except CellAbsent as reason:
                if address == "local":
                    raise
                raise UserError(
                    f"--cluster {address}: it cannot import {cell.workload.name}; start scheduler"
                    f" and workers with the clone's root in PYTHONPATH ({reason})"
                ) from reason
        yield open_cell


def probe_imports(cell: Cell, run: Any) -> None:
    """Let a worker import the workload: some libraries refuse to load in some places."""
    module = cell.workload.module
    (result,) = run(importable, [module.__name__ if module else ""])
    if isinstance(result, cell.model.failure.Failure):
        raise CellAbsent(f"{result.message} (in a worker)")


def importable(name: str, *_client: Any) -> bool:
    """Import a module, for the errors that this may raise."""
    importlib.import_module(name)
    return True

"""Tries a reader's own workload before it is measured: what is wrong with it is said at once.

Each function raises UserError, in one sentence, or finds nothing.
"""

import inspect
import itertools
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import length_hint
from pathlib import Path
from typing import Any

from conlab.bench import own_lines, sameness
from conlab.bench.discovery import Cell, Model, Workload
from conlab.bench.own_file import described
from conlab.bench.running import CellFailed, Jobs, Tally
from conlab.bench.standstill import Standstill
from conlab.errors import SaidError, UserError

MOST_DRAWN = 5_000_000  # jobs, after which an end is not waited for
DRAWING_LIMIT = 5.0  # seconds of the same
PICKLING_LIMIT = 1.0  # seconds in which to look whether jobs and results can be sent
TWICE_LIMIT = 1.0  # seconds that a second serial run may take, of fewer jobs if need be
DEAR_JOB = 2.0  # seconds from which on no job is run only to see that it gives the same

ONLY_ITS_JOB = (
    "what it gives may depend on its job alone, or let --compare NAME name a function of the file"
    " that says when two results are alike, or --no-compare leave it open"
)


@contextmanager
def own_errors(workload: Workload) -> Iterator[None]:
    """Say what the reader's own code raised with the reader's own lines, and no others."""
    try:
        yield
    except (SaidError, CellFailed):
        raise
    except AssertionError as error:
        if not own_lines.of_error(error, file_of(workload)):
            raise  # it is about its results
        raise raised(workload, error) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # to exit, or one of the job's own
        ours = not isinstance(error, Exception | SystemExit)
        if ours and not own_lines.of_error(error, file_of(workload)):
            raise
        raise raised(workload, error) from error


def raised(workload: Workload, error: BaseException) -> UserError:
    """What it says of the reader's code that it raised that."""
    lines = own_lines.of_error(error, file_of(workload))
    where = lines[-1].partition(": ")[0] if lines else workload.name
    advice = ""
    if isinstance(error, SystemExit):
        advice = "; a job may not end the process: let it return a value or raise an exception"
    if isinstance(error, TypeError | AttributeError) and not lines:
        refuse_manager(workload)
    return own_lines.JobRaised(f"{where}: {own_lines.said(error)}{advice}", lines[:-1])


def file_of(workload: Workload) -> str:
    """The file of a reader's own workload; of another, none."""
    return str(getattr(workload.module, "__file__", "")) if workload.own else ""


def refuse_manager(workload: Workload) -> None:
    """Raise UserError where what client() gives is no context manager."""
    for name, enter in (("client", "__enter__"), ("client_async", "__aenter__")):
        client = workload.hook(name)
        if client is None:
            continue
        manager = client()
        if inspect.iscoroutine(manager):
            manager.close()
        if not hasattr(manager, enter):
            decorator = "@contextmanager" if name == "client" else "@asynccontextmanager"
            raise UserError(
                f"{workload.name}: {name}() gives {described(manager)}, and no context manager; put"
                f" {decorator} above it and let it yield the client"
            )


def sending(workload: Workload, models: tuple[Model, ...]) -> tuple[list[str], list[str]]:
    """Which of its models send jobs to workers as pickle has them, and which do not."""
    here = [model for model in models if not Cell(workload, model).absent()]
    # Dask sends by cloudpickle, which can do more.
    sent = [one.name for one in here if "workers" in one.settings() and one.name != "cluster"]
    return sent, [one.name for one in here if "workers" not in one.settings()]


def refuse_unsendable_work(workload: Workload, models: tuple[Model, ...]) -> None:
    """Raise UserError where no worker process could find work()."""
    work = workload.hook("work")
    senders, others = sending(workload, models)
    if work is None or not senders:
        return
    try:
        pickle.dumps(work)
    except Exception as error:
        name = getattr(work, "__qualname__", "")
        if name.endswith("<lambda>"):
            what = "work is a lambda; worker processes find it by its name: write def work(job)"
        elif "<locals>" in name:
            maker = name.partition(".<locals>")[0]
            what = (
                f"work is made inside of {maker}(), where worker processes cannot find it;"
                " write def work(job) at the top of the file"
            )
        else:
            what = f"work cannot be sent to worker processes ({own_lines.said(error)})"
        raise UserError(f"{workload.name}: {what}{instead(others)}") from error


def instead(others: list[str]) -> str:
    """How to do without worker processes."""
    named = [name for name in others if name != "serial"] or ["serial"]
    return f"; --models {','.join(named)} needs none of them"


def look_at_jobs(
    workload: Workload,
    jobs: Jobs,
    models: tuple[Model, ...],
    *,
    bounded: bool,
    standstill: Standstill,
) -> int | None:
    """Draw all jobs once: how many there are, or None where that takes too long to find out.

    ``bounded`` says that somebody has said how many to take.
    """
    senders, others = sending(workload, models)
    began = time.perf_counter()

    def under_way(drawn: int) -> str:
        return f"{workload.name}: jobs() gave {drawn:,} jobs, and nothing more"

    def no_end(where: str = "") -> UserError:
        drawn, seconds = standstill.seen, time.perf_counter() - began
        return UserError(
            f"{workload.name}: jobs() gave {drawn:,} jobs in {seconds:.1f} s and came to no end"
            f"{where}; say how many to take: --jobs {min(32, drawn or 32)}, for instance"
        )

    standstill.seen = 0
    with standstill.told(under_way):
        source = jobs()
    known = length_hint(source, 0)
    ends = bounded or known
    with standstill.told(under_way) if ends else standstill.ended(no_end):
        for number in itertools.count():
            standstill.seen = number
            try:
                job = next(source)
            except StopIteration:
                return number
            seconds = time.perf_counter() - began
            if senders and seconds < PICKLING_LIMIT and (reason := unsendable(job)):
                raise UserError(
                    f"{workload.name}: job {number} cannot be sent to worker processes ({reason});"
                    f" jobs() should give plain values, such as numbers and paths{instead(others)}"
                )
            if seconds > DRAWING_LIMIT or number >= MOST_DRAWN:
                break
    if ends:
        return known or None
    raise no_end()


def unsendable(thing: Any) -> str:
    """Why a thing cannot be sent from one process to another; nothing if it can."""
    try:
        pickle.loads(pickle.dumps(thing))
    except Exception as error:
        return own_lines.said(error)
    return ""


def refuse_results(workload: Workload, result: Any, models: tuple[Model, ...]) -> None:
    """Raise UserError for results that are not there yet, or cannot come back from a worker."""
    senders, others = sending(workload, models)
    results = result if isinstance(result, list) else [result]
    began = time.perf_counter()
    for number, one in enumerate(results):
        if isinstance(one, Iterator) and not hasattr(one, "read"):
            raise UserError(
                f"{workload.name}: work() gives {described(one)}, which is yet to be run through:"
                " let it return a list or what comes of it"
            )
        looked_at = senders and time.perf_counter() - began <= PICKLING_LIMIT
        if looked_at and (reason := unsendable(one)):
            raise UserError(
                f"{workload.name}: what work() gives for job {number}, {described(one)}, cannot be"
                f" sent back from a worker process ({reason}); let it return plain"
                f" values{instead(others)}"
            )


def refuse_tally(workload: Workload, tally: Tally, drawn: int | None) -> None:
    """Raise UserError where the first serial run did no job, or none that succeeded."""
    refuse_strays(workload, tally, "work")
    if drawn is not None and drawn != tally.jobs:
        raise must_start_anew(workload, f"one call gave {drawn:,} jobs, the next {tally.jobs:,}")
    if not tally.jobs:
        raise UserError(f"{workload.name}: jobs() gave no job; it should yield at least one")
    if tally.failed == tally.jobs:
        raise own_lines.JobRaised(
            f"{workload.name}: every job failed, the first with"
            f" {first_failure(tally)}{place(tally)}",
            own_lines.of_text(tally.first_failure.traceback, file_of(workload)),
        )


def refuse_strays(workload: Workload, tally: Tally, called: str) -> None:
    """Raise UserError where a forked process would have gone on, or nobody awaited a coroutine."""
    if tally.unawaited:
        remedy = "" if called == "work" else "; await it in there"
        raise UserError(f"{workload.name}: {called}() gave a coroutine that nobody awaited{remedy}")
    if tally.forked:
        raise UserError(
            f"{workload.name}: a process that a job had forked came out of the job, and would have"
            " done all that is left as well; let it end by os._exit(0), or use subprocess or"
            " multiprocessing"
        )


@contextmanager
def output_kept(workload: Workload) -> Iterator[None]:
    """Raise UserError where jobs close what the figures are to be written to."""
    before = sys.stdout, output_is_open()
    yield
    stream, was_open = before
    if was_open and (getattr(stream, "closed", False) or not output_is_open()):
        raise UserError(
            f"{workload.name}: a job has closed the standard output, where the figures are to"
            " stand; let it close what it has opened itself"
        )


def output_is_open() -> bool:
    """Say whether the process has a standard output."""
    try:
        os.fstat(1)
    except OSError:
        return False
    return True


def first_failure(tally: Tally) -> str:
    """The type and the message of the first job that failed."""
    return f"{tally.first_failure.type}: {tally.first_failure.message}".removesuffix(": ")


def place(tally: Tally) -> str:
    """From where a file was looked for that was not found."""
    missing = tally.first_failure.type == "FileNotFoundError"
    return f"; the current folder is {Path.cwd()}" if missing else ""


def must_start_anew(workload: Workload, why: str) -> UserError:
    """What is said of jobs() that cannot be called twice."""
    return UserError(
        f"{workload.name}: jobs() must start anew at each call, and give the same jobs: {why}; make"
        " what it goes through inside of it"
    )


def how_many_twice(jobs: int, seconds: float) -> int:
    """How many of the jobs to run again, to see that they give the same; 0 if they are dear."""
    job = seconds / jobs
    if job > DEAR_JOB:
        return 0
    return max(1, min(jobs, int(TWICE_LIMIT / job))) if job > 0 else jobs


def refuse_other_results(
    workload: Workload, jobs: Jobs, first: Any, second: Any, alike: sameness.Same
) -> None:
    """Raise UserError where a second serial run, perhaps of fewer jobs, gave other results."""
    if isinstance(first, list) and isinstance(second, list):
        for number, (one, other) in enumerate(zip(first, second, strict=False)):
            if not alike(one, other):
                found = differing_job(jobs, number)
                if found is not None:
                    raise must_start_anew(workload, found)
                raise not_steady(workload, other, one, f"in result {number}: ")
        return
    if not alike(first, second):
        raise not_steady(workload, second, first, "")


def not_steady(workload: Workload, now: Any, before: Any, place: str) -> UserError:
    """What is said of a job that gives one thing now and another then."""
    if name := sameness.without_equality(now):
        why = f"no two objects of {name} are equal, as it has no __eq__"
        return UserError(
            f"{workload.name}: work() gives other results from run to run: {why}; a dataclass has"
            " one, or let --compare NAME name a function of the file that says when two are alike"
        )
    where = sameness.difference(now, before, than="before").replace("\n", ", ")
    return UserError(
        f"{workload.name}: work() gives other results from run to run: {place}{where};"
        f" {ONLY_ITS_JOB}"
    )


def differing_job(jobs: Jobs, number: int) -> str | None:
    """That two calls of jobs() give another job of that number, in words; None if they do not."""
    one, other = (list(itertools.islice(jobs(), number, number + 1)) for _ in range(2))
    try:
        if len(one) == len(other) and all(map(sameness.same, one, other)):
            return None
    except Exception:
        return None  # it cannot be told
    if one and sameness.without_equality(one[0]):
        return None
    return f"job {number} was {shown(one)}, and then {shown(other)}"


def shown(found: list[Any]) -> str:
    """A job as it is written, cut; or that there is none."""
    return f"{found[0]!r:.80}" if found else "none"


def why_all_fail(cell: Cell, result: Any) -> str | None:
    """Why a model cannot run jobs that serial can: every one of them failed. None if not so."""
    failure: type = cell.model.failure.Failure
    if not (isinstance(result, list) and result and all(isinstance(r, failure) for r in result)):
        return None
    lines = own_lines.of_text(result[0].traceback, file_of(cell.workload))
    where = f" ({lines[-1].partition(': ')[0]})" if lines else ""
    return f"every job fails under it, the first with {result[0].type}: {result[0].message}{where}"


def comparing(workload: Workload, name: str | None) -> sameness.Same:
    """How two results are compared: by a function of the reader's, or by their own equality."""
    function: Callable[[Any, Any], Any] | None = (
        getattr(workload.module, name, None) if name else None
    )
    if function is None or not workload.own:
        return sameness.same

    def alike(one: Any, other: Any) -> bool:
        try:
            return bool(function(one, other))
        except Exception as error:
            raise own_lines.JobRaised(
                f"{workload.name}: --compare {name}: it raised {own_lines.said(error)}",
                own_lines.of_error(error, file_of(workload)),
            ) from error

    return alike

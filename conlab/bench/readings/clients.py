"""Two libraries, not two models: the blocking and the asynchronous client are different ones."""

from conlab.bench.readings.figures import HELD, Case
from conlab.bench.readings.reading import Reading
from conlab.bench.words import duration, join


def differ(case: Case) -> bool:
    """Say whether coroutines reach outside by another library than the other models."""
    only = set(case.blocking) - set(case.asynchronous), set(case.asynchronous) - set(case.blocking)
    return all(only) and case.row("coroutines") is not None


def read(case: Case) -> Reading | None:
    """Name both, with what each costs a job where both were measured."""
    coroutines = case.row("coroutines")
    if coroutines is None or not differ(case):
        return None
    one = join(sorted(set(case.blocking) - set(case.asynchronous)))
    other = join(sorted(set(case.asynchronous) - set(case.blocking)))
    figures = ""
    threads = case.row("threads")
    if threads and case.job_count:
        figures = (
            f" A job cost {duration(threads.cpu / case.job_count)} of CPU by {one} under threads,"
            f" {duration(coroutines.cpu / case.job_count)} by {other} under coroutines."
        )
    return Reading(
        "two libraries",
        f"Two libraries, not two models: work() uses {one} and work_async() uses {other}, so what"
        f" threads and coroutines differ by may be what the libraries do.{figures}"
        f" {_which_would_tell(case)}",
    )


def _which_would_tell(case: Case) -> str:
    """Name the rows of further clients; where there is none, say how to get one."""
    rows = [
        row
        for row in case.rows
        if row.label.startswith("coroutines_") and not row.label.endswith(HELD)
    ]
    if not rows:
        return "A second work_async_NAME() with another client would be a row of its own, and tell."
    named = [f"{row.label} ({duration(row.seconds)})" for row in rows]
    return f"Compare {join(named)}, the same jobs on an event loop in another way."

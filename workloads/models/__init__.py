"""The ways to run many jobs: one file a concurrency model, a plural noun.

A model is a module with

``RUNS``
    which function of a workload it calls: ``"work"`` or ``"work_async"``, or a pair of the two
    halves ``("fetch_async", "compute")``.
``absent()``
    why this model cannot run on this machine and build, or None.
``pool(client, *, ...)``
    a context manager that starts the model's pool, enters ``client`` (once per process, per
    interpreter or per event loop) and gives ``run``. Its keywords are the settings it obeys.
``doing()``
    where it can tell: the job that each worker process is doing, by its pid.

and ``run(work, jobs)`` draws the jobs lazily and gives their results in the order of the jobs,
each a value or a :class:`~.failure.Failure`. No more than about ``AHEAD`` results
are ever held back for a slow job before them, so memory does not grow with the number of jobs.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol

Client = Callable[[], AbstractContextManager[Any]] | None
AsyncClient = Callable[[], AbstractAsyncContextManager[Any]] | None

AHEAD = 8192  # results that may wait for a slow job before them
BATCH = 1024  # results that are handed over at a time: waking the caller for each would cost more


class Run(Protocol):
    """Runs jobs in a pool that stands ready."""

    def __call__(self, work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
        """Give the result or the Failure of every job, in the order of the jobs."""

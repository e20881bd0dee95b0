"""Cluster: worker processes that may stand on other machines, behind a Dask scheduler."""

import importlib.util
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from itertools import islice
from typing import Any

from workloads.models import BATCH, Client, Run
from workloads.models.failure import attempt

RUNS = "work"
START_LIMIT = "60s"
CHUNK = 64  # jobs that travel in one message


def absent() -> str | None:
    """Dask's distributed is an extra."""
    if importlib.util.find_spec("distributed") is None:
        return "needs Dask: pip install 'concurrency-lab[cluster]'"
    return None


@contextmanager
def pool(client: Client, *, in_flight: int, workers: int, cluster: str) -> Iterator[Run]:
    """Start a local cluster (``"local"``) or join the scheduler at ``tcp://host:port``.

    A local cluster has ``workers`` processes, whose threads together hold ``in_flight`` jobs.
    """
    import distributed

    if cluster == "local":
        place: Any = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=max(1, in_flight // workers),
            processes=True,
            dashboard_address=None,
            silence_logs="CRITICAL",
        )
    else:
        place = None
    try:
        with distributed.Client(
            place or cluster, timeout=START_LIMIT, direct_to_workers=False
        ) as scheduler:

            def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
                return in_order(scheduler, partial(do_job, work, client), jobs)

            yield run
            scheduler.run(leave)
    finally:
        if place:
            place.close(timeout=1)


def in_order(scheduler: Any, call: Any, jobs: Iterable[Any]) -> Iterator[Any]:
    """Queue jobs by the chunk, for each message to the scheduler takes its time."""
    source = iter(jobs)
    queue: deque[list[Any]] = deque()
    try:
        while True:
            while len(queue) < BATCH // CHUNK and (chunk := list(islice(source, CHUNK))):
                queue.append(scheduler.map(call, chunk, pure=False))
            if not queue:
                return
            yield from results(scheduler, queue.popleft())
    finally:
        for futures in queue:
            scheduler.cancel(futures)


def results(scheduler: Any, futures: list[Any]) -> list[Any]:
    """The results of a chunk; a Failure for each job that its worker did not survive."""
    try:
        return list(scheduler.gather(futures))
    except Exception:  # gather gives all or nothing
        return [attempt(future.result) for future in futures]


# What follows runs in the workers.


def do_job(work: Any, client: Client, job: Any) -> Any:
    """Do one job with the process's own client."""
    return attempt(work, job, *entered(client))


@cache
def entered(client: Client) -> tuple[Any, ...]:
    """Enter the client at its first job; it stays until ``leave``."""
    if client is None:
        return ()
    managers.append(client())
    return (managers[-1].__enter__(),)


def leave() -> None:
    """Leave the clients that jobs of this process entered."""
    entered.cache_clear()
    while managers:
        managers.pop().__exit__(None, None, None)


managers: list[Any] = []

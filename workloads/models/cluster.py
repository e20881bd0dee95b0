"""Cluster: worker processes that may stand on other machines, behind a Dask scheduler."""

import importlib.util
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from threading import Lock
from typing import Any
from uuid import uuid4

from . import BATCH, Client, Run, processes
from .failure import attempt

RUNS = "work"
START_LIMIT = 60  # seconds until scheduler and workers must have answered
STOP_LIMIT = 30  # seconds that a local cluster has to end
CHUNK = 64  # jobs that travel in one message


def absent() -> str | None:
    """Dask's distributed is an extra, and its local workers are processes."""
    if importlib.util.find_spec("distributed") is None:
        return "needs Dask: pip install 'concurrency-lab[cluster]'"
    return processes.absent()


def obeyed(in_flight: int, workers: int, cluster: str) -> dict[str, int]:
    """How many jobs a local cluster has in flight: as many for each worker as for any other."""
    return {"in_flight": max(1, in_flight // workers) * workers} if cluster == "local" else {}


@contextmanager
def pool(client: Client, *, in_flight: int, workers: int, cluster: str) -> Iterator[Run]:
    """Start a local cluster (``"local"``) or join the scheduler at ``tcp://host:port``.

    A local cluster has ``workers`` processes, whose threads together hold ``in_flight`` jobs.
    """
    import dask
    import distributed

    pool_name = uuid4().hex
    with ExitStack() as stack:
        # Its sampling thread would outlive the cluster.
        stack.enter_context(dask.config.set({"distributed.worker.profile.enabled": False}))
        address: Any = cluster
        if cluster == "local":
            address = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=max(1, in_flight // workers),
                processes=True,
                dashboard_address="127.0.0.1:0",
                silence_logs="CRITICAL",
            )
            stack.push(partial(end, address))
        scheduler = stack.enter_context(distributed.Client(address, timeout=START_LIMIT))

        def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
            return in_order(scheduler, partial(do_job, work, client, pool_name), jobs)

        try:
            yield run
        except BaseException:
            # The client gives up on what it was waiting for, and leaves that to asyncio to log; the
            # scheduler may come to tell it how that ended when it is gone.
            unsaid(logging.getLogger("asyncio"), "AllExit")
            unsaid(logging.getLogger("distributed.scheduler"), "Closed comm")
            raise
        scheduler.run(leave, pool_name)


def unsaid(logger: logging.Logger, words: str) -> None:
    """Have the logger leave out what contains the words."""
    logger.addFilter(lambda log: words not in log.getMessage())


def end(cluster: Any, error: type[BaseException] | None, *_: Any) -> None:
    """Close a local cluster. If an error ends it, its workers are killed first."""
    if error:
        for nanny in cluster.workers.values():
            nanny.auto_restart = False
            if nanny.pid:
                os.kill(nanny.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    cluster.close(timeout=STOP_LIMIT)


def in_order(scheduler: Any, call: Any, jobs: Iterable[Any]) -> Iterator[Any]:
    """Queue jobs by the chunk, for each message to the scheduler takes its time."""
    source = iter(jobs)
    queue: deque[list[Any]] = deque()
    try:
        while True:
            while len(queue) < BATCH // CHUNK and (chunk := list(islice(source, CHUNK))):
                queue.append(scheduler.map(call, [*map(Parcel, chunk)], pure=False))
            if not queue:
                return
            yield from results(scheduler, queue.popleft())
    finally:
        for futures in queue:
            scheduler.cancel(futures)


def results(scheduler: Any, futures: list[Any]) -> list[Any]:
    """The results of a chunk; a Failure for each job that its worker did not survive."""
    try:
        return [parcel.content for parcel in scheduler.gather(futures)]
    except Exception:  # gather gives all or nothing
        return [attempt(unpacked, future) for future in futures]


def unpacked(future: Any) -> Any:
    """The result of one job. Raises what Dask says of a job whose worker died."""
    return future.result().content


@dataclass(frozen=True, slots=True)
class Parcel:
    """A job or a result that travels in one piece.

    Dask looks into every list and dict for something to serialise in its own way, an element at a
    time, which can take longer than the job.
    """

    content: Any


# What follows runs in the workers, in any of their threads.

held: dict[str, tuple[Any, Any]] = {}
lock = Lock()


def do_job(work: Any, client: Client, pool_name: str, job: Parcel) -> Parcel:
    """Do one job with the process's own client."""
    return Parcel(attempt(work, job.content, *entered(client, pool_name)))


def entered(client: Client, pool_name: str) -> tuple[Any, ...]:
    """The pool's client in this process, entered at its first job."""
    if client is None:
        return ()
    with lock:
        if pool_name not in held:
            manager = client()
            held[pool_name] = manager, manager.__enter__()
        return held[pool_name][1:]


def leave(pool_name: str) -> None:
    """Leave the pool's client, if a job of this process entered it."""
    with lock:
        if pool_name in held:
            held.pop(pool_name)[0].__exit__(None, None, None)

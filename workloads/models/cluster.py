"""Cluster: worker processes that may stand on other machines, behind a Dask scheduler."""

import atexit
import importlib.util
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from threading import Lock
from typing import Any
from uuid import uuid4

from . import BATCH, Client, Run, processes
from .failure import Failure, attempt

RUNS = "work"
START_LIMIT = 60  # seconds until scheduler and workers must have answered
STOP_LIMIT = 30  # seconds that a local cluster has to end
INTERRUPTED_LIMIT = 2  # the same where its workers were killed before
CHUNK = 64  # jobs that travel in one message
LOST_LIMIT = 10  # seconds for which a scheduler elsewhere may not answer
SILENT_LIMIT = 30  # seconds after which a worker that does not report is given up
DASK = {
    # Its sampling thread would outlive the cluster.
    "distributed.worker.profile.enabled": False,
    # How many workers more a job may end before it is given up: a new one takes seconds to start.
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.worker-ttl": f"{SILENT_LIMIT} s",
}


def absent() -> str | None:
    """Dask's distributed is an extra, and its local workers are processes."""
    if importlib.util.find_spec("distributed") is None:
        return "needs Dask: pip install distributed"
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
        stack.enter_context(dask.config.set(DASK))
        address: Any = cluster
        if cluster == "local":
            address = started(workers, max(1, in_flight // workers))
            stack.push(partial(end, address))
        limit = START_LIMIT if cluster == "local" else LOST_LIMIT
        scheduler = stack.enter_context(distributed.Client(address, timeout=limit))
        if cluster != "local":
            unsaid(logging.getLogger("distributed.batched"), "Batched Comm Closed")
            unsaid(logging.getLogger("distributed.client"), "Failed to reconnect")
            scheduler.run_on_scheduler(silence_limited(SILENT_LIMIT))

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
        if not answers(scheduler):
            unsaid(logging.getLogger("distributed.client"), "")  # how its reconnecting ends
        else:
            for outcome in scheduler.run(leave, pool_name, on_error="return").values():
                if isinstance(outcome, Exception) and not isinstance(outcome, OSError):
                    raise outcome  # of the client; a worker that is lost cannot leave it


def started(workers: int, threads: int) -> Any:
    """A local cluster."""
    import distributed

    try:
        return distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=threads,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs="CRITICAL",
        )
    except BaseException as error:
        # Half of it is there; its processes end with this one. Dask would close it at the exit, and
        # say at length that this cannot be.
        atexit.unregister(distributed.deploy.spec.close_clusters)
        for name in ("asyncio", "tornado.application"):
            unsaid(logging.getLogger(name), "")
        if isinstance(error, RuntimeError):  # "Nanny failed to start"
            raise BrokenExecutor("a worker process died while the cluster started") from error
        raise


@cache
def unsaid(logger: logging.Logger, words: str) -> None:
    """Have the logger leave out what contains the words."""
    logger.addFilter(lambda log: words not in log.getMessage())


def end(cluster: Any, error: type[BaseException] | None, *_: Any) -> None:
    """Close a local cluster. If an error ends it, its workers are killed first."""
    limit = STOP_LIMIT
    if error:
        limit = INTERRUPTED_LIMIT
        for nanny in cluster.workers.values():
            nanny.auto_restart = False
            if nanny.pid:
                os.kill(nanny.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    with suppress(TimeoutError):
        cluster.close(timeout=limit)


def silence_limited(seconds: float) -> Any:
    """A function for a scheduler elsewhere, by which it gives up silent workers as soon as ours.

    A function in a function travels as a whole: the scheduler need not find this module.
    """

    def limit_silence(dask_scheduler: Any) -> None:
        from tornado.ioloop import PeriodicCallback

        if (dask_scheduler.worker_ttl or seconds + 1) <= seconds:
            return
        dask_scheduler.worker_ttl = seconds
        looks = dask_scheduler.periodic_callbacks
        if "worker-ttl" in looks:
            looks["worker-ttl"].stop()
        looks["worker-ttl"] = PeriodicCallback(dask_scheduler.check_worker_ttl, 1000 * seconds)
        looks["worker-ttl"].start()

    return limit_silence


def in_order(scheduler: Any, call: Any, jobs: Iterable[Any]) -> Iterator[Any]:
    """Queue jobs by the chunk, for each message to the scheduler takes its time."""
    source = iter(jobs)
    queue: deque[list[Any]] = deque()
    try:
        while True:
            while len(queue) < BATCH // CHUNK and (chunk := list(islice(source, CHUNK))):
                queue.append(queued(scheduler, call, chunk))
            if not queue:
                return
            yield from results(scheduler, queue.popleft())
    finally:
        if answers(scheduler):
            for futures in queue:
                scheduler.cancel(futures)


def queued(scheduler: Any, call: Any, chunk: list[Any]) -> list[Any]:
    """The futures of some jobs; None for each if there is no scheduler any more."""
    if not answers(scheduler):
        return [None] * len(chunk)
    return list(scheduler.map(call, [*map(Parcel, chunk)], pure=False))


def answers(scheduler: Any) -> bool:
    """Say whether the connection to the scheduler stands."""
    return bool(scheduler.status == "running")


def results(scheduler: Any, futures: list[Any]) -> list[Any]:
    """The results of a chunk; a Failure for each job that its worker did not survive."""
    try:
        return [parcel.content for parcel in scheduler.gather(futures)]
    except Exception:  # gather gives all or nothing
        return [attempt(unpacked, future) for future in futures]


def unpacked(future: Any) -> Any:
    """The result of one job. Raises what Dask says of a job whose worker died."""
    if future is None or future.cancelled():
        return SCHEDULER_LOST
    return future.result().content


SCHEDULER_LOST = Failure("SchedulerLost", "the Dask scheduler was gone before this job was done")


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

"""Interpreters: several in one process (3.14 on), each with its own GIL; jobs are pickled."""

import concurrent.futures
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from workloads.models import BATCH, Client, Run
from workloads.models.failure import attempt

RUNS = "work"
START_LIMIT = 60.0  # seconds until every interpreter must have started


def absent() -> str | None:
    """Interpreters came to the standard library with Python 3.14."""
    if not hasattr(concurrent.futures, "InterpreterPoolExecutor"):
        return f"needs Python 3.14, and this is {sys.version_info.major}.{sys.version_info.minor}"
    return None


@contextmanager
def pool(client: Client, *, workers: int) -> Iterator[Run]:
    """Start ``workers`` interpreters, each in a thread of its own."""
    # An interpreter starts with the sys.path of the command line, not with this one's.
    become_worker = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        f"import pickle; from workloads.models import interpreters\n"
        f"interpreters.enter(pickle.loads({pickle.dumps(client)!r}))"
    )
    executor_type = concurrent.futures.InterpreterPoolExecutor
    with executor_type(workers, initializer=exec, initargs=(become_worker,)) as executor:
        start_all(executor, workers)

        def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
            return in_order(lambda job: executor.submit(do_job, work, job), jobs)

        try:
            yield run
        except KeyboardInterrupt:
            print(f"Interrupted: waiting for up to {workers} running jobs.", file=sys.stderr)
            raise
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def in_order(submit: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[Any]:
    """Submit jobs as long as fewer than BATCH are queued; give their results in order."""
    queue: deque[Any] = deque()
    try:
        for job in jobs:
            queue.append(submit(job))
            if len(queue) == BATCH:
                yield attempt(queue.popleft().result)
        while queue:
            yield attempt(queue.popleft().result)
    finally:
        for future in queue:
            future.cancel()


def start_all(executor: Any, workers: int) -> None:
    """Return when every interpreter stands ready: each takes one job that waits for the others."""
    from concurrent import interpreters

    ready, go = interpreters.create_queue(), interpreters.create_queue()
    waiting = [executor.submit(stand_ready, ready, go) for _ in range(workers)]
    for _ in range(workers):
        while not any(future.done() for future in waiting):
            with suppress(interpreters.QueueEmpty):
                ready.get(timeout=0.1)
                break
    for _ in range(workers):
        go.put(None)
    for future in waiting:
        future.result(START_LIMIT)


# What follows runs in the interpreters.

extra: tuple[Any, ...] = ()


def enter(client: Client) -> None:
    """Enter the client for as long as the interpreter lives."""
    global extra
    if client:
        extra = (client().__enter__(),)


def stand_ready(ready: Any, go: Any) -> None:
    """Say so on one queue and wait on the other."""
    ready.put(None)
    go.get(timeout=START_LIMIT)


def do_job(work: Any, job: Any) -> Any:
    """Do one job with the interpreter's own client."""
    return attempt(work, job, *extra)

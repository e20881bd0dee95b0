"""Interpreters: several in one process (3.14 on), each with its own GIL; jobs are pickled."""

import concurrent.futures
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from typing import Any

from . import BATCH, Client, Run
from .failure import attempt
from .interrupts import Deferral, ended

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
    executor_type = concurrent.futures.InterpreterPoolExecutor
    # An interpreter starts with the sys.path of the command line, not with this one's.
    set_path = f"import sys; sys.path[:] = {sys.path!r}"
    undisturbed = Deferral()
    with (
        undisturbed.installed(),
        ended(executor_type(workers, initializer=exec, initargs=(set_path,))) as executor,
    ):
        in_each(executor, undisturbed, workers, enter, pickle.dumps(client))

        def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
            return in_order(executor, undisturbed, work, jobs)

        yield run
        in_each(executor, undisturbed, workers, leave)


def in_order(
    executor: Executor, undisturbed: Deferral, work: Any, jobs: Iterable[Any]
) -> Iterator[Any]:
    """Keep fewer than BATCH jobs queued; give their results in order."""
    queue: deque[Future[Any]] = deque()

    def next_result() -> Any:
        undisturbed.wait_for(queue[0])
        return attempt(queue.popleft().result)

    try:
        for job in jobs:
            with undisturbed:
                queue.append(executor.submit(do_job, work, job))
            if len(queue) == BATCH:
                yield next_result()
        while queue:
            yield next_result()
    finally:
        for future in queue:
            future.cancel()


def in_each(
    executor: Any, undisturbed: Deferral, workers: int, call: Callable[..., None], *args: Any
) -> None:
    """Call in every interpreter: each takes one such task and waits until all have one."""
    from concurrent import interpreters

    arrived, go = interpreters.create_queue(), interpreters.create_queue()
    try:
        with undisturbed:
            tasks = [
                executor.submit(when_all_are_here, arrived, go, call, *args) for _ in range(workers)
            ]
        for _ in range(workers):
            while not any_done(undisturbed, tasks):  # it would have failed before it arrived
                with suppress(interpreters.QueueEmpty):
                    arrived.get(timeout=0.1)
                    break
    finally:  # after Ctrl-C too, or those that wait would do so for START_LIMIT
        for _ in range(workers):
            go.put(None)
    for task in tasks:
        undisturbed.wait_for(task, START_LIMIT)
        task.result(0)


def any_done(undisturbed: Deferral, tasks: Iterable[Future[Any]]) -> bool:
    """Look at the tasks, each of which has its lock while it is looked at."""
    with undisturbed:
        return any(task.done() for task in tasks)


# What follows runs in the interpreters.

managers: list[Any] = []
extra: tuple[Any, ...] = ()


def when_all_are_here(arrived: Any, go: Any, call: Callable[..., None], *args: Any) -> None:
    """Make sure that no interpreter takes two of the tasks that each should have one of."""
    arrived.put(None)
    go.get(timeout=START_LIMIT)
    call(*args)


def enter(pickled: bytes) -> None:
    """Enter the client for as long as the interpreter lives.

    Unpickled here, it raises what its import raises; the executor would only say "not shareable".
    """
    global extra
    client: Client = pickle.loads(pickled)
    if client:
        managers.append(client())
        extra = (managers[0].__enter__(),)


def leave() -> None:
    """Leave the client."""
    while managers:
        managers.pop().__exit__(None, None, None)


def do_job(work: Any, job: Any) -> Any:
    """Do one job with the interpreter's own client."""
    return attempt(work, job, *extra)

"""Threads: many jobs wait at once in one process; with a GIL, one at a time runs Python code."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from threading import Barrier, Condition, Lock
from typing import Any

from . import AHEAD, BATCH, Client, Run
from .failure import Failure
from .interrupts import ended

RUNS = "work"
START_LIMIT = 60.0  # seconds until every thread must have started


def absent() -> str | None:
    """Threads run everywhere."""
    return None


@contextmanager
def pool(client: Client, *, in_flight: int) -> Iterator[Run]:
    """Start ``in_flight`` threads that share one client."""
    with (
        client() if client else nullcontext() as shared,
        ended(ThreadPoolExecutor(in_flight, thread_name_prefix="jobs")) as executor,
    ):
        everyone = Barrier(in_flight + 1)
        for _ in range(in_flight):
            executor.submit(everyone.wait, START_LIMIT)
        everyone.wait(START_LIMIT)
        extra = (shared,) if client else ()

        def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
            call = (lambda job: work(job, *extra)) if extra else work
            return in_order(executor, in_flight, call, jobs)

        yield run


def in_order(
    executor: ThreadPoolExecutor, threads: int, work: Any, jobs: Iterable[Any]
) -> Iterator[Any]:
    """Let the threads draw jobs from one shared iterator; give the results in its order."""
    source = enumerate(jobs)
    done: dict[int, Any] = {}
    lock = Lock()
    ready, room = Condition(lock), Condition(lock)
    head = 0  # the number of the next result to give
    mark = BATCH  # the number of the next job whose drawing calls for a look around
    stopped = False
    drawing = threads

    def draw_and_work() -> None:
        nonlocal mark, drawing
        try:
            while True:
                with lock:
                    drawn = None if stopped else next(source, None)
                    if drawn is None:
                        return
                    number, job = drawn
                    if number >= mark:
                        ready.notify()
                        while number >= head + AHEAD and not stopped:
                            room.wait()
                        if stopped:
                            return
                        mark = number + BATCH
                try:
                    done[number] = work(job)
                except Exception as error:
                    done[number] = Failure.of(error)
        finally:
            with lock:
                drawing -= 1
                ready.notify()

    def stop() -> None:
        nonlocal stopped
        with lock:
            stopped = True
            room.notify_all()

    crew = [executor.submit(draw_and_work) for _ in range(threads)]
    number, take = 0, done.pop
    try:
        while drawing:
            with lock:
                if drawing:
                    ready.wait(timeout=1.0)  # one without a limit can be deaf to Ctrl-C
            while number in done:
                yield take(number)
                number += 1
            with lock:
                head = number
                room.notify_all()
        for member in crew:
            member.result()  # what the iterator of the jobs raised
        while number in done:
            yield take(number)
            number += 1
    except (KeyboardInterrupt, GeneratorExit):
        stop()  # what is under way, the end of the pool waits for, if not after Ctrl-C
        raise
    finally:
        stop()
    wait(crew)

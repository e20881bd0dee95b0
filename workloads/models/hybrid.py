"""Hybrid: one event loop does the waiting, a pool of processes (threads without a GIL) computes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from . import AsyncClient, Run, coroutines, processes
from .failure import attempt
from .interrupts import ended

RUNS = ("fetch_async", "compute")

Compute = Callable[..., Awaitable[Any]]  # (compute, job, fetched) -> result or Failure


def absent() -> str | None:
    """The hybrid needs what processes need, if it computes in processes."""
    return processes.absent() if has_gil() else None


def doing() -> dict[int, Any]:
    """What each worker process computes, by its pid: the job that it does so for."""
    return processes.doing()


def has_gil() -> bool:
    """Say whether threads would have to compute one at a time."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


@contextmanager
def pool(
    client: AsyncClient, *, in_flight: int, workers: int, start_method: str, loop: str
) -> Iterator[Run]:
    """Start the computing pool first, so that its workers inherit no event loop."""
    with (
        computing_pool(workers, start_method) as compute_elsewhere,
        asyncio.Runner(loop_factory=coroutines.loop_factory(loop)) as runner,
        coroutines.entered(client, runner) as extra,
    ):

        def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
            fetch, compute = work
            waiting = asyncio.Semaphore(in_flight)
            computing = asyncio.Semaphore(2 * workers)  # one under way and one queued for each

            async def both(job: Any) -> Any:
                async with waiting:
                    fetched = await fetch(job, *extra)
                async with computing:
                    return await compute_elsewhere(compute, job, fetched)

            return coroutines.in_order(runner, in_flight + 2 * workers, both, jobs)

        yield run


@contextmanager
def computing_pool(workers: int, start_method: str) -> Iterator[Compute]:
    """A pool of processes, or of threads where threads compute in parallel."""
    if has_gil():
        crew = processes.Crew(None, workers, start_method)
        crew.start()
        try:
            yield lambda *call: in_crew(crew, *call)
        except BaseException:
            crew.kill()
            raise
        finally:
            crew.close()
    else:
        with ended(ThreadPoolExecutor(workers, thread_name_prefix="compute")) as threads:
            yield lambda *call: result_of(threads.submit(partial(attempt, *call)))


async def in_crew(crew: processes.Crew, compute: Any, job: Any, fetched: Any) -> Any:
    """Compute in a worker; again in a new pool if this one broke and the job did not break it."""
    while True:
        executor, begun, number = crew.executor, crew.begun, next(crew.numbers)
        try:
            result = await result_of(crew.submit(number, compute, job, fetched))
        except BrokenProcessPool:
            if crew.executor is executor:  # the first to notice replaces it for all
                crew.replace()
            if number not in begun:
                continue
            result = processes.WORKER_DIED
        crew.fruitless = 0
        return result


async def result_of(future: Future[Any]) -> Any:
    """The result of a pool's future.

    Unlike with asyncio.wrap_future, to cancel this ends the waiting and leaves the future alone:
    the executor of 3.11 was seen to trip over a cancelled future when its workers are killed.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def tell(_future: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(done.set)

    future.add_done_callback(tell)
    await done.wait()
    return future.result()

"""The bare standard library doing what the models do: what dispatch_tasks is compared with."""

import asyncio
import multiprocessing
import platform
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any

from conlab.bench.peers import Peer, timed

Jobs = Callable[[], Iterable[Any]]


@contextmanager
def threads(work: Callable[[Any], Any], jobs: Jobs, in_flight: int) -> Iterator[Peer]:
    """As many threads draw from one shared iterator, under a lock: a generator needs one."""
    with ThreadPoolExecutor(in_flight) as executor:

        def run() -> list[Any]:
            source = enumerate(jobs())
            lock = Lock()
            done: dict[int, Any] = {}

            def draw_and_work() -> None:
                while True:
                    with lock:
                        drawn = next(source, None)
                    if drawn is None:
                        return
                    number, job = drawn
                    try:
                        done[number] = work(job)
                    except Exception as error:
                        done[number] = error

            for future in [executor.submit(draw_and_work) for _ in range(in_flight)]:
                future.result()
            return [done[number] for number in range(len(done))]

        command = f"ThreadPoolExecutor({in_flight}), each thread drawing from one iterator"
        yield peer(command, run)


@contextmanager
def coroutines(work: Callable[[Any], Any], jobs: Jobs, in_flight: int) -> Iterator[Peer]:
    """As many tasks of one event loop draw from one shared iterator."""
    with asyncio.Runner() as runner:

        async def run_all() -> list[Any]:
            source = enumerate(jobs())
            done: dict[int, Any] = {}

            async def draw_and_work() -> None:
                for number, job in source:
                    try:
                        done[number] = await work(job)
                    except Exception as error:
                        done[number] = error

            async with asyncio.TaskGroup() as group:
                for _ in range(in_flight):
                    group.create_task(draw_and_work())
            return [done[number] for number in range(len(done))]

        runner.run(asyncio.sleep(0))  # the loop is there before the first round, as is ours
        command = f"TaskGroup of {in_flight} tasks, each drawing from one iterator"
        yield peer(command, lambda: runner.run(run_all()))


@contextmanager
def processes(
    work: Callable[[Any], Any], jobs: Jobs, workers: int, start_method: str, chunk: int
) -> Iterator[Peer]:
    """``executor.map`` with chunks of that many jobs."""
    context = multiprocessing.get_context(start_method)
    with ProcessPoolExecutor(workers, mp_context=context) as executor:

        def run() -> list[Any]:
            return list(executor.map(work, jobs(), chunksize=chunk))

        command = f"ProcessPoolExecutor({workers}).map(work, jobs, chunksize={chunk})"
        yield peer(f"{command}, {start_method}", run)


def peer(command: str, run: Callable[[], list[Any]]) -> Peer:
    """The standard library of the running Python as a peer, its pool started beforehand."""
    return Peer(
        "bare library",
        platform.python_version(),
        command,
        "results in order; its pool stands ready, as ours does",
        lambda: timed(run),
    )

"""Coroutines: many jobs wait at once in one thread, on one event loop."""

import asyncio
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, count, islice
from typing import Any

from . import AHEAD, BATCH, AsyncClient, Run
from .failure import Failure

RUNS = "work_async"


def absent() -> str | None:
    """Coroutines run everywhere."""
    return None


@contextmanager
def pool(client: AsyncClient, *, in_flight: int, loop: str) -> Iterator[Run]:
    """Start an event loop (``"asyncio"`` or ``"uvloop"``) and enter the client on it."""
    with (
        asyncio.Runner(loop_factory=loop_factory(loop)) as runner,
        entered(client, runner) as extra,
    ):

        def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
            call = (lambda job: work(job, *extra)) if extra else work
            return in_order(runner, in_flight, call, jobs)

        yield run


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """The function that makes such an event loop. ImportError without uvloop."""
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop
    return asyncio.new_event_loop


@contextmanager
def entered(client: AsyncClient, runner: asyncio.Runner) -> Iterator[tuple[Any, ...]]:
    """Enter the client on the runner's loop, and leave it there at the end."""
    if client is None:
        yield ()
        return

    async def enter() -> Any:
        return await manager.__aenter__()

    async def leave() -> None:
        await manager.__aexit__(None, None, None)

    manager = client()
    shared = runner.run(enter())
    try:
        yield (shared,)
    finally:
        runner.run(leave())


class Given:
    """Results that are given one by one out of batches, at the speed of C."""

    def __init__(self, batches: Generator[list[Any]]) -> None:
        self.batches = batches
        self.results = chain.from_iterable(batches)

    def __iter__(self) -> Iterator[Any]:
        return self.results

    def __next__(self) -> Any:
        return next(self.results)

    def close(self) -> None:
        """Draw no more jobs, and cancel what is under way."""
        self.batches.close()


def in_order(runner: asyncio.Runner, tasks: int, work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
    """Let the tasks draw jobs from one shared iterator; give the results in its order."""
    return Given(in_batches(runner, tasks, work, jobs))


def in_batches(
    runner: asyncio.Runner, tasks: int, work: Any, jobs: Iterable[Any]
) -> Generator[list[Any]]:
    """The same, several results at once.

    The jobs are numbered and drawn in batches, too, so that what is done once a job is little.
    """
    source = enumerate(jobs)
    batch: Iterator[tuple[int, Any]] = islice(source, BATCH)  # what is drawn now
    done: dict[int, Any] = {}  # their results by number
    kept = deque([done])  # the same of all batches that are not given yet
    ready, room = asyncio.Event(), asyncio.Event()

    async def draw_and_work() -> None:
        nonlocal batch, done
        try:
            while True:
                jobs, results = batch, done
                for number, job in jobs:
                    try:
                        results[number] = await work(job)
                    except Exception as error:
                        results[number] = Failure.of(error)
                ready.set()
                while batch is jobs and len(kept) >= AHEAD // BATCH:
                    await room.wait()
                if batch is jobs:
                    if not (first := list(islice(source, 1))):
                        return
                    batch, done = chain(first, islice(source, BATCH - 1)), {}
                    kept.append(done)
        finally:
            ready.set()  # the others may wait for the room that this one's last result makes

    async def crew() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(draw_and_work())

    async def start() -> asyncio.Task[None]:
        started = asyncio.create_task(crew())
        started.add_done_callback(lambda _: ready.set())
        return started

    async def look_around() -> bool:
        room.set()
        room.clear()
        await ready.wait()
        ready.clear()
        return crew_task.done()

    async def stop() -> None:
        crew_task.cancel()
        await asyncio.wait([crew_task])

    crew_task = runner.run(start())
    number = 0  # of the next result to give
    try:
        finished = False
        while not finished:
            finished = runner.run(look_around())
            while kept:
                results = kept[0]
                whole = len(results) == BATCH
                end = number - number % BATCH + BATCH if whole else first_missing(results, number)
                yield [results[one] for one in range(number, end)]
                number = end
                if not whole:
                    break
                kept.popleft()
        try:
            crew_task.result()
        except BaseExceptionGroup as group:  # what the iterator of the jobs raised
            raise group.exceptions[0] from None
    finally:
        runner.run(stop())


def first_missing(results: dict[int, Any], number: int) -> int:
    """The first number from this one up that has no result."""
    return next(missing for missing in count(number) if missing not in results)

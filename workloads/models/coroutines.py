"""Coroutines: many jobs wait at once in one thread, on one event loop."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from workloads.models import AHEAD, BATCH, AsyncClient, Run
from workloads.models.failure import Failure

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


def in_order(runner: asyncio.Runner, tasks: int, work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
    """Let the tasks draw jobs from one shared iterator; give the results in its order."""
    source = enumerate(jobs)
    done: dict[int, Any] = {}
    head = 0  # the number of the next result to give
    mark = BATCH  # the number of the next job whose drawing calls for a look around
    ready, room = asyncio.Event(), asyncio.Event()

    async def draw_and_work() -> None:
        nonlocal mark
        try:
            for number, job in source:
                if number >= mark:
                    ready.set()
                    while number >= head + AHEAD:
                        await room.wait()
                    mark = number + BATCH
                try:
                    done[number] = await work(job)
                except Exception as error:
                    done[number] = Failure.of(error)
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

    async def batch() -> bool:
        room.set()
        room.clear()
        await ready.wait()
        ready.clear()
        return crew_task.done()

    async def stop() -> None:
        crew_task.cancel()
        await asyncio.wait([crew_task])

    crew_task = runner.run(start())
    number, take = 0, done.pop
    try:
        finished = False
        while not finished:
            finished = runner.run(batch())
            while number in done:
                yield take(number)
                number += 1
            head = number
        try:
            crew_task.result()
        except BaseExceptionGroup as group:  # what the iterator of the jobs raised
            raise group.exceptions[0] from None
    finally:
        runner.run(stop())

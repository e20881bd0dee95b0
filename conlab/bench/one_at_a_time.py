"""Serial for a workload that has work_async() alone: an event loop that does one job at a time."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Loop:
    """An event loop, and the client that was entered on it, if there is one."""

    runner: asyncio.Runner
    client: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """``work(job, loop)`` of a coroutine function: awaits it, and nothing beside it."""

    work_async: Any

    def __call__(self, job: Any, loop: Loop) -> Any:
        """The job's result. Raises what the job raises."""
        return loop.runner.run(self.awaited(job, *loop.client))

    async def awaited(self, *args: Any) -> Any:
        """Run what is awaited, whatever kind of awaitable that is."""
        return await self.work_async(*args)


def client_of(client_async: Any) -> Callable[[], AbstractContextManager[Loop]]:
    """The client of such a ``work``: a loop on which the workload's own client is entered."""

    @contextmanager
    def client() -> Iterator[Loop]:
        with asyncio.Runner() as runner:
            if client_async is None:
                yield Loop(runner, ())
                return
            manager = client_async()
            entered = runner.run(_awaited(manager.__aenter__()))
            try:
                yield Loop(runner, (entered,))
            finally:
                runner.run(_awaited(manager.__aexit__(None, None, None)))

    return client


async def _awaited(awaitable: Any) -> Any:
    return await awaitable

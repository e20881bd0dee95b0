"""The ways to do one job of a waiting workload: a client, and the function that goes with it."""

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Any

from workloads.models.failure import attempt, attempt_async

Do = Callable[[ModuleType, Any], Any]


def blocking(workload: ModuleType, job: Any) -> Any:
    """The result or Failure of a job under the blocking client."""
    with workload.client() as client:
        return attempt(workload.work, job, client)


def aiohttp(workload: ModuleType, job: Any) -> Any:
    """The same on the event loop."""

    async def main() -> Any:
        async with workload.client_async() as client:
            return await attempt_async(workload.work_async, job, client)

    return asyncio.run(main())


def httpx_async(workload: ModuleType, job: Any) -> Any:
    """The same with httpx on the event loop, where the workload has it."""

    async def main() -> Any:
        async with workload.client_async_httpx() as client:
            return await attempt_async(workload.work_async_httpx, job, client)

    return asyncio.run(main())

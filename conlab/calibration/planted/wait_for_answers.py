"""Wait as for a server that answers after 100 ms: nothing but waiting."""

import asyncio
import time
from collections.abc import Iterator

JOBS = 400
UNITS = 100
SECONDS = 0.001  # of waiting, a unit


def jobs(count: int) -> Iterator[int]:
    """The numbers of the answers."""
    return iter(range(count))


def work(job: int) -> int:
    """Wait for one answer."""
    time.sleep(UNITS * SECONDS)
    return job


async def work_async(job: int) -> int:
    """Wait for one answer on an event loop."""
    await asyncio.sleep(UNITS * SECONDS)
    return job

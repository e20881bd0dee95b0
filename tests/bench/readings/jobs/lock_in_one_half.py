"""Coroutines take turns at a lock that threads know nothing of."""

import asyncio
import time

locks: dict[asyncio.AbstractEventLoop, asyncio.Lock] = {}


def jobs() -> range:
    return range(20)


def work(number: int) -> int:
    time.sleep(0.02)
    return number


async def work_async(number: int) -> int:
    async with locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        await asyncio.sleep(0.02)
    return number

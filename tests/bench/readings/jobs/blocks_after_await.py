"""A coroutine that awaits first, and then sleeps without awaiting."""

import asyncio
import time


def jobs() -> range:
    return range(16)


def work(number: int) -> int:
    time.sleep(0.025)
    return number


async def work_async(number: int) -> int:
    await asyncio.sleep(0.005)
    return slowly(number)


def slowly(number: int) -> int:
    time.sleep(0.02)
    return number

"""Tries again what failed in a way that passes, and gives up in time."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from . import limits
from .errors import TotalTimeError, TransientError

T = TypeVar("T")


def with_retries(once: Callable[[float], T]) -> T:
    """What ``once(deadline)`` returns, tried again as ``delay_before_retry`` says."""
    deadline = time.monotonic() + limits.TOTAL_TIMEOUT
    attempt = 1
    while True:
        try:
            return once(deadline)
        except TransientError as error:
            delay = delay_before_retry(error, attempt, deadline - time.monotonic())
            if delay is None:
                raise
        time.sleep(delay)
        attempt += 1


async def with_retries_async(url: str, once: Callable[[], Awaitable[T]]) -> T:
    """The twin of ``with_retries``; here the deadline cuts ``once`` short wherever it waits."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + limits.TOTAL_TIMEOUT
    attempt = 1
    try:
        async with asyncio.timeout_at(deadline):
            while True:
                try:
                    return await once()
                except TransientError as error:
                    delay = delay_before_retry(error, attempt, deadline - clock())
                    if delay is None:
                        raise
                await asyncio.sleep(delay)
                attempt += 1
    except TimeoutError as error:
        raise TotalTimeError.at(url) from error


def delay_before_retry(error: TransientError, attempt: int, seconds_left: float) -> float | None:
    """Seconds to wait after the failed ``attempt`` (the first is 1), or None to give up.

    That is what the server asked for, and on top an exponential backoff with full jitter, so that
    those who failed together do not come back together (M. Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog, 2015). A wait that would outlast the time left is not begun.
    """
    if attempt >= limits.ATTEMPTS:
        return None
    longest = min(limits.MAX_BACKOFF, limits.FIRST_BACKOFF * 2 ** (attempt - 1))
    delay = error.retry_after + random.uniform(0, longest)
    return delay if delay < seconds_left else None

"""wait_for swallows a cancellation: a task that is cancelled just as its reply comes goes on.

Symptom: Now and then a worker outlives its cancellation, and the shutdown waits for it for ever.

Why: Until Python 3.11, wait_for() that is cancelled when its future is already done returns the
result, so as not to lose it, and with that the cancellation is lost. From 3.12 on it raises.

Fix: `async with asyncio.timeout()`, which is what wait_for() is made of from 3.12 on.

Detect: none known.

Source: https://github.com/python/cpython/issues/86296 and
https://github.com/python/cpython/issues/87555

Run: python wait_for_swallows_cancellation.py broken|fixed;
conlab study wait_for_swallows_cancellation
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

FAILURE = "leak"
SHOWS = "returned 'went on'"
EVIDENCE = "explored"
LOST = ("swallowed its cancellation: it returned 'went on with hello'",)
VERSIONS = {">=3.12": {"HARMLESS": True}}

SECONDS = 10


def broken() -> str:
    async def worker(reply: "asyncio.Future[str]") -> str:
        hello = await asyncio.wait_for(reply, SECONDS)
        return f"went on with {hello}"

    return asyncio.run(reply_and_cancel(worker))


def fixed() -> str:
    async def worker(reply: "asyncio.Future[str]") -> str:
        async with asyncio.timeout(SECONDS):
            hello = await reply
        return f"went on with {hello}"

    return asyncio.run(reply_and_cancel(worker))


def holds(end: str) -> bool:
    """The worker did not go on after it was told to stop."""
    return end != "went on"


async def reply_and_cancel(worker: Callable[["asyncio.Future[str]"], Awaitable[str]]) -> str:
    """Let the worker wait, cancel it in the turn in which its reply comes, and say how it ended."""
    reply: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(worker(reply))
    await asyncio.sleep(0)
    if not reply.done():
        reply.set_result("hello")
    task.cancel()
    await asyncio.wait([task])
    if task.cancelled():
        return "cancelled"
    return "timed out" if task.exception() else "went on"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"The worker {(end := side())}:", "right" if holds(end) else "wrong")

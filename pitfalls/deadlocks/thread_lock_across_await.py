"""Thread lock held across an await: the second task blocks the loop that the first waits for.

Symptom: The whole program freezes as soon as two requests overlap.

Why: Taking a threading.Lock blocks the thread, and the thread is the event loop. The task that
holds the lock can never be resumed to release it.

Fix: asyncio.Lock, which lets the other tasks run while one waits.

Detect: pytest-timeout and faulthandler's dump_traceback_later(), whose stacks show `with lock:`.

Source: https://github.com/Azure/azure-sdk-for-python/pull/11591 and
https://github.com/agent0ai/agent-zero/issues/1355

Run: python thread_lock_across_await.py broken|fixed; conlab study thread_lock_across_await
"""

import asyncio
import faulthandler
import sys
import threading
from collections.abc import Awaitable, Callable

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "explored"
BUILDS_ON = ("non_reentrant_lock_taken_twice",)
STUCK_AT = ("with lock:",)


def broken() -> list[str]:
    lock = threading.Lock()
    log: list[str] = []

    async def request() -> None:
        with lock:
            log.append("began")
            await answer()
            log.append("ended")

    return asyncio.run(twice(request, log))


def fixed() -> list[str]:
    lock = asyncio.Lock()
    log: list[str] = []

    async def request() -> None:
        async with lock:
            log.append("began")
            await answer()
            log.append("ended")

    return asyncio.run(twice(request, log))


def holds(log: list[str]) -> bool:
    """Both requests were answered, one after the other."""
    return log == ["began", "ended", "began", "ended"]


async def answer() -> None:
    """A turn of the loop, as any answer from elsewhere takes at least."""
    await asyncio.sleep(0)


async def twice(request: Callable[[], Awaitable[None]], log: list[str]) -> list[str]:
    """Make two requests at once."""
    await asyncio.gather(request(), request())
    return log


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Two requests {(log := side())}:", right if holds(log) else "wrong")

"""Swallowed cancellation: the retry loop takes the cancellation for a failed try, and goes on.

Symptom: Shutdown takes for ever, a timeout has no effect, a cancelled request is still made.

Why: cancel() raises CancelledError at the task's await. An `except BaseException` or a bare
`except` catches it like any error; the task is then not cancelled, and nobody asks again.

Fix: Catch the errors that can be retried and no others. What must be done on the way out belongs
into finally.

Detect: ruff (BLE001, S112); flake8-async (ASYNC103); flake8-bugbear (B036); pylint (W0718). A test
of the result fails.

Source: https://github.com/tornadoweb/tornado/issues/2990 and
https://docs.python.org/3/library/asyncio-task.html#task-cancellation

Run: python swallowed_cancellation.py broken|fixed; conlab study swallowed_cancellation
"""

import asyncio
import sys
from collections.abc import Coroutine

FAILURE = "leak"
SHOWS = "returned 'went on'"
EVIDENCE = "explored"
LOST = ("swallowed its cancellation: it returned 'hello'",)

TRIES = 3


def broken() -> str:
    async def download() -> str:
        for _ in range(TRIES):
            try:
                return await connect()
            except BaseException:
                continue
        return "gave up"

    return asyncio.run(cancel(download()))


def fixed() -> str:
    async def download() -> str:
        for _ in range(TRIES):
            try:
                return await connect()
            except OSError:
                continue
        return "gave up"

    return asyncio.run(cancel(download()))


def holds(end: str) -> bool:
    """The task ended because it was told to."""
    return end == "cancelled"


async def connect() -> str:
    """The server's greeting, a turn of the loop later."""
    await asyncio.sleep(0)
    return "hello"


async def cancel(download: Coroutine[None, None, str]) -> str:
    """Cancel the download while it waits, and say how it ended."""
    task = asyncio.create_task(download)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return "cancelled" if task.cancelled() else "went on"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"The download {(end := side())}:", "right" if holds(end) else "wrong")

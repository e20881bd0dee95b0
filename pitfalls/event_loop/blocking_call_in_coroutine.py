"""Blocking call in a coroutine: one task waits for a program, and every other task stands still.

Symptom: All requests stall together, health checks fail, and the machine has nothing to do.

Why: The event loop is one thread. A call that does not await keeps it, however deep it is hidden,
and no other task runs until it returns.

Fix: asyncio.to_thread(), or a client that awaits.

Detect: ruff (ASYNC221); flake8-async (ASYNC124, ASYNC221); pyleak inside the loop ("Error: Detected
1 event loop blocks"); aiodebug ("Executing <Task finished name='Task-n' coro=<upload() done, …"). A
test of the result fails.

Source: https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code and
https://github.com/home-assistant/core/issues/63766

Run: python blocking_call_in_coroutine.py broken|fixed; conlab study blocking_call_in_coroutine
"""

import asyncio
import subprocess
import sys

FAILURE = "stall"
SHOWS = "returned 0"
EVIDENCE = "judged"

CONVERT = [sys.executable, "-c", "'as good as any other program'"]


def broken() -> int:
    async def upload() -> int:
        heart = Heart()
        subprocess.run(CONVERT, check=True)  # noqa: ASYNC221 - the mistake
        return heart.stop()

    return asyncio.run(upload())


def fixed() -> int:
    async def upload() -> int:
        heart = Heart()
        await asyncio.to_thread(subprocess.run, CONVERT, check=True)
        return heart.stop()

    return asyncio.run(upload())


def holds(beats: int) -> bool:
    """Other tasks ran in the meantime."""
    return beats > 0


class Heart:
    """Another task, that counts its turns until it is stopped."""

    def __init__(self) -> None:
        self.beats = 0
        self.task = asyncio.create_task(self.beat())

    async def beat(self) -> None:
        """Count the turns of the loop."""
        while True:
            self.beats += 1
            await asyncio.sleep(0)

    def stop(self) -> int:
        """End the task; how many turns it has had."""
        self.task.cancel()
        return self.beats


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(
        f"Turns for other tasks meanwhile: {(beats := side())}:",
        "right" if holds(beats) else "wrong",
    )

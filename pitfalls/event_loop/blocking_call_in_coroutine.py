"""Blocking call in a coroutine: one task computes, and every other task stands still.

Symptom: All requests stall together, health checks fail, and the machine has nothing to do.

Why: The event loop is one thread. A call that does not await keeps it, however deep it is hidden,
and no other task runs until it returns.

Fix: asyncio.to_thread(), or a client that awaits.

Detect: asyncio's debug mode logs steps that take longer than 0.1 s. Linters know time.sleep() and
the like (ruff ASYNC251), and see no helper that blocks.

Source: https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code and
https://github.com/home-assistant/core/issues/63766
"""

import asyncio
import hashlib
import sys

FAILURE = "stall"
SHOWS = "returned 0"
EVIDENCE = "judged"
DETECT = {"asyncio debug": "sign_in"}

ROUNDS = 500_000  # about a quarter of a second; hashing a password takes time on purpose


def broken() -> int:
    async def sign_in() -> int:
        heart = Heart()
        hash_of("password")
        return heart.stop()

    return asyncio.run(sign_in())


def fixed() -> int:
    async def sign_in() -> int:
        heart = Heart()
        await asyncio.to_thread(hash_of, "password")
        return heart.stop()

    return asyncio.run(sign_in())


def holds(beats: int) -> bool:
    """Other tasks ran in the meantime."""
    return beats > 0


def hash_of(password: str) -> bytes:
    """What is kept of a password."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", ROUNDS)


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
    print(f"{(beats := side())} turns for others:", "right" if holds(beats) else "wrong")

"""Lock bound to another loop: a lock outlives the event loop in which somebody first waited for it.

Symptom: "RuntimeError: ... is bound to a different event loop": in the second test and not in the
first, or in the second asyncio.run(), and only when two tasks meet at the lock.

Why: An asyncio lock belongs to the loop that runs when a task first has to wait for it, and to no
other from then on. Taking it while it is free asks for no loop, so that a lock made at the top of a
module works for as long as nobody waits. Semaphores, events, conditions and queues do the same.

Fix: Make the lock where its loop runs: in what asyncio.run() is given, or in the object that a
request or a test makes.

Detect: none known. A test of the result fails.

Source: https://github.com/topoteretes/cognee/pull/2938 and
https://github.com/ecmwf/forecast-in-a-box/issues/317

Run: python lock_bound_to_other_loop.py broken|fixed; conlab study lock_bound_to_other_loop
"""

import asyncio
import sys

FAILURE = "exception"
SHOWS = "returned ['saved', 'saved', 'saved', 'RuntimeError']"
EVIDENCE = "explored"


def broken() -> list[str]:
    lock = asyncio.Lock()

    async def save() -> list[str]:
        return await save_two(lock)

    return asyncio.run(save()) + asyncio.run(save())


def fixed() -> list[str]:
    async def save() -> list[str]:
        lock = asyncio.Lock()
        return await save_two(lock)

    return asyncio.run(save()) + asyncio.run(save())


def holds(outcomes: list[str]) -> bool:
    """Both runs saved two files each."""
    return outcomes == ["saved"] * 4


async def save_two(lock: asyncio.Lock) -> list[str]:
    """Save two files at once; what became of each."""
    outcomes = await asyncio.gather(save_one(lock), save_one(lock), return_exceptions=True)
    return [each if isinstance(each, str) else type(each).__name__ for each in outcomes]


async def save_one(lock: asyncio.Lock) -> str:
    """Hold the lock for a turn of the loop, as any writing takes at least."""
    async with lock:
        await asyncio.sleep(0)
        return "saved"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(
        f"Two saves in each loop: {(outcomes := side())}:",
        "right" if holds(outcomes) else "wrong",
    )

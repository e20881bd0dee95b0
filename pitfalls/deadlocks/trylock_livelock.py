"""Try-lock livelock: two polite tasks step aside for each other, for ever.

Symptom: No progress at full CPU. Nothing is blocked, so nothing looks stuck.

Why: Each task takes its own lock, finds the other's taken, gives its own back so as not to
deadlock, and tries again. They do so in step, so both are always in the way.

Fix: Take the locks in one order. Whoever has the first gets the second.

Detect: aiodebug with hang_inspection ("Executing <Task pending name='Task-n'
coro=<with_aiodebug_ha…"). A test of the result fails.

Source: https://docs.oracle.com/javase/tutorial/essential/concurrency/starvelive.html

Run: python trylock_livelock.py broken|fixed; conlab study trylock_livelock
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

FAILURE = "livelock"
SHOWS = "returned 0"
EVIDENCE = "explored"
BUILDS_ON = ("lock_order",)

ROUNDS = 100  # after which a task gives up


def broken() -> int:
    async def move(mine: asyncio.Lock, theirs: asyncio.Lock) -> int:
        for _ in range(ROUNDS):
            async with mine:
                await turn()
                if not theirs.locked():
                    async with theirs:
                        return 1
                await turn()
        return 0

    return asyncio.run(both(move))


def fixed() -> int:
    async def move(mine: asyncio.Lock, theirs: asyncio.Lock) -> int:
        first, second = sorted((mine, theirs), key=id)
        for _ in range(ROUNDS):
            async with first:
                await turn()
                if not second.locked():
                    async with second:
                        return 1
                await turn()
        return 0

    return asyncio.run(both(move))


def holds(moved: int) -> bool:
    """Both tasks got both locks."""
    return moved == 2


async def turn() -> None:
    """Let the other tasks have their turn."""
    await asyncio.sleep(0)


async def both(move: Callable[[asyncio.Lock, asyncio.Lock], Awaitable[int]]) -> int:
    """Move in both directions at once; how many got through."""
    left, right = asyncio.Lock(), asyncio.Lock()
    return sum(await asyncio.gather(move(left, right), move(right, left)))


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"{(moved := side())} of 2 moved:", "right" if holds(moved) else "wrong")

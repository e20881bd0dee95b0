"""Shield misused: the save outlives the client who hung up, and not the end of the program.

Symptom: An order is paid and not saved, when a request was cancelled shortly before a restart.

Why: shield() keeps a cancellation of the waiting task from what it waits for, and does no more. The
shielded task goes on with nobody waiting for it; asyncio.run() cancels all that is left at its end,
and the garbage collector may take it before, as the event loop keeps tasks only weakly.

Fix: Keep the task, and wait for it before the loop ends.

Detect: none known. A test of the result fails.

Source: https://github.com/aio-libs/aiojobs/pull/495 and
https://github.com/python/cpython/issues/94972

Run: python shield_misuse.py broken|fixed; conlab study shield_misuse
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

FAILURE = "wrong result"
SHOWS = "returned []"
EVIDENCE = "explored"

TURNS = 10  # of the event loop, for the database to answer


def broken() -> list[str]:
    saved: list[str] = []

    async def serve() -> None:
        async def handle() -> None:
            await asyncio.shield(save(saved))

        await hang_up_during(handle)

    asyncio.run(serve())
    return saved


def fixed() -> list[str]:
    saved: list[str] = []

    async def serve() -> None:
        saves: list[asyncio.Task[None]] = []

        async def handle() -> None:
            saves.append(asyncio.create_task(save(saved)))
            await asyncio.shield(saves[-1])

        await hang_up_during(handle)
        await asyncio.wait(saves)

    asyncio.run(serve())
    return saved


def holds(saved: list[str]) -> bool:
    """The order is saved, though the client hung up."""
    return saved == ["order"]


async def save(saved: list[str]) -> None:
    """Save the order when the database has answered."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
    saved.append("order")


async def hang_up_during(handle: Callable[[], Awaitable[None]]) -> None:
    """Let a handler begin, cancel it as a server does when the client hangs up, and wait for it."""
    request = asyncio.ensure_future(handle())
    await asyncio.sleep(0)
    request.cancel()
    await asyncio.wait([request])


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Saved {(saved := side())}:", "right" if holds(saved) else "wrong")

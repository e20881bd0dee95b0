"""Cancel leaks a resource: a cancellation between taking a connection and the try block loses it.

Symptom: After some impatient clients the pool is empty and stays so: PoolTimeout for everybody.

Why: A cancellation is raised at an await. Where one stands after the connection was taken and
before the try whose finally gives it back, nobody gives it back.

Fix: Begin the try right after taking; or take in an `async with` that does both.

Detect: none known. A test of the result fails.

Source: https://github.com/encode/httpcore/issues/658 and
https://github.com/MagicStack/asyncpg/issues/464

Run: python cancel_leaks_resource.py broken|fixed; conlab study cancel_leaks_resource
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

FAILURE = "leak"
SHOWS = "returned []"
EVIDENCE = "explored"
BUILDS_ON = ("swallowed_cancellation",)
CANCELLATIONS = 1


def broken() -> list[str]:
    pool = ["connection"]

    async def query() -> str:
        connection = pool.pop()
        await greet(connection)
        try:
            return await ask(connection)
        finally:
            pool.append(connection)

    asyncio.run(cancel_at_the_first_await(query))
    return pool


def fixed() -> list[str]:
    pool = ["connection"]

    async def query() -> str:
        connection = pool.pop()
        try:
            await greet(connection)
            return await ask(connection)
        finally:
            pool.append(connection)

    asyncio.run(cancel_at_the_first_await(query))
    return pool


def holds(pool: list[str]) -> bool:
    """The connection is back."""
    return pool == ["connection"]


async def greet(connection: str) -> str:
    """A turn of the loop, for the server to greet."""
    await asyncio.sleep(0)
    return connection


async def ask(connection: str) -> str:
    """A turn of the loop, for the server to answer."""
    await asyncio.sleep(0)
    return f"an answer by {connection}"


async def cancel_at_the_first_await(query: Callable[[], Awaitable[str]]) -> None:
    """Begin the query, cancel it while it first waits, and wait until it has ended."""
    task = asyncio.ensure_future(query())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"In the pool: {(pool := side())}:", "right" if holds(pool) else "wrong")

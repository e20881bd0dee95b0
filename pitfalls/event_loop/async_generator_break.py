"""Break out of an async generator: its `finally` runs some time later, in a task of its own.

Symptom: The connection is not back when the next query needs it, a lock is held a little too long,
a context variable is reset in the wrong context, the clean-up fails because the loop is closed.

Why: `break` only stops asking for more. A generator is closed at once when nobody holds it any
more; the `finally` of an async generator may await, which the interpreter cannot do in passing, so
it asks the event loop to make a task of it.

Fix: contextlib.aclosing(), which closes the generator, and waits for that, at the end of its block.

Detect: none known. A test of the result fails.

Source: https://github.com/python/cpython/issues/88684 and
https://github.com/python/cpython/issues/118944

Run: python async_generator_break.py broken|fixed; conlab study async_generator_break
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

FAILURE = "leak"
SHOWS = "returned []"
EVIDENCE = "explored"


def broken() -> list[str]:
    async def first_row() -> list[str]:
        pool = ["connection"]
        async for _ in rows(pool):
            break
        return list(pool)

    return asyncio.run(first_row())


def fixed() -> list[str]:
    async def first_row() -> list[str]:
        pool = ["connection"]
        async with aclosing(rows(pool)) as found:
            async for _ in found:
                break
        return list(pool)

    return asyncio.run(first_row())


def holds(pool: list[str]) -> bool:
    """The connection is back when the next query needs it."""
    return pool == ["connection"]


async def rows(pool: list[str]) -> AsyncGenerator[str, None]:
    """Rows that are read over a connection, which is given back after the last of them."""
    connection = pool.pop()
    try:
        for row in ("first", "second"):
            await asyncio.sleep(0)
            yield row
    finally:
        pool.append(connection)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"In the pool: {(pool := side())}:", "right" if holds(pool) else "wrong")

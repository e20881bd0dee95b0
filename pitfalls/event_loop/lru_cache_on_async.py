"""lru_cache on an async function: what is kept is the coroutine, and it can be awaited only once.

Symptom: "RuntimeError: cannot reuse already awaited coroutine", at the second call with the same
arguments; the first always works.

Why: Calling an async function returns a coroutine, at once, and functools.cache keeps what the call
returned. A coroutine is one run of the function: the second who awaits it finds it used up.

Fix: Keep what can be awaited again: a task. It belongs to one event loop, and a task that failed
must leave the cache, so for more than this take a library for it, such as async-lru.

Detect: python ("RuntimeError: cannot reuse already awaited coroutine"). A test of the result fails.

Source: https://github.com/python/cpython/issues/90780 and
https://github.com/tkem/cachetools/issues/92

Run: python lru_cache_on_async.py broken|fixed; conlab study lru_cache_on_async
"""

import asyncio
import sys
from functools import cache

FAILURE = "exception"
SHOWS = "raised RuntimeError: cannot reuse already awaited coroutine"
EVIDENCE = "explored"
BUILDS_ON = ("forgotten_await",)


def broken() -> list[str]:
    server = Server()

    @cache
    async def token(user: str) -> str:
        return await server.new_token(user)

    async def two_calls() -> list[str]:
        return [await token("Ada"), await token("Ada")]

    return asyncio.run(two_calls())


def fixed() -> list[str]:
    server = Server()

    @cache
    def token(user: str) -> asyncio.Task[str]:
        return asyncio.create_task(server.new_token(user))

    async def two_calls() -> list[str]:
        return [await token("Ada"), await token("Ada")]

    return asyncio.run(two_calls())


def holds(tokens: list[str]) -> bool:
    """The second call has the token of the first."""
    return tokens == ["token 1 of Ada", "token 1 of Ada"]


class Server:
    """Numbers the tokens that it gives."""

    def __init__(self) -> None:
        self.given = 0

    async def new_token(self, user: str) -> str:
        """Give one more, after a turn of the loop."""
        await asyncio.sleep(0)
        self.given += 1
        return f"token {self.given} of {user}"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"In two calls: {(tokens := side())}:", "right" if holds(tokens) else "wrong")

"""Context variable lost in an executor: the thread of the pool does not know whose request it is.

Symptom: The log lines of one helper have no request id, or that of another request; a call that
needs the current user finds none.

Why: A task has a context of its own, and a thread of a pool has one, too: that in which it was
started, long ago. loop.run_in_executor() hands over the function and its arguments, not the
context.

Fix: asyncio.to_thread(), which runs the function in a copy of the caller's context. For a pool of
your own: run_in_executor(pool, copy_context().run, function).

Detect: none known. A test of the result fails.

Source: https://github.com/python/cpython/issues/78195 and
https://github.com/infiniflow/ragflow/pull/16247

Run: python contextvar_lost_in_executor.py broken|fixed; conlab study contextvar_lost_in_executor
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

FAILURE = "wrong result"
SHOWS = "returned 'Dear customer'"
EVIDENCE = "explored"
BUILDS_ON = ("thread_local_in_tasks",)

customer = ContextVar("customer", default="customer")


def broken() -> str:
    async def answer() -> str:
        customer.set("Ada")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, letter)

    return asyncio.run(served_by_a_pool(answer))


def fixed() -> str:
    async def answer() -> str:
        customer.set("Ada")
        return await asyncio.to_thread(letter)

    return asyncio.run(served_by_a_pool(answer))


def holds(text: str) -> bool:
    """The letter is to the customer whose request it answers."""
    return text == "Dear Ada"


def letter() -> str:
    """Begin a letter to the customer whom the context names."""
    return f"Dear {customer.get()}"


async def served_by_a_pool(answer: Callable[[], Awaitable[str]]) -> str:
    """Answer a request, with a pool whose thread has been there since the start of the server."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    await loop.run_in_executor(None, letter)
    return await answer()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"The letter to Ada begins {(text := side())!r}:", right if holds(text) else "wrong")

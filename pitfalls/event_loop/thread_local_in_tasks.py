"""Thread-local in tasks: all tasks run in one thread, so what is local to it is common to them.

Symptom: One user sees another's data; a lock is given back by a task that no longer holds it. Only
when two requests overlap.

Why: threading.local() keeps a value for each thread. A server that gave each request a thread could
keep there whose request it was. Tasks share their thread, and whatever one task writes there,
another overwrites during an await.

Fix: A context variable, of which each task has a value of its own.

Detect: none known. A test of the result fails.

Source: https://github.com/NoneGG/aredis/issues/119

Run: python thread_local_in_tasks.py broken|fixed; conlab study thread_local_in_tasks
"""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

FAILURE = "wrong result"
SHOWS = "returned ['Dear Bob', 'Dear Bob']"
EVIDENCE = "explored"
BUILDS_ON = ("check_then_act_across_await",)

of_this_thread = threading.local()
of_this_task: ContextVar[str] = ContextVar("of_this_task")


def broken() -> list[str]:
    async def letter_to(customer: str) -> str:
        of_this_thread.customer = customer
        await paper()
        return f"Dear {of_this_thread.customer}"

    return asyncio.run(both(letter_to))


def fixed() -> list[str]:
    async def letter_to(customer: str) -> str:
        of_this_task.set(customer)
        await paper()
        return f"Dear {of_this_task.get()}"

    return asyncio.run(both(letter_to))


def holds(letters: list[str]) -> bool:
    """Each customer has a letter."""
    return letters == ["Dear Ada", "Dear Bob"]


async def paper() -> None:
    """A turn of the loop, as anything that is fetched takes at least."""
    await asyncio.sleep(0)


async def both(letter_to: Callable[[str], Awaitable[str]]) -> list[str]:
    """Write to two customers at once."""
    return list(await asyncio.gather(letter_to("Ada"), letter_to("Bob")))


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"To Ada and Bob: {(letters := side())}:", right if holds(letters) else "wrong")

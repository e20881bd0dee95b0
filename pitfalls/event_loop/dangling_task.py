"""Dangling task: nobody keeps the task, so the garbage collector may take it while it waits.

Symptom: A background job stops for no reason, now and then, without an exception.

Why: The event loop keeps only weak references to tasks. One that waits for something that nobody
else keeps is part of a cycle of garbage, and the next collection destroys it.

Fix: Keep every task until it is done: a TaskGroup, or a set that the task leaves by a done
callback.

Detect: ruff with all rules (RUF006); flake8-async (ASYNC300); mypy --strict with its optional
checks (unused-awaitable); python, python -X dev and asyncio debug ("Task was destroyed but it is
pending!"). A test of the result fails.

Source: https://github.com/python/cpython/issues/91887 and the note on asyncio.create_task() in the
documentation.

Run: python dangling_task.py broken|fixed; conlab study dangling_task
"""

# ruff: noqa: RUF006 - the mistake that this file is about

import asyncio
import gc
import sys
from typing import ClassVar
from weakref import WeakSet

FAILURE = "wrong result"
SHOWS = "returned []"
EVIDENCE = "explored"
BUILDS_ON = ("forgotten_await",)
LOST = ("Task was destroyed but it is pending!",)


def broken() -> list[str]:
    async def shop() -> list[str]:
        mailed: list[str] = []
        asyncio.create_task(thank(mailed))  # type: ignore[unused-awaitable]
        await asyncio.sleep(0)
        await pay()
        return mailed

    return asyncio.run(shop())


def fixed() -> list[str]:
    async def shop() -> list[str]:
        mailed: list[str] = []
        mailer = asyncio.create_task(thank(mailed))
        await asyncio.sleep(0)
        await pay()
        await mailer
        return mailed

    return asyncio.run(shop())


def holds(mailed: list[str]) -> bool:
    """The payment led to a mail."""
    return mailed == ["thank you"]


class Subscription:
    """What a subscriber waits for. The publisher does not keep it alive."""

    current: ClassVar["WeakSet[Subscription]"] = WeakSet()

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.current.add(self)


async def thank(mailed: list[str]) -> None:
    """Wait for the payment, then thank for it."""
    subscription = Subscription()
    await subscription.told.wait()
    mailed.append("thank you")


async def pay() -> None:
    """Tell the subscribers, some time later."""
    gc.collect()  # Python does so by itself, sooner or later
    for subscription in list(Subscription.current):
        subscription.told.set()
    await asyncio.sleep(0)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Mailed {(mailed := side())}:", "right" if holds(mailed) else "wrong")

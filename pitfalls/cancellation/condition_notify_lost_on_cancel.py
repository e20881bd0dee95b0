"""Notification lost on cancellation: the task that was woken is cancelled, and no other is woken.

Symptom: There is work in the queue, a worker that waits for it, and nothing happens.

Why: notify() wakes one task. If that one is cancelled before it has taken what there is, the others
sleep on, as nobody notifies them. (Up to Python 3.12 wait() itself can lose it so, in the turn in
which it is woken; from 3.13 on it wakes another. What comes after wait() is one's own.)

Fix: notify_all(), and each looks again for itself whether there is something to take; or notify the
next one when cancelled.

Detect: pytest-timeout and faulthandler's dump_traceback_later(), whose stacks show `return
asyncio.run(serve(announce))`.

Source: https://github.com/python/cpython/issues/112202 and
https://github.com/agronholm/anyio/pull/1075

Run: python condition_notify_lost_on_cancel.py broken|fixed;
conlab study condition_notify_lost_on_cancel
"""

import asyncio
import faulthandler
import sys
from collections.abc import Callable

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "explored"
STUCK_AT = ("return asyncio.run(serve(announce))",)
AWAITING = ("await bob", "await baked.wait_for(lambda: bread)")


def broken() -> list[str]:
    def announce(baked: asyncio.Condition) -> None:
        baked.notify()

    return asyncio.run(serve(announce))


def fixed() -> list[str]:
    def announce(baked: asyncio.Condition) -> None:
        baked.notify_all()

    return asyncio.run(serve(announce))


def holds(eaten: list[str]) -> bool:
    """The one who stayed has eaten."""
    return eaten == ["Bob: loaf"]


async def serve(announce: Callable[[asyncio.Condition], None]) -> list[str]:
    """Bake for two who wait; the one who is called first leaves before she has taken the loaf."""
    baked = asyncio.Condition()
    bread: list[str] = []
    eaten: list[str] = []

    async def eat(name: str) -> None:
        async with baked:
            await baked.wait_for(lambda: bread)
            await find_a_plate()
            eaten.append(f"{name}: {bread.pop()}")

    ada = asyncio.create_task(eat("Ada"))
    bob = asyncio.create_task(eat("Bob"))
    await asyncio.sleep(0)  # both wait
    async with baked:
        bread.append("loaf")
        announce(baked)
    await asyncio.sleep(0)  # Ada looks for a plate
    ada.cancel()
    await bob
    return eaten


async def find_a_plate() -> None:
    """A turn of the loop, in which whoever does it may be cancelled."""
    await asyncio.sleep(0)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    print(f"{(eaten := side())}:", "right" if holds(eaten) else "wrong")

"""Gather orphans siblings: one job fails, the error is handled, and the other job still goes on.

Symptom: The customer is told that the order is cancelled, and the parcel leaves a moment later.

Why: gather() hands on the first exception and forgets the rest: the other awaitables are not
cancelled, nobody waits for them any more, and a second exception is lost.

Fix: A TaskGroup cancels the siblings and waits for them before it raises.

Detect: none known. A test of the result fails.

Source: https://github.com/python/cpython/issues/75633

Run: python gather_orphans_siblings.py broken|fixed; conlab study gather_orphans_siblings
"""

import asyncio
import sys

FAILURE = "leak"
SHOWS = "returned ['cancelled', 'parcel sent']"
EVIDENCE = "explored"

TURNS = 10  # of the event loop, for the parcel service to answer


def broken() -> list[str]:
    async def order() -> list[str]:
        log: list[str] = []
        try:
            await asyncio.gather(charge(), ship(log))
        except* ValueError:
            log.append("cancelled")
        await answer_after(2 * TURNS)
        return log

    return asyncio.run(order())


def fixed() -> list[str]:
    async def order() -> list[str]:
        log: list[str] = []
        try:
            async with asyncio.TaskGroup() as jobs:
                jobs.create_task(charge())
                jobs.create_task(ship(log))
        except* ValueError:
            log.append("cancelled")
        await answer_after(2 * TURNS)
        return log

    return asyncio.run(order())


def holds(log: list[str]) -> bool:
    """Nothing happened to the order after it was cancelled."""
    return log == ["cancelled"]


async def charge() -> None:
    """Refuse the card."""
    raise ValueError("card refused")


async def ship(log: list[str]) -> None:
    """Send the parcel when the parcel service has answered."""
    await answer_after(TURNS)
    log.append("parcel sent")


async def answer_after(turns: int) -> None:
    """Let the loop turn so many times, as it does while something far away answers."""
    for _ in range(turns):
        await asyncio.sleep(0)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"What happened to the order: {(log := side())}:", "right" if holds(log) else "wrong")

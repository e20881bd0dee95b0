"""Forgotten await: the call makes a coroutine, the coroutine is thrown away, and nothing is done.

Symptom: The function returns, no error, and what it should have done has not happened.

Why: Calling an async function runs none of it. It gives a coroutine that runs when it is awaited.

Fix: await.

Detect: ruff with all rules (RUF029); flake8-async (ASYNC124); mypy (unused-coroutine); pyright
(reportUnusedCoroutine); python, python -X dev, asyncio debug and -W error ("RuntimeWarning:
coroutine 'save' was never awaited"). A test of the result fails.

Source: https://docs.python.org/3/library/asyncio-dev.html#detect-never-awaited-coroutines

Run: python forgotten_await.py broken|fixed; conlab study forgotten_await
"""

import asyncio
import sys

FAILURE = "wrong result"
SHOWS = "returned []"
EVIDENCE = "explored"
LOST = ("coroutine 'save' was never awaited",)


def broken() -> list[str]:
    async def buy(ticket: str) -> list[str]:
        saved: list[str] = []
        save(ticket, saved)  # type: ignore[unused-coroutine]  # the mistake
        return saved

    return asyncio.run(buy("row 1, seat 7"))


def fixed() -> list[str]:
    async def buy(ticket: str) -> list[str]:
        saved: list[str] = []
        await save(ticket, saved)
        return saved

    return asyncio.run(buy("row 1, seat 7"))


def holds(saved: list[str]) -> bool:
    """The ticket is saved."""
    return saved == ["row 1, seat 7"]


async def save(ticket: str, saved: list[str]) -> None:
    """Keep the ticket."""
    saved.append(ticket)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Saved {(saved := side())}:", "right" if holds(saved) else "wrong")

"""Exception group not caught: after the move to TaskGroup the old handler does not match any more.

Symptom: An error that used to be handled ends the program, as "unhandled errors in a TaskGroup".

Why: Several tasks can fail at once, so a TaskGroup always raises an ExceptionGroup, even for one
error. `except ValueError` does not look inside it.

Fix: `except* ValueError` takes the matching errors out of the group and lets the others go on.

Detect: none known. A test of the result fails.

Source: https://peps.python.org/pep-0654/ and https://github.com/agronholm/anyio/issues/668

Run: python exceptiongroup_not_caught.py broken|fixed; conlab study exceptiongroup_not_caught
"""

import asyncio
import sys

FAILURE = "exception"
SHOWS = "raised ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)"
EVIDENCE = "explored"
BUILDS_ON = ("gather_orphans_siblings",)


def broken() -> int:
    async def worth() -> int:
        total = 0
        try:
            async with asyncio.TaskGroup() as questions:
                price = questions.create_task(ask("12"))
                stock = questions.create_task(ask("many"))
            total = price.result() * stock.result()
        except ValueError:
            pass
        return total

    return asyncio.run(worth())


def fixed() -> int:
    async def worth() -> int:
        total = 0
        try:
            async with asyncio.TaskGroup() as questions:
                price = questions.create_task(ask("12"))
                stock = questions.create_task(ask("many"))
            total = price.result() * stock.result()
        except* ValueError:
            pass
        return total

    return asyncio.run(worth())


def holds(value: int) -> bool:
    """A stock that is not a number is worth nothing."""
    return value == 0


async def ask(answer: str) -> int:
    """The answer as a number; ValueError if it is none."""
    return int(answer)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"The stock is worth {(value := side())}:", "right" if holds(value) else "wrong")

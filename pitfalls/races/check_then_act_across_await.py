"""Check, then act, across an await: two tasks find the token missing, and both fetch one.

Symptom: A token is refreshed twice at the same moment; the first is void, and calls that carry it
fail.

Why: An await lets the other tasks run. What was checked before it need not be true after it, though
there is one thread and no data race.

Fix: An asyncio.Lock around the check and the act, so that the second task checks after the first
acted.

Detect: none known. A test of the result fails.

Source: https://github.com/marcospereirampj/python-keycloak/issues/710 and
https://github.com/Teekeks/pyTwitchAPI/issues/184

Run: python check_then_act_across_await.py broken|fixed; conlab study check_then_act_across_await
"""

import asyncio
import sys

FAILURE = "wrong result"
SHOWS = "returned ['token', 'token']"
EVIDENCE = "explored"
BUILDS_ON = ("check_then_act_on_container",)


def broken() -> list[str]:
    issued: list[str] = []

    async def call() -> None:
        if not issued:
            issued.append(await fetch_token())

    async def call_twice() -> list[str]:
        await asyncio.gather(call(), call())
        return issued

    return asyncio.run(call_twice())


def fixed() -> list[str]:
    issued: list[str] = []

    one_at_a_time = asyncio.Lock()

    async def call() -> None:
        async with one_at_a_time:
            if not issued:
                issued.append(await fetch_token())

    async def call_twice() -> list[str]:
        await asyncio.gather(call(), call())
        return issued

    return asyncio.run(call_twice())


def holds(issued: list[str]) -> bool:
    """One token serves both calls."""
    return len(issued) == 1


async def fetch_token() -> str:
    """A new token, after a turn of the loop for the server to answer."""
    await asyncio.sleep(0)
    return "token"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Issued for two calls: {(issued := side())}:", "right" if holds(issued) else "wrong")

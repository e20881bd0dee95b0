"""Retry storm: each layer tries three times, and an overloaded server gets nine times the load.

Symptom: A server that stumbled does not get up again: it is asked more the less it answers.

Why: The library retries what failed, and the application retries the call of the library, each
prudently. Tries multiply from layer to layer: three layers of three tries make 27 requests of one,
just when the server can take the least.

Fix: Retry in one layer, and switch off the retries of those below. There: few tries, longer and
longer pauses of random length, and a budget for all callers together.

Detect: asyncio debug with a slow_callback_duration of 0.05 s ("Executing <Task pending
name='Task-n' coro=<BaseSelectorEven…"). A test of the result fails.

Source: https://github.com/HKUDS/nanobot/issues/2760 and "Addressing cascading failures" in Site
Reliability Engineering, https://sre.google/sre-book/addressing-cascading-failures/

Run: python retry_storm.py broken|fixed; conlab study retry_storm
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

FAILURE = "needless cost"
SHOWS = "returned 90"
EVIDENCE = "measured"

CLIENTS = 10
TRIES = 3


def broken() -> int:
    async def client(port: int) -> None:
        await retried(TRIES, lambda: get(port, tries=TRIES))

    return asyncio.run(requests_of_all(client))


def fixed() -> int:
    async def client(port: int) -> None:
        await retried(TRIES, lambda: get(port, tries=1))

    return asyncio.run(requests_of_all(client))


def holds(requests: int) -> bool:
    """No client made more requests than it has tries."""
    return requests <= CLIENTS * TRIES


async def retried(tries: int, call: Callable[[], Awaitable[None]]) -> None:
    """Do the call until it succeeds, or has been tried so often."""
    for _ in range(tries - 1):
        with suppress(ConnectionError):
            return await call()
    return await call()


async def get(port: int, tries: int) -> None:
    """Ask the server as a library does: with tries of its own."""

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        status = await reader.readline()
        writer.close()
        await writer.wait_closed()
        if b"503" in status:
            raise ConnectionError(status)

    await retried(tries, ask)


async def requests_of_all(client: Callable[[int], Awaitable[None]]) -> int:
    """How many requests all clients make together of a server that is overloaded."""
    requests = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 503 Service Unavailable\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(client(port) for _ in range(CLIENTS)), return_exceptions=True)
    return requests


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Requests: {(requests := side())}:", "right" if holds(requests) else "wrong")

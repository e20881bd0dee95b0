"""Unbounded fan-out: gather() over everything puts everything in flight at once.

Symptom: "Too many open files", memory that grows with the list, a server that refuses to answer.

Why: gather() makes a task of each awaitable, and every one begins at once. Nothing says how many
may be open together.

Fix: A semaphore around the part that holds a resource, or a fixed number of workers and a queue.

Detect: asyncio debug ("Executing <Task pending name='Task-n' coro=<crawl() running …"); pyleak
inside the loop ("Error: Detected 1 event loop blocks"). A test of the result fails.

Source: https://github.com/aio-libs/aiohttp/issues/3038

Run: python unbounded_fan_out.py broken|fixed; conlab study unbounded_fan_out
"""

import asyncio
import sys

FAILURE = "needless cost"
SHOWS = "returned 1000"
EVIDENCE = "measured"

PAGES = 1_000
MOST = 10  # connections that the server will take


def broken() -> int:
    async def crawl() -> int:
        server = Server()
        await asyncio.gather(*(server.page() for _ in range(PAGES)))
        return server.most_open

    return asyncio.run(crawl())


def fixed() -> int:
    async def crawl() -> int:
        server = Server()
        slots = asyncio.Semaphore(MOST)

        async def page() -> None:
            async with slots:
                await server.page()

        await asyncio.gather(*(page() for _ in range(PAGES)))
        return server.most_open

    return asyncio.run(crawl())


def holds(most_open: int) -> bool:
    """The server never had more connections than it takes."""
    return most_open <= MOST


class Server:
    """Counts how many connections are open at once."""

    def __init__(self) -> None:
        self.open = 0
        self.most_open = 0

    async def page(self) -> None:
        """Open a connection, let the loop turn once, and close it."""
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(0)
        self.open -= 1


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(
        f"{(most_open := side())} open at once, on a server that takes {MOST}:",
        "right" if holds(most_open) else "wrong",
    )

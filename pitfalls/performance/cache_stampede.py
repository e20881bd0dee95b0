"""Cache stampede: the entry expires, and everybody who asks for it runs the costly query again.

Symptom: The database is overloaded for some seconds each time a popular entry of the cache expires,
and idle in between.

Why: The entry is missing from the first miss until the first query has been answered. Whoever asks
meanwhile misses it too, and queries. The slower the query and the more popular the entry, the more
of them.

Fix: Put the query that is under way into the cache, at once, and let everybody await that one. (If
it fails, take it out again. Between processes: a lock in the cache, or the old value for all but
the first who misses.)

Detect: none known. A test of the result fails.

Source: https://github.com/jazzband/django-redis/issues/27 and
https://github.com/Suor/django-cacheops/pull/134

Run: python cache_stampede.py broken|fixed; conlab study cache_stampede
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

FAILURE = "needless cost"
SHOWS = "returned 5"
EVIDENCE = "explored"

VISITORS = 5


def broken() -> int:
    database = Database()
    cache: dict[str, str] = {}

    async def front_page() -> str:
        if "front page" not in cache:
            cache["front page"] = await database.query()
        return cache["front page"]

    asyncio.run(visited_at_once(front_page))
    return database.queries


def fixed() -> int:
    database = Database()
    cache: dict[str, asyncio.Task[str]] = {}

    async def front_page() -> str:
        if "front page" not in cache:
            cache["front page"] = asyncio.create_task(database.query())
        return await asyncio.shield(cache["front page"])

    asyncio.run(visited_at_once(front_page))
    return database.queries


def holds(queries: int) -> bool:
    """One query served all visitors."""
    return queries == 1


class Database:
    """Answers in its own time, and counts what it is asked."""

    def __init__(self) -> None:
        self.queries = 0

    async def query(self) -> str:
        """The costly one: the news of the day, a turn of the loop later."""
        self.queries += 1
        await asyncio.sleep(0)
        return "the news"


async def visited_at_once(page: Callable[[], Awaitable[str]]) -> None:
    """Let all visitors ask for the page, which nobody has asked for since it expired."""
    await asyncio.gather(*(page() for _ in range(VISITORS)))


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Queries: {(queries := side())}:", "right" if holds(queries) else "wrong")

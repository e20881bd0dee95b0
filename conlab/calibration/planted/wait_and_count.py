"""Wait for an answer, then count its letters: most of the time goes into the one and the other."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator

JOBS = 400
UNITS = 100
SECONDS = 0.001  # of waiting, a unit: long beside what the model itself takes
TEXT = "the quick brown fox jumps over the lazy dog " * 8


def jobs(count: int) -> Iterator[int]:
    """The numbers of the answers."""
    return iter(range(count))


def work(job: int) -> tuple[int, str]:
    """Wait for one answer, and count its letters UNITS times."""
    time.sleep(UNITS * SECONDS)
    return job, [commonest() for _ in range(UNITS)][-1]


async def work_async(job: int) -> tuple[int, str]:
    """The same on an event loop."""
    await asyncio.sleep(UNITS * SECONDS)
    return job, [commonest() for _ in range(UNITS)][-1]


def commonest() -> str:
    """The commonest letter: a unit of computing."""
    letters = Counter(letter for word in TEXT.split() for letter in word)
    return letters.most_common(1)[0][0]

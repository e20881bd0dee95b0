"""Tiny chunks: each item travels to a process by itself, and the journey costs the most.

Symptom: The pool is slower than a plain loop, and adding workers does not help.

Why: ProcessPoolExecutor.map() sends one item at a time unless it is told otherwise: pickle, pipe,
wake up, and back again for each. Pool.map() makes larger chunks by itself.

Fix: chunksize, so large that a journey is small beside the work in it.

Detect: none known. A test of the result fails.

Source: https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.Executor.map
and https://github.com/joblib/loky/issues/12

Run: python tiny_chunks.py broken|fixed; conlab study tiny_chunks
"""

import multiprocessing
import sys
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

FAILURE = "needless cost"
SHOWS = "returned 2000"
EVIDENCE = "measured"

SPAWN = multiprocessing.get_context("spawn")
ITEMS = 2_000
CHUNK = 500


def broken() -> int:
    with CountingPool(2, mp_context=SPAWN) as pool:
        list(pool.map(abs, range(ITEMS)))
    return pool.journeys


def fixed() -> int:
    with CountingPool(2, mp_context=SPAWN) as pool:
        list(pool.map(abs, range(ITEMS), chunksize=CHUNK))
    return pool.journeys


def holds(journeys: int) -> bool:
    """A journey carried as many items as a chunk holds."""
    return journeys * CHUNK <= ITEMS


class CountingPool(ProcessPoolExecutor):
    """A pool that counts what it sends: map() submits once a chunk."""

    journeys = 0

    def submit(self, *arguments: Any, **options: Any) -> "Future[Any]":
        """Send one chunk."""
        self.journeys += 1
        return super().submit(*arguments, **options)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(
        f"Journeys for {ITEMS} items: {(journeys := side())}:",
        "right" if holds(journeys) else "wrong",
    )

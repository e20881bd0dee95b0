"""Random generator duplicated by fork: every worker draws the same "random" numbers.

Symptom: Augmented images repeat, samples are correlated, and all workers pick the same temporary
name.

Why: fork() copies the generator with its state. Python reseeds the functions of the module `random`
in the child, and neither a random.Random of your own nor NumPy's global generator.

Fix: Seed in every worker.

Detect: none known. A test of the result fails.

Source: https://github.com/pytorch/pytorch/issues/5059

Run: python rng_duplicated_by_fork.py broken|fixed; conlab study rng_duplicated_by_fork
"""

import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from random import Random

FAILURE = "wrong result"
SHOWS = "returned 1"
EVIDENCE = "judged"

FORK = multiprocessing.get_context("fork")
WORKERS = 3

random = Random(2026)


def broken() -> int:
    def draw(_: int, drawn: "SimpleQueue[float]") -> None:
        drawn.put(random.random())

    return different_draws(draw)


def fixed() -> int:
    def draw(number: int, drawn: "SimpleQueue[float]") -> None:
        random.seed(number)
        drawn.put(random.random())

    return different_draws(draw)


def holds(different: int) -> bool:
    """Each worker drew a number of its own."""
    return different == WORKERS


def different_draws(draw: Callable[[int, "SimpleQueue[float]"], None]) -> int:
    """Draw once in each worker; how many of the numbers are different."""
    drawn: SimpleQueue[float] = FORK.SimpleQueue()
    workers = [FORK.Process(target=draw, args=(number, drawn)) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return len({drawn.get() for _ in workers})


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(
        f"Different numbers from {WORKERS} workers: {(different := side())}:",
        "right" if holds(different) else "wrong",
    )

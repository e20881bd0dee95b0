"""Shared value that is not atomic: two processes count in a multiprocessing.Value, and lose.

Symptom: A counter that all workers share is too low, by more the more they overlap. Workers that do
little, started one after the other, seldom overlap, so a small test passes.

Why: A Value locks each read and each write, not the two together. `seats.value -= 1` is a read, a
subtraction and a write, and another process may come in between.

Fix: Hold the value's own lock from the read to the write.

Detect: none known. A test of the result fails, once the order is forced.

Source: https://docs.python.org/3/library/multiprocessing.html#multiprocessing.Value and
https://github.com/bigscience-workshop/petals/issues/487

Run: python non_atomic_shared_value.py broken|fixed; conlab study non_atomic_shared_value
"""

import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized

FAILURE = "wrong result"
SHOWS = "returned 9"
EVIDENCE = "judged"
BUILDS_ON = ("lost_update",)
MEET = {"seats.value = left - 1": 2}

SPAWN = multiprocessing.get_context("spawn")
SEATS = 10


def broken() -> int:
    seats = SPAWN.Value("i", SEATS)
    sell_in_two_processes(book, seats)
    return int(seats.value)


def fixed() -> int:
    seats = SPAWN.Value("i", SEATS)
    sell_in_two_processes(book_under_lock, seats)
    return int(seats.value)


def holds(seats_left: int) -> bool:
    """Each of the two sales took a seat."""
    return seats_left == SEATS - 2


def book(seats: "Synchronized[int]") -> None:
    left = seats.value
    seats.value = left - 1


def book_under_lock(seats: "Synchronized[int]") -> None:
    with seats.get_lock():
        left = seats.value
        seats.value = left - 1


def sell_in_two_processes(
    sell: "Callable[[Synchronized[int]], None]", seats: "Synchronized[int]"
) -> None:
    """Sell a seat in each of two processes, and wait for both."""
    sellers = [SPAWN.Process(target=sell, args=(seats,)) for _ in range(2)]
    for seller in sellers:
        seller.start()
    for seller in sellers:
        seller.join()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(
        f"{(seats_left := side())} of {SEATS} seats left after two sales:",
        right if holds(seats_left) else "wrong",
    )

"""Wrong lock: one thread guards a counter with another lock than all others.

From benchmarks/concurrent-software-benchmarks/wronglock_bad.c and wronglock_3_bad.c of
mc-imperial/sctbench, which differ in how many have the other lock. The correct side is our own: one
lock for all.
"""

import threading

from tests.explorer.running import run_all


def broken(others: int) -> None:
    lock, other_lock = threading.Lock(), threading.Lock()
    count = 0

    def add_and_check() -> None:
        nonlocal count
        with lock:
            before = count
            count += 1
            assert count == before + 1

    def add() -> None:
        nonlocal count
        with other_lock:
            count += 1

    run_all(add_and_check, *[add] * others)


def correct(others: int) -> None:
    lock = threading.Lock()
    count = 0

    def add_and_check() -> None:
        nonlocal count
        with lock:
            before = count
            count += 1
            assert count == before + 1

    def add() -> None:
        nonlocal count
        with lock:
            count += 1

    run_all(add_and_check, *[add] * others)

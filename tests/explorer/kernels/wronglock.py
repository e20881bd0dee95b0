"""Wrong lock: one thread guards a counter with another lock than all others.

From benchmarks/concurrent-software-benchmarks/wronglock_bad.c and wronglock_3_bad.c of
mc-imperial/sctbench, which differ in how many have the other lock. The correct side is our own: one
lock for all.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all


def broken(others: int) -> None:
    lock, other_lock = threading.Lock(), threading.Lock()
    shared = SimpleNamespace(count=0)

    def add_and_check() -> None:
        with lock:
            before = shared.count
            shared.count += 1
            assert shared.count == before + 1

    def add() -> None:
        with other_lock:
            shared.count += 1

    run_all(add_and_check, *[add] * others)


def correct(others: int) -> None:
    lock = threading.Lock()
    shared = SimpleNamespace(count=0)

    def add_and_check() -> None:
        with lock:
            before = shared.count
            shared.count += 1
            assert shared.count == before + 1

    def add() -> None:
        with lock:
            shared.count += 1

    run_all(add_and_check, *[add] * others)

"""Lazy: two threads add to a number under its lock, and a third must not see both.

From benchmarks/concurrent-software-benchmarks/lazy01_bad.c and lazy01_ok.c of mc-imperial/sctbench.
The correct side has no assertion left there; here it has one that is true.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all


def broken() -> None:
    mutex = threading.Lock()
    shared = SimpleNamespace(data=0)

    def add_one() -> None:
        with mutex:
            shared.data += 1

    def add_two() -> None:
        with mutex:
            shared.data += 2

    def look() -> None:
        with mutex:
            assert shared.data < 3

    run_all(add_one, add_two, look)


def correct() -> None:
    mutex = threading.Lock()
    shared = SimpleNamespace(data=0)

    def add_one() -> None:
        with mutex:
            shared.data += 1

    def add_two() -> None:
        with mutex:
            shared.data += 2

    def look() -> None:
        with mutex:
            assert shared.data <= 3

    run_all(add_one, add_two, look)

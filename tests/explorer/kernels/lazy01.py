"""Lazy: two threads add to a number under its lock, and a third must not see both.

From benchmarks/concurrent-software-benchmarks/lazy01_bad.c and lazy01_ok.c of mc-imperial/sctbench.
The correct side has no assertion left there; here it has one that is true.
"""

import threading

from tests.explorer.running import run_all


def broken() -> None:
    mutex = threading.Lock()
    data = 0

    def add_one() -> None:
        nonlocal data
        with mutex:
            data += 1

    def add_two() -> None:
        nonlocal data
        with mutex:
            data += 2

    def look() -> None:
        with mutex:
            assert data < 3

    run_all(add_one, add_two, look)


def correct() -> None:
    mutex = threading.Lock()
    data = 0

    def add_one() -> None:
        nonlocal data
        with mutex:
            data += 1

    def add_two() -> None:
        nonlocal data
        with mutex:
            data += 2

    def look() -> None:
        with mutex:
            assert data <= 3

    run_all(add_one, add_two, look)

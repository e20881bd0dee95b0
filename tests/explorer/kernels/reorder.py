"""Reorder: some threads set two variables without a lock, and others must see both or neither.

From benchmarks/concurrent-software-benchmarks/reorder_3_bad.c, reorder_4_bad.c, reorder_5_bad.c,
reorder_10_bad.c and reorder_20_bad.c of mc-imperial/sctbench, which differ in how many threads set
and check. A check fails between the two writes of the first that sets. The correct side is our own:
a lock.
"""

import threading

from tests.explorer.running import run_all


def broken(setting: int, checking: int) -> None:
    a = b = 0

    def set_both() -> None:
        nonlocal a, b
        a = 1
        b = -1

    def check() -> None:
        assert (a == 0 and b == 0) or (a == 1 and b == -1)

    run_all(*[set_both] * setting, *[check] * checking)


def correct(setting: int, checking: int) -> None:
    lock = threading.Lock()
    a = b = 0

    def set_both() -> None:
        nonlocal a, b
        with lock:
            a = 1
            b = -1

    def check() -> None:
        with lock:
            assert (a == 0 and b == 0) or (a == 1 and b == -1)

    run_all(*[set_both] * setting, *[check] * checking)

"""Reorder: some threads set two variables without a lock, and others must see both or neither.

From benchmarks/concurrent-software-benchmarks/reorder_3_bad.c, reorder_4_bad.c, reorder_5_bad.c,
reorder_10_bad.c and reorder_20_bad.c of mc-imperial/sctbench, which differ in how many threads set
and check. A check fails between the two writes of the first that sets. The correct side is our own:
a lock.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all


def broken(setting: int, checking: int) -> None:
    shared = SimpleNamespace(a=0, b=0)

    def set_both() -> None:
        shared.a = 1
        shared.b = -1

    def check() -> None:
        assert (shared.a == 0 and shared.b == 0) or (shared.a == 1 and shared.b == -1)

    run_all(*[set_both] * setting, *[check] * checking)


def correct(setting: int, checking: int) -> None:
    lock = threading.Lock()
    shared = SimpleNamespace(a=0, b=0)

    def set_both() -> None:
        with lock:
            shared.a = 1
            shared.b = -1

    def check() -> None:
        with lock:
            assert (shared.a == 0 and shared.b == 0) or (shared.a == 1 and shared.b == -1)

    run_all(*[set_both] * setting, *[check] * checking)

"""Synchronisation: the producer waits for a consumer who takes nothing.

From benchmarks/concurrent-software-benchmarks/sync01_bad.c and sync01_ok.c of mc-imperial/sctbench.
The broken side ends in a deadlock under every schedule. The other is notified while the lock is
held, as Python demands.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all


def broken() -> None:
    mutex = threading.Lock()
    empty, full = threading.Condition(mutex), threading.Condition(mutex)
    shared = SimpleNamespace(filled=1)

    def produce() -> None:
        with mutex:
            while shared.filled > 0:
                empty.wait()
            shared.filled += 1
            full.notify()

    def consume() -> None:
        with mutex:
            while shared.filled == 0:
                full.wait()
            empty.notify()

    run_all(produce, consume)


def correct() -> None:
    mutex = threading.Lock()
    empty, full = threading.Condition(mutex), threading.Condition(mutex)
    shared = SimpleNamespace(filled=0)

    def produce() -> None:
        with mutex:
            while shared.filled > 0:
                empty.wait()
            shared.filled += 1
            full.notify()

    def consume() -> None:
        with mutex:
            while shared.filled == 0:
                full.wait()
            shared.filled -= 1
            assert shared.filled == 0
            empty.notify()

    run_all(produce, consume)

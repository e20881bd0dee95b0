"""Arithmetic progression: the sum that a consumer makes of what is handed over one by one.

From benchmarks/concurrent-software-benchmarks/arithmetic_prog_bad.c and arithmetic_prog_ok.c of
mc-imperial/sctbench, where the broken side expects any sum but the right one, so that it fails
under every schedule. There the main thread checks the sum after both have ended, here the consumer
does, which alone writes it; and the other is notified while the lock is held, as Python demands.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all

ROUNDS = 3
SUM = ROUNDS * (ROUNDS + 1) // 2


def broken() -> None:
    mutex = threading.Lock()
    empty, full = threading.Condition(mutex), threading.Condition(mutex)
    shared = SimpleNamespace(filled=0, total=0)

    def produce() -> None:
        for _ in range(ROUNDS):
            with mutex:
                while shared.filled > 0:
                    empty.wait()
                shared.filled += 1
                full.notify()

    def consume() -> None:
        for number in range(ROUNDS):
            with mutex:
                while shared.filled == 0:
                    full.wait()
                shared.total += number
                shared.filled -= 1
                empty.notify()
        shared.total += ROUNDS
        assert shared.total != SUM

    run_all(produce, consume)


def correct() -> None:
    mutex = threading.Lock()
    empty, full = threading.Condition(mutex), threading.Condition(mutex)
    shared = SimpleNamespace(filled=0, total=0)

    def produce() -> None:
        for _ in range(ROUNDS):
            with mutex:
                while shared.filled > 0:
                    empty.wait()
                shared.filled += 1
                full.notify()

    def consume() -> None:
        for number in range(ROUNDS):
            with mutex:
                while shared.filled == 0:
                    full.wait()
                shared.total += number
                shared.filled -= 1
                empty.notify()
        shared.total += ROUNDS
        assert shared.total == SUM

    run_all(produce, consume)

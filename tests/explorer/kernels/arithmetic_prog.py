"""Arithmetic progression: the sum that a consumer makes of what is handed over one by one.

From benchmarks/concurrent-software-benchmarks/arithmetic_prog_bad.c and arithmetic_prog_ok.c of
mc-imperial/sctbench, where the broken side expects any sum but the right one, so that it fails
under every schedule. There the main thread checks the sum after both have ended, here the consumer
does, which alone writes it; and the other is notified while the lock is held, as Python demands.
"""

import threading

from tests.explorer.running import run_all

ROUNDS = 3
SUM = ROUNDS * (ROUNDS + 1) // 2


def broken() -> None:
    mutex = threading.Lock()
    empty, full = threading.Condition(mutex), threading.Condition(mutex)
    filled = total = 0

    def produce() -> None:
        nonlocal filled
        for _ in range(ROUNDS):
            with mutex:
                while filled > 0:
                    empty.wait()
                filled += 1
                full.notify()

    def consume() -> None:
        nonlocal filled, total
        for number in range(ROUNDS):
            with mutex:
                while filled == 0:
                    full.wait()
                total += number
                filled -= 1
                empty.notify()
        total += ROUNDS
        assert total != SUM

    run_all(produce, consume)


def correct() -> None:
    mutex = threading.Lock()
    empty, full = threading.Condition(mutex), threading.Condition(mutex)
    filled = total = 0

    def produce() -> None:
        nonlocal filled
        for _ in range(ROUNDS):
            with mutex:
                while filled > 0:
                    empty.wait()
                filled += 1
                full.notify()

    def consume() -> None:
        nonlocal filled, total
        for number in range(ROUNDS):
            with mutex:
                while filled == 0:
                    full.wait()
                total += number
                filled -= 1
                empty.notify()
        total += ROUNDS
        assert total == SUM

    run_all(produce, consume)

"""Synchronisation: the consumer ends before the producer, who then waits for ever.

From benchmarks/concurrent-software-benchmarks/sync02_bad.c and sync02_ok.c of mc-imperial/sctbench,
whose correct side makes 20 rounds there. What was there at the beginning is too much: the broken
side ends in a deadlock under every schedule. The other is notified while the lock is held, as
Python demands.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all

ROUNDS = 2


def broken() -> None:
    hand_over(filled=2)


def correct() -> None:
    hand_over(filled=0)


def hand_over(filled: int) -> None:
    """Produce and consume as many, of which so many are there already."""
    mutex = threading.Lock()
    empty, full = threading.Condition(mutex), threading.Condition(mutex)
    shared = SimpleNamespace(filled=filled)

    def produce() -> None:
        for _ in range(ROUNDS):
            with mutex:
                while shared.filled > 0:
                    empty.wait()
                shared.filled += 1
                full.notify()

    def consume() -> None:
        for _ in range(ROUNDS):
            with mutex:
                while shared.filled == 0:
                    full.wait()
                shared.filled -= 1
                empty.notify()

    run_all(produce, consume)

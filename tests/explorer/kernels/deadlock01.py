"""Deadlock: two threads take the same two locks, each in its own order.

From benchmarks/concurrent-software-benchmarks/deadlock01_bad.c of mc-imperial/sctbench. The correct
side is our own: one order for both.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all


def broken() -> None:
    first, second = threading.Lock(), threading.Lock()
    shared = SimpleNamespace(count=1)

    def up() -> None:
        with first, second:
            shared.count += 1

    def down() -> None:
        with second, first:
            shared.count -= 1

    run_all(up, down)


def correct() -> None:
    first, second = threading.Lock(), threading.Lock()
    shared = SimpleNamespace(count=1)

    def up() -> None:
        with first, second:
            shared.count += 1

    def down() -> None:
        with first, second:
            shared.count -= 1

    run_all(up, down)

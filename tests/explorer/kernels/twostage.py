"""Two stages: two values that belong together are written, and read, each under a lock of its own.

From benchmarks/concurrent-software-benchmarks/twostage_bad.c and twostage_100_bad.c of
mc-imperial/sctbench, which differ in how many threads write. Who reads between the two stages of
the first that writes sees only one of the two. The correct side is our own: the first lock is held
until the second value is written.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all


def broken(writing: int, reading: int) -> None:
    first_lock, second_lock = threading.Lock(), threading.Lock()
    shared = SimpleNamespace(first=0, second=0)

    def write() -> None:
        with first_lock:
            shared.first = 1
        with second_lock:
            shared.second = shared.first + 1

    def read() -> None:
        with first_lock:
            if shared.first == 0:
                return
            seen = shared.first
        with second_lock:
            assert shared.second == seen + 1

    run_all(*[write] * writing, *[read] * reading)


def correct(writing: int, reading: int) -> None:
    first_lock, second_lock = threading.Lock(), threading.Lock()
    shared = SimpleNamespace(first=0, second=0)

    def write() -> None:
        with first_lock:
            shared.first = 1
            with second_lock:
                shared.second = shared.first + 1

    def read() -> None:
        with first_lock:
            if shared.first == 0:
                return
            seen = shared.first
        with second_lock:
            assert shared.second == seen + 1

    run_all(*[write] * writing, *[read] * reading)

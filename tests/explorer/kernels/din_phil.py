"""Dining philosophers: each takes both forks as one atomic step, and counts itself afterwards.

From benchmarks/concurrent-software-benchmarks/din_phil2_sat.c, din_phil3_sat.c, din_phil4_sat.c,
din_phil5_sat.c, din_phil6_sat.c and din_phil7_sat.c of mc-imperial/sctbench, and the files named
unsat beside them. That all have eaten is what fails there: of two to four philosophers, who count
themselves without a lock, under most schedules; of five and six under every one. The file of seven
takes the lock again where it should give it back, and so the first thread waits for itself.
"""

import threading
from functools import partial
from types import SimpleNamespace

from tests.explorer.running import run_all


def broken(philosophers: int) -> None:
    atomic = threading.Lock()
    forks = [threading.Lock() for _ in range(philosophers)]
    shared = SimpleNamespace(eaten=0)

    def dine(left: int) -> None:
        right = (left + 1) % philosophers
        with atomic, forks[right], forks[left]:
            pass
        shared.eaten += 1
        assert shared.eaten != philosophers

    run_all(*[partial(dine, left) for left in range(philosophers)])


def broken_with_locked_count(philosophers: int) -> None:
    atomic = threading.Lock()
    forks = [threading.Lock() for _ in range(philosophers)]
    shared = SimpleNamespace(eaten=0)

    def dine(left: int) -> None:
        right = (left + 1) % philosophers
        with atomic, forks[right], forks[left]:
            pass
        with atomic:
            shared.eaten += 1
            assert shared.eaten != philosophers

    run_all(*[partial(dine, left) for left in range(philosophers)])


def broken_with_lock_kept(philosophers: int) -> None:
    atomic = threading.Lock()
    forks = [threading.Lock() for _ in range(philosophers)]
    shared = SimpleNamespace(eaten=0)

    def dine(left: int) -> None:
        right = (left + 1) % philosophers
        atomic.acquire()
        with forks[right], forks[left]:
            pass
        atomic.acquire()
        shared.eaten += 1
        assert shared.eaten != philosophers

    run_all(*[partial(dine, left) for left in range(philosophers)])


def correct(philosophers: int) -> None:
    atomic = threading.Lock()
    forks = [threading.Lock() for _ in range(philosophers)]

    def dine(left: int) -> None:
        right = (left + 1) % philosophers
        with atomic, forks[right], forks[left]:
            pass

    run_all(*[partial(dine, left) for left in range(philosophers)])

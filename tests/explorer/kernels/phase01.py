"""Phases: a lock that was taken twice is given back once, so the other thread never gets it.

From benchmarks/concurrent-software-benchmarks/phase01_bad.c and phase01_ok.c of
mc-imperial/sctbench. The broken side ends in a deadlock under every schedule.
"""

import threading

from tests.explorer.running import run_all


def broken() -> None:
    first, second = threading.Lock(), threading.Lock()

    def pass_both() -> None:
        with first:
            pass
        first.acquire()
        with second:
            pass
        with second:
            pass

    run_all(pass_both, pass_both)


def correct() -> None:
    first, second = threading.Lock(), threading.Lock()

    def pass_both() -> None:
        with first:
            pass
        with first:
            pass
        with second:
            pass
        with second:
            pass

    run_all(pass_both, pass_both)

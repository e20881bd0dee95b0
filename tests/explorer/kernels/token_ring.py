"""Token ring: each station copies its predecessor's value, whether or not that had its turn.

From benchmarks/concurrent-software-benchmarks/token_ring_bad.c of mc-imperial/sctbench. The check
fails where all three had their turns in another order than the ring's. The correct side is our own:
a station waits for its predecessor.
"""

import threading

from tests.explorer.running import run_all


def broken() -> None:
    atomic = threading.Condition()
    values = [1, 2, 1]
    had_turn = [False] * 3

    def first() -> None:
        with atomic:
            values[0] = (values[2] + 1) % 4
            had_turn[0] = True

    def second() -> None:
        with atomic:
            values[1] = values[0]
            had_turn[1] = True

    def third() -> None:
        with atomic:
            values[2] = values[1]
            had_turn[2] = True

    def check() -> None:
        with atomic:
            if had_turn[0] and had_turn[1] and had_turn[2]:
                assert values[0] == values[1] == values[2]

    run_all(first, second, third, check)


def correct() -> None:
    atomic = threading.Condition()
    values = [1, 2, 1]
    had_turn = [False] * 3

    def first() -> None:
        with atomic:
            values[0] = (values[2] + 1) % 4
            had_turn[0] = True
            atomic.notify_all()

    def second() -> None:
        with atomic:
            while not had_turn[0]:
                atomic.wait()
            values[1] = values[0]
            had_turn[1] = True
            atomic.notify_all()

    def third() -> None:
        with atomic:
            while not had_turn[1]:
                atomic.wait()
            values[2] = values[1]
            had_turn[2] = True

    def check() -> None:
        with atomic:
            if had_turn[0] and had_turn[1] and had_turn[2]:
                assert values[0] == values[1] == values[2]

    run_all(first, second, third, check)

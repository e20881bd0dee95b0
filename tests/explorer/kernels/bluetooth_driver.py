"""Bluetooth driver: a request is let in after the driver was asked to stop, and stopped.

From benchmarks/concurrent-software-benchmarks/bluetooth_driver_bad.c of mc-imperial/sctbench, where
the main thread is the one that makes the request. The correct side is our own: a request counts
itself before it looks whether the driver stops, not after.
"""

import threading

from tests.explorer.running import run_all


def broken() -> None:
    atomic = threading.Lock()
    pending = 1
    stopping = idle = stopped = False

    def enter() -> bool:
        nonlocal pending
        if stopping:
            return False
        with atomic:
            pending += 1
        return True

    def leave() -> None:
        nonlocal pending, idle
        with atomic:
            pending -= 1
            left = pending
        if left == 0:
            idle = True

    def stop() -> None:
        nonlocal stopping, stopped
        stopping = True
        leave()
        if idle:
            stopped = True

    def request() -> None:
        if enter():
            assert not stopped
        leave()

    run_all(stop, request)


def correct() -> None:
    atomic = threading.Lock()
    pending = 1
    stopping = idle = stopped = False

    def enter() -> bool:
        nonlocal pending
        with atomic:
            pending += 1
        return not stopping

    def leave() -> None:
        nonlocal pending, idle
        with atomic:
            pending -= 1
            left = pending
        if left == 0:
            idle = True

    def stop() -> None:
        nonlocal stopping, stopped
        stopping = True
        leave()
        if idle:
            stopped = True

    def request() -> None:
        if enter():
            assert not stopped
        leave()

    run_all(stop, request)

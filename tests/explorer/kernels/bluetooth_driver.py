"""Bluetooth driver: a request is let in after the driver was asked to stop, and stopped.

From benchmarks/concurrent-software-benchmarks/bluetooth_driver_bad.c of mc-imperial/sctbench, where
the main thread is the one that makes the request. The correct side is our own: a request counts
itself before it looks whether the driver stops, not after.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all


def broken() -> None:
    atomic = threading.Lock()
    shared = SimpleNamespace(pending=1, stopping=False, idle=False, stopped=False)

    def enter() -> bool:
        if shared.stopping:
            return False
        with atomic:
            shared.pending += 1
        return True

    def leave() -> None:
        with atomic:
            shared.pending -= 1
            left = shared.pending
        if left == 0:
            shared.idle = True

    def stop() -> None:
        shared.stopping = True
        leave()
        if shared.idle:
            shared.stopped = True

    def request() -> None:
        if enter():
            assert not shared.stopped
        leave()

    run_all(stop, request)


def correct() -> None:
    atomic = threading.Lock()
    shared = SimpleNamespace(pending=1, stopping=False, idle=False, stopped=False)

    def enter() -> bool:
        with atomic:
            shared.pending += 1
        return not shared.stopping

    def leave() -> None:
        with atomic:
            shared.pending -= 1
            left = shared.pending
        if left == 0:
            shared.idle = True

    def stop() -> None:
        shared.stopping = True
        leave()
        if shared.idle:
            shared.stopped = True

    def request() -> None:
        if enter():
            assert not shared.stopped
        leave()

    run_all(stop, request)

"""Carter: the first of each class locks the other class out, and waits while it holds the mutex.

From benchmarks/concurrent-software-benchmarks/carter01_bad.c of mc-imperial/sctbench; two of its
four threads do nothing there either. Who holds the lock needs the mutex to give it back, and that
is held by the one who waits for the lock. The correct side is our own: a mutex for each class.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all


def broken() -> None:
    mutex = threading.Lock()
    lock = threading.Lock()
    shared = SimpleNamespace(in_a=0, in_b=0)

    def operate_a() -> None:
        with mutex:
            shared.in_a += 1
            if shared.in_a == 1:
                lock.acquire()
        with mutex:
            shared.in_a -= 1
            if shared.in_a == 0:
                lock.release()

    def operate_b() -> None:
        with mutex:
            shared.in_b += 1
            if shared.in_b == 1:
                lock.acquire()
        with mutex:
            shared.in_b -= 1
            if shared.in_b == 0:
                lock.release()

    run_all(operate_a, operate_b, do_nothing, do_nothing)


def correct() -> None:
    mutex_a, mutex_b = threading.Lock(), threading.Lock()
    lock = threading.Lock()
    shared = SimpleNamespace(in_a=0, in_b=0)

    def operate_a() -> None:
        with mutex_a:
            shared.in_a += 1
            if shared.in_a == 1:
                lock.acquire()
        with mutex_a:
            shared.in_a -= 1
            if shared.in_a == 0:
                lock.release()

    def operate_b() -> None:
        with mutex_b:
            shared.in_b += 1
            if shared.in_b == 1:
                lock.acquire()
        with mutex_b:
            shared.in_b -= 1
            if shared.in_b == 0:
                lock.release()

    run_all(operate_a, operate_b, do_nothing, do_nothing)


def do_nothing() -> None:
    pass

"""Carter: the first of each class locks the other class out, and waits while it holds the mutex.

From benchmarks/concurrent-software-benchmarks/carter01_bad.c of mc-imperial/sctbench; two of its
four threads do nothing there either. Who holds the lock needs the mutex to give it back, and that
is held by the one who waits for the lock. The correct side is our own: a mutex for each class.
"""

import threading

from tests.explorer.running import run_all


def broken() -> None:
    mutex = threading.Lock()
    lock = threading.Lock()
    in_a = in_b = 0

    def operate_a() -> None:
        nonlocal in_a
        with mutex:
            in_a += 1
            if in_a == 1:
                lock.acquire()
        with mutex:
            in_a -= 1
            if in_a == 0:
                lock.release()

    def operate_b() -> None:
        nonlocal in_b
        with mutex:
            in_b += 1
            if in_b == 1:
                lock.acquire()
        with mutex:
            in_b -= 1
            if in_b == 0:
                lock.release()

    run_all(operate_a, operate_b, do_nothing, do_nothing)


def correct() -> None:
    mutex_a, mutex_b = threading.Lock(), threading.Lock()
    lock = threading.Lock()
    in_a = in_b = 0

    def operate_a() -> None:
        nonlocal in_a
        with mutex_a:
            in_a += 1
            if in_a == 1:
                lock.acquire()
        with mutex_a:
            in_a -= 1
            if in_a == 0:
                lock.release()

    def operate_b() -> None:
        nonlocal in_b
        with mutex_b:
            in_b += 1
            if in_b == 1:
                lock.acquire()
        with mutex_b:
            in_b -= 1
            if in_b == 0:
                lock.release()

    run_all(operate_a, operate_b, do_nothing, do_nothing)


def do_nothing() -> None:
    pass

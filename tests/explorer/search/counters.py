"""Programs that several processes explore: each can be found by its name, and so be pickled."""

import threading
from collections.abc import Callable

THREADS = 4


def run_all(target: Callable[[], object], times: int) -> None:
    """Start so many threads before the first is waited for."""
    threads = [threading.Thread(target=target) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def locked() -> int:
    """Count in threads, under a lock: 4! traces, and as many executions or a few more."""
    count = 0
    lock = threading.Lock()

    def add() -> None:
        nonlocal count
        with lock:
            count += 1

    run_all(add, THREADS)
    return count


def unlocked() -> int:
    """Count in threads and lose some."""
    count = 0

    def add() -> None:
        nonlocal count
        count += 1

    run_all(add, 3)
    return count


def complete(count: int) -> bool:
    """Whether no count of `unlocked` is lost."""
    return count == 3


def endless() -> None:
    """Have more schedules than anybody will execute."""
    shared = [0] * 3

    def work() -> None:
        for at in range(60):
            shared[at % 3] += 1

    run_all(work, 3)

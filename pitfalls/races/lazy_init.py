"""Lazy initialisation: two threads find nothing there, and both make one.

Symptom: Two pools, two caches, two clients where there should be one; what was put into the first
is not in the second.

Why: Both threads check before either has assigned. What is made by the second replaces what is made
by the first, which is already in use.

Fix: A lock around the check and the making. (functools.cache does not help: it may call twice, and
functools.cached_property does so since 3.12.)

Detect: none known. With a test of the result: frontrun without a bound.

Source: https://github.com/python/cpython/issues/87634 and
https://github.com/celery/kombu/issues/1668

Run: python lazy_init.py broken|fixed; conlab study lazy_init
"""

import sys
import threading
from collections.abc import Callable

FAILURE = "wrong result"
SHOWS = "returned 2"
EVIDENCE = "explored"
BUILDS_ON = ("check_then_act_on_container",)


def broken() -> int:
    pools: list[Pool] = []
    shared: dict[str, Pool] = {}

    def pool() -> None:
        if "pool" not in shared:
            shared["pool"] = Pool(pools)

    twice_at_once(pool)
    return len(pools)


def fixed() -> int:
    pools: list[Pool] = []
    shared: dict[str, Pool] = {}
    lock = threading.Lock()

    def pool() -> None:
        with lock:
            if "pool" not in shared:
                shared["pool"] = Pool(pools)

    twice_at_once(pool)
    return len(pools)


def holds(pools: int) -> bool:
    """There is one pool."""
    return pools == 1


class Pool:
    """Something costly, that notes that it was made."""

    def __init__(self, pools: "list[Pool]") -> None:
        pools.append(self)


def twice_at_once(work: Callable[[], None]) -> None:
    """Run the work in two threads, and wait for both."""
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Pools made: {(pools := side())}:", right if holds(pools) else "wrong")

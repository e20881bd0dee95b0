"""Bare increment: `hits += 1` from two threads, the most famous race, told truly.

Symptom: With the GIL, none has been seen since Python 3.10. Without it, hits are lost at once.

Why: `hits += 1` is a read, an addition and a write, and nothing promises that they stay together.
CPython with the GIL lets another thread in only at calls and at the end of loops, and there is
neither between them. So the code is safe by accident of this interpreter, not by what it says.

Fix: A lock, which says what is meant and holds on every build.

Detect: none known.

Source: https://github.com/python/cpython/issues/125646 (half of the increments lost without the
GIL) and
https://docs.python.org/3/faq/library.html#what-kinds-of-global-value-mutation-are-thread-safe

Run: python bare_increment.py broken|fixed; conlab study bare_increment
"""

import sys
import threading
from collections.abc import Callable

FAILURE = "wrong result"
SHOWS = "returned 1"
EVIDENCE = "explored"
BUILDS_ON = ("lost_update",)
SAFE_BY_ACCIDENT = True
VERSIONS = {"free-threaded": {"SAFE_BY_ACCIDENT": False}}


def broken() -> int:
    hits = 0

    def hit() -> None:
        nonlocal hits
        hits += 1

    twice_at_once(hit)
    return hits


def fixed() -> int:
    hits = 0
    lock = threading.Lock()

    def hit() -> None:
        nonlocal hits
        with lock:
            hits += 1

    twice_at_once(hit)
    return hits


def holds(hits: int) -> bool:
    """Both hits were counted."""
    return hits == 2


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
    print(f"{(hits := side())} of 2 hits counted:", right if holds(hits) else "wrong")

"""Double-checked locking without the GIL: ready is set before what it says is ready.

Symptom: Right for years, and on a free-threaded build a None, a zero or an AttributeError at start,
in a thread that found everything ready.

Why: The first check takes no lock, so it can come between any two steps of the thread that holds
the lock. With the GIL, CPython happens not to switch between two assignments. Without it nothing
keeps them together, and a thread sees ready and no limit.

Fix: Publish last: first all that is to be seen, then, by one assignment, that it is there. (Python
keeps the order of assignments; no barrier is needed.) Or take the lock always.

Detect: none known. With a test of the result: frontrun.

Source: https://github.com/kirodotdev/KiroCrew/issues/427 and
https://github.com/vapoursynth/vapoursynth/pull/1257

Run: python double_checked_locking_without_gil.py broken|fixed;
conlab study double_checked_locking_without_gil
"""

import sys
import threading
from collections.abc import Callable

FAILURE = "wrong result"
SHOWS = "returned [0, 100]"
EVIDENCE = "explored"
SAFE_BY_ACCIDENT = True
VERSIONS = {"free-threaded": {"SAFE_BY_ACCIDENT": False}}

LIMIT = 100  # as a costly look at the configuration would find it


class Settings:
    """What all threads share, once the first has set it up."""

    ready = False
    limit = 0


def broken() -> list[int]:
    settings = Settings()
    lock = threading.Lock()
    seen: list[int] = []

    def see() -> None:
        if not settings.ready:
            with lock:
                if not settings.ready:
                    settings.ready = True
                    settings.limit = LIMIT
        seen.append(settings.limit)

    twice_at_once(see)
    return sorted(seen)


def fixed() -> list[int]:
    settings = Settings()
    lock = threading.Lock()
    seen: list[int] = []

    def see() -> None:
        if not settings.ready:
            with lock:
                if not settings.ready:
                    settings.limit = LIMIT
                    settings.ready = True
        seen.append(settings.limit)

    twice_at_once(see)
    return sorted(seen)


def holds(seen: list[int]) -> bool:
    """Both threads have seen the limit."""
    return seen == [LIMIT, LIMIT]


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
    print(f"{(seen := side())}:", right if holds(seen) else "wrong")

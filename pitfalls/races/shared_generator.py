"""Shared generator: two threads ask the same generator for its next value.

Symptom: "ValueError: generator already executing", in whichever thread came second.

Why: A generator is one frame. While one thread runs it, and its body may be left at any call, no
other can enter it.

Fix: A lock around next(), or a queue that one thread fills. itertools.count() needs neither with
the GIL.

Detect: none known.

Source: https://github.com/yt-dlp/yt-dlp/issues/2881 and
https://github.com/python/cpython/issues/135325

Run: python shared_generator.py broken|fixed; conlab study shared_generator
"""

import sys
import threading
from collections.abc import Callable, Iterator

FAILURE = "exception"
SHOWS = "returned ['ticket 1']"
EVIDENCE = "explored"
BUILDS_ON = ("lost_update",)
LOST = ("ValueError: generator already executing",)


def broken() -> list[str]:
    tickets = numbered_tickets()
    taken: list[str] = []

    def take() -> None:
        taken.append(next(tickets))

    twice_at_once(take)
    return sorted(taken)


def fixed() -> list[str]:
    tickets = numbered_tickets()
    taken: list[str] = []
    lock = threading.Lock()

    def take() -> None:
        with lock:
            taken.append(next(tickets))

    twice_at_once(take)
    return sorted(taken)


def holds(taken: list[str]) -> bool:
    """Each thread has a ticket of its own."""
    return taken == ["ticket 1", "ticket 2"]


def numbered_tickets() -> Iterator[str]:
    """Tickets without end, each printed when it is asked for."""
    number = 0
    while True:
        number += 1
        yield printed(number)


def printed(number: int) -> str:
    """What stands on a ticket: the step in Python inside the generator."""
    return f"ticket {number}"


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
    print(f"Two threads took {(taken := side())}:", right if holds(taken) else "wrong")

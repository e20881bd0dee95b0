"""Shared iterator: two threads ask an iterator for its next item, and both get the same one.

Symptom: Some items are done twice, some never; no exception.

Why: `next(pages)` calls __next__, which reads where it is, and moves on. Two threads may read the
same place. A generator refuses that with an exception; a class does not notice. (Nor does, on a
free-threaded build, the iterator of a list.)

Fix: threading.serialize_iterator(), new in Python 3.15, or a lock around next(), which is what it
is. For all threads to get all items: threading.concurrent_tee(), not itertools.tee().

Detect: none known. With a test of the result: frontrun.

Source: https://github.com/python/cpython/issues/124397,
https://github.com/more-itertools/more-itertools/issues/1093 and, for lists,
https://github.com/python/cpython/issues/120496

Run: python shared_iterator_without_helpers.py broken|fixed;
conlab study shared_iterator_without_helpers
"""

import sys
import threading
from collections.abc import Callable, Iterator

FAILURE = "wrong result"
SHOWS = "returned ['page 1', 'page 1']"
EVIDENCE = "explored"

if sys.version_info >= (3, 15):
    from threading import serialize_iterator
else:

    class serialize_iterator:  # noqa: N801 - the name that it has in Python 3.15
        """One thread at a time may ask the iterator for its next item."""

        def __init__(self, iterator: Iterator[str]) -> None:
            self._iterator = iterator
            self._lock = threading.Lock()

        def __next__(self) -> str:
            with self._lock:
                return next(self._iterator)


def broken() -> list[str]:
    pages = Pages()
    taken: list[str] = []

    def take() -> None:
        taken.append(next(pages))

    twice_at_once(take)
    return sorted(taken)


def fixed() -> list[str]:
    pages = serialize_iterator(Pages())
    taken: list[str] = []

    def take() -> None:
        taken.append(next(pages))

    twice_at_once(take)
    return sorted(taken)


def holds(taken: list[str]) -> bool:
    """Each thread has a page of its own."""
    return taken == ["page 1", "page 2"]


class Pages:
    """An iterator over pages without end."""

    def __init__(self) -> None:
        self.number = 1

    def __iter__(self) -> "Pages":
        return self

    def __next__(self) -> str:
        page = titled(self.number)
        self.number += 1
        return page


def titled(number: int) -> str:
    """What a page is called: the step in Python between the read and the write."""
    return f"page {number}"


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
    print(f"{(taken := side())}:", right if holds(taken) else "wrong")

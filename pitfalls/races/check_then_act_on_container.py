"""Check, then act on a container: the seat is free at the check and taken at the booking.

Symptom: Two customers with the same seat, a KeyError or an IndexError that "cannot happen".

Why: `in` and the assignment are one step each, and the two together are not. Whatever Python code
runs between them, here the price, lets another thread in.

Fix: One operation that does both: setdefault(), pop() with a default, a queue; or a lock around
both.

Detect: none known. With a test of the result: frontrun without a bound.

Source: https://docs.python.org/3/library/threadsafety.html and
https://docs.python.org/3/faq/library.html#what-kinds-of-global-value-mutation-are-thread-safe

Run: python check_then_act_on_container.py broken|fixed; conlab study check_then_act_on_container
"""

import sys
import threading
from collections.abc import Callable

FAILURE = "wrong result"
SHOWS = "returned ['Ada', 'Bob']"
EVIDENCE = "explored"
BUILDS_ON = ("lost_update",)

SEAT = "row 1, seat 7"


def broken() -> list[str]:
    booked: dict[str, Booking] = {}
    confirmed: list[str] = []

    def book(customer: str) -> None:
        if SEAT not in booked:
            booked[SEAT] = Booking(customer)
            confirmed.append(customer)

    at_once(book, "Ada", "Bob")
    return sorted(confirmed)


def fixed() -> list[str]:
    booked: dict[str, Booking] = {}
    confirmed: list[str] = []

    def book(customer: str) -> None:
        booking = Booking(customer)
        if booked.setdefault(SEAT, booking) is booking:
            confirmed.append(customer)

    at_once(book, "Ada", "Bob")
    return sorted(confirmed)


def holds(confirmed: list[str]) -> bool:
    """One customer has the seat."""
    return len(confirmed) == 1


class Booking:
    """A customer's seat; to make one is a step in Python."""

    def __init__(self, customer: str) -> None:
        self.customer = customer


def at_once(book: Callable[[str], None], *customers: str) -> None:
    """Let every customer book in a thread, and wait for all."""
    threads = [threading.Thread(target=book, args=(customer,)) for customer in customers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Confirmed to {(confirmed := side())}:", right if holds(confirmed) else "wrong")

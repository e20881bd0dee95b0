"""Condition with if, not while: the waiter wakes up, and takes it that there is something for it.

Symptom: IndexError in a consumer that has just been told that the buffer is not empty.

Why: notify_all() wakes every waiter, and they run one after the other. The first takes the item.
The second does not look again, and takes from an empty buffer.

Fix: Look again after every wake-up: while, or wait_for(), which is the same loop.

Detect: none known.

Source: https://docs.python.org/3/library/threading.html#condition-objects

Run: python condition_if_not_while.py broken|fixed; conlab study condition_if_not_while
"""

import sys
import threading
from collections.abc import Callable

FAILURE = "exception"
SHOWS = "returned ['first loaf']"
EVIDENCE = "explored"
BUILDS_ON = ("lost_wakeup",)
LOST = ("IndexError: pop from empty list",)


def broken() -> list[str]:
    baked = threading.Condition()
    bread: list[str] = []
    eaten: list[str] = []

    def eat() -> None:
        with baked:
            if not bread:
                baked.wait()
            eaten.append(bread.pop())

    serve_two(eat, baked, bread)
    return sorted(eaten)


def fixed() -> list[str]:
    baked = threading.Condition()
    bread: list[str] = []
    eaten: list[str] = []

    def eat() -> None:
        with baked:
            while not bread:
                baked.wait()
            eaten.append(bread.pop())

    serve_two(eat, baked, bread)
    return sorted(eaten)


def holds(eaten: list[str]) -> bool:
    """Each of the two customers has eaten."""
    return eaten == ["first loaf", "second loaf"]


def serve_two(eat: Callable[[], None], baked: threading.Condition, bread: list[str]) -> None:
    """Bake two loaves, one after the other, while two customers wait."""
    customers = [threading.Thread(target=eat) for _ in range(2)]
    for customer in customers:
        customer.start()
    for loaf in ("first loaf", "second loaf"):
        with baked:
            bread.append(loaf)
            baked.notify_all()
    for customer in customers:
        customer.join()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Eaten {(eaten := side())}:", right if holds(eaten) else "wrong")

"""Lost wake-up: the notification comes before the wait, and nobody remembers it.

Symptom: A thread waits for something that has long happened.

Why: A condition keeps nothing. notify() wakes those who wait now, and whoever begins to wait a
moment later waits for the next one.

Fix: Keep what happened in a variable under the lock, and wait for the variable: wait_for().

Detect: pytest-timeout by its thread method, once the order is forced and faulthandler's
dump_traceback_later(), once the order is forced, whose stacks show `baked.wait()`.

Source: https://docs.python.org/3/library/threading.html#condition-objects

Run: python lost_wakeup.py broken|fixed; conlab study lost_wakeup
"""

import faulthandler
import sys
import threading
from collections.abc import Callable

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "explored"
STUCK_AT = ("baked.wait()", "customer.join()")
ORDER = ("bake()", "eat()")


def broken() -> list[str]:
    baked = threading.Condition()
    bread: list[str] = []
    eaten: list[str] = []

    def eat() -> None:
        with baked:
            baked.wait()
            eaten.append(bread.pop())

    def bake() -> None:
        with baked:
            bread.append("loaf")
            baked.notify()

    run(eat, bake)
    return eaten


def fixed() -> list[str]:
    baked = threading.Condition()
    bread: list[str] = []
    eaten: list[str] = []

    def eat() -> None:
        with baked:
            baked.wait_for(lambda: bread)
            eaten.append(bread.pop())

    def bake() -> None:
        with baked:
            bread.append("loaf")
            baked.notify()

    run(eat, bake)
    return eaten


def holds(eaten: list[str]) -> bool:
    """The customer has eaten."""
    return eaten == ["loaf"]


def run(eat: Callable[[], None], bake: Callable[[], None]) -> None:
    """Bake while a customer waits."""
    customer = threading.Thread(target=arrive, args=(eat,))
    customer.start()
    bake()
    customer.join()


def arrive(eat: Callable[[], None]) -> None:
    """Come to the shop, and eat."""
    eat()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This may hang; then its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Eaten {(eaten := side())}:", right if holds(eaten) else "wrong")

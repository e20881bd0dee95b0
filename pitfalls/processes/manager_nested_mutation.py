"""Nested value in a manager changed: what was appended to is a copy, and it is thrown away.

Symptom: Workers fill the lists in a shared dict, and at the end every list is empty. No error.

Why: A manager's dict lives in the manager's process. basket["fruit"] sends the list over as a copy;
append() changes the copy, and nothing sends it back. Only what is called on a proxy reaches the
manager.

Fix: Put a proxy into the dict, manager.list(), so that the append is sent to the manager as well.
Putting the changed copy back works only while nobody else does so: that is a lost update.

Detect: none known. A test of the result fails.

Source: https://github.com/python/cpython/issues/91192 and
https://github.com/python/cpython/issues/76719

Run: python manager_nested_mutation.py broken|fixed; conlab study manager_nested_mutation
"""

import multiprocessing
import sys
from collections.abc import MutableMapping, MutableSequence

FAILURE = "wrong result"
SHOWS = "returned []"
EVIDENCE = "judged"

SPAWN = multiprocessing.get_context("spawn")

Basket = MutableMapping[str, MutableSequence[str]]


def broken() -> list[str]:
    with SPAWN.Manager() as manager:
        basket: Basket = manager.dict(fruit=[])
        shop_in_another_process(basket)
        return list(basket["fruit"])


def fixed() -> list[str]:
    with SPAWN.Manager() as manager:
        basket: Basket = manager.dict(fruit=manager.list())
        shop_in_another_process(basket)
        return list(basket["fruit"])


def holds(fruit: list[str]) -> bool:
    """What the other process added is there."""
    return fruit == ["pear"]


def add(basket: Basket) -> None:
    """All that the other process does."""
    basket["fruit"].append("pear")


def shop_in_another_process(basket: Basket) -> None:
    """Start the process, and wait for its end."""
    shopper = SPAWN.Process(target=add, args=(basket,))
    shopper.start()
    shopper.join()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"In the basket: {(fruit := side())}:", "right" if holds(fruit) else "wrong")

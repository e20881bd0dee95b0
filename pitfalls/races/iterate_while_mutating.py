"""Iterate while mutating: one thread goes through the dictionary, another adds to it.

Symptom: "RuntimeError: dictionary changed size during iteration", once in a while.

Why: A loop over a dictionary is many steps, and between any two of them another thread may change
it.

Fix: Go through a copy. list() of a dictionary of text keys is one step.

Detect: none known.

Source: https://docs.python.org/3/library/threadsafety.html and
https://github.com/boxed/mutmut/issues/410

Run: python iterate_while_mutating.py broken|fixed; conlab study iterate_while_mutating
"""

import sys
import threading

FAILURE = "exception"
SHOWS = "raised RuntimeError: dictionary changed size during iteration"
EVIDENCE = "explored"
BUILDS_ON = ("lost_update",)


def broken() -> list[str]:
    carts = {"Ada": 2, "Bob": 1}
    visitor = threading.Thread(target=carts.update, args=({"Cleo": 1},))
    visitor.start()
    reminded = [letter_to(customer) for customer in carts]
    visitor.join()
    return reminded


def fixed() -> list[str]:
    carts = {"Ada": 2, "Bob": 1}
    visitor = threading.Thread(target=carts.update, args=({"Cleo": 1},))
    visitor.start()
    reminded = [letter_to(customer) for customer in list(carts)]
    visitor.join()
    return reminded


def holds(reminded: list[str]) -> bool:
    """Everybody who had a cart from the beginning gets a letter."""
    return reminded[:2] == ["Dear Ada", "Dear Bob"]


def letter_to(customer: str) -> str:
    """The step in Python between two steps of the loop."""
    return f"Dear {customer}"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Letters: {(reminded := side())}:", right if holds(reminded) else "wrong")

"""Lost update: two deposits read the same balance, and the later write erases the earlier one.

Symptom: The balance is too low, now and then, and only under load.

Why: `balance += after_fee(amount)` reads the balance, calls, and then writes. Python may let
another thread run inside the call, and whatever that thread writes is overwritten by the older sum.

Fix: Hold a lock from the read to the write, so that no other thread sees the balance in between.

Detect: none known.

Source: https://github.com/python/cpython/issues/134212 and
https://github.com/pretalx/pretalx/issues/2410; "atomicity violation" in Lu et al., Learning from
Mistakes, ASPLOS 2008.

Run: python lost_update.py broken|fixed; conlab study lost_update
"""

import sys
import threading
from collections.abc import Callable

FAILURE = "wrong result"
SHOWS = "returned 99"
EVIDENCE = "explored"

DEPOSIT = 100
FEE = 1


def broken() -> int:
    balance = 0

    def deposit() -> None:
        nonlocal balance
        balance += after_fee(DEPOSIT)

    twice_at_once(deposit)
    return balance


def fixed() -> int:
    balance = 0
    lock = threading.Lock()

    def deposit() -> None:
        nonlocal balance
        with lock:
            balance += after_fee(DEPOSIT)

    twice_at_once(deposit)
    return balance


def holds(balance: int) -> bool:
    """Both deposits are in the balance."""
    return balance == 2 * (DEPOSIT - FEE)


def after_fee(amount: int) -> int:
    """What a deposit adds: the step in Python between the read and the write."""
    return amount - FEE


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
    print(f"The balance is {(balance := side())}:", right if holds(balance) else "wrong")

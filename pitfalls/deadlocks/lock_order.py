"""Lock order: one transfer takes A, then B, the other takes B, then A, and each waits.

Symptom: Two threads stop for ever, seldom, and with no message.

Why: Each holds what the other needs. Neither can give it back before it has the rest.

Fix: One order for all locks, whoever takes them: here by the account's number.

Detect: pytest-timeout by its thread method, once the order is forced and faulthandler's
dump_traceback_later(), once the order is forced, whose stacks show `with second.lock:`.

Source: https://github.com/storaged-project/blivet/issues/1500; "deadlock" in Lu et al., Learning
from Mistakes, ASPLOS 2008.

Run: python lock_order.py broken|fixed; conlab study lock_order
"""

import faulthandler
import sys
import threading
from collections.abc import Callable

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "explored"
BUILDS_ON = ("non_reentrant_lock_taken_twice",)
STUCK_AT = ("with second.lock:", "there.join()")
MEET = {"with second.lock:": 2}


class Account:
    """A balance, the lock that guards it, and a number of its own."""

    def __init__(self, number: int, balance: int) -> None:
        self.number = number
        self.balance = balance
        self.lock = threading.Lock()


def broken() -> list[int]:
    def transfer(amount: int, giver: Account, taker: Account) -> None:
        first, second = giver, taker
        with first.lock:  # noqa: SIM117 - so that each is a statement
            with second.lock:
                giver.balance -= amount
                taker.balance += amount

    return both_ways(transfer)


def fixed() -> list[int]:
    def transfer(amount: int, giver: Account, taker: Account) -> None:
        first, second = sorted((giver, taker), key=number)
        with first.lock:  # noqa: SIM117 - so that each is a statement
            with second.lock:
                giver.balance -= amount
                taker.balance += amount

    return both_ways(transfer)


def holds(balances: list[int]) -> bool:
    """Both transfers were made."""
    return balances == [90, 110]


def number(account: Account) -> int:
    """What the locks are ordered by."""
    return account.number


def both_ways(transfer: Callable[[int, Account, Account], None]) -> list[int]:
    """Make one transfer in each direction at once; the balances after."""
    left, right = Account(1, 100), Account(2, 100)
    there = threading.Thread(target=transfer, args=(30, left, right))
    back = threading.Thread(target=transfer, args=(20, right, left))
    there.start()
    back.start()
    there.join()
    back.join()
    return [left.balance, right.balance]


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This may hang; then its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Balances {(balances := side())}:", right if holds(balances) else "wrong")

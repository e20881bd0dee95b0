"""Non-reentrant lock taken twice: a method that holds the lock calls another that takes it.

Symptom: The first call hangs, every time, often only on the rare path that calls the second method.

Why: threading.Lock does not know who holds it. A thread that asks for a lock it already has waits
for itself.

Fix: Take the lock at the public methods only, and let them call helpers that need it held. An RLock
stops the hang as well, and hides that the inner method saw a half-done change.

Detect: pytest-timeout and faulthandler's dump_traceback_later(), whose stacks show `with
self.lock:`.

Source: https://github.com/apache/texera/issues/4794

Run: python non_reentrant_lock_taken_twice.py broken|fixed;
conlab study non_reentrant_lock_taken_twice
"""

import faulthandler
import sys
from threading import Lock

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "judged"
STUCK_AT = ("with self.lock:",)


class Account:
    """A balance, and the lock that every public method takes."""

    def __init__(self, balance: int) -> None:
        self.lock = Lock()
        self.balance = balance

    def withdraw(self, amount: int) -> None:
        """Take the amount out."""
        with self.lock:
            self._take(amount)

    def _take(self, amount: int) -> None:
        """Take the amount out; the lock is held."""
        self.balance -= amount


def broken() -> int:
    class Careful(Account):
        def close(self) -> None:
            with self.lock:
                self.withdraw(self.balance)

    account = Careful(100)
    account.close()
    return account.balance


def fixed() -> int:
    class Careful(Account):
        def close(self) -> None:
            with self.lock:
                self._take(self.balance)

    account = Careful(100)
    account.close()
    return account.balance


def holds(balance: int) -> bool:
    """A closed account is empty."""
    return balance == 0


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    print(
        f"{(balance := side())} left in the closed account:", "right" if holds(balance) else "wrong"
    )

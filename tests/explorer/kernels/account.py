"""Account: who checks the balance after a deposit and a withdrawal expects it without the deposit.

From benchmarks/concurrent-software-benchmarks/account_bad.c and account_ok.c of
mc-imperial/sctbench. The broken side fails only where the check comes last of the three.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all

OPENING, DEPOSIT, WITHDRAWAL = 1, 2, 4


def broken() -> None:
    mutex = threading.Lock()
    shared = SimpleNamespace(balance=OPENING, deposited=False, withdrawn=False)

    def deposit() -> None:
        with mutex:
            shared.balance += DEPOSIT
            shared.deposited = True

    def withdraw() -> None:
        with mutex:
            shared.balance -= WITHDRAWAL
            shared.withdrawn = True

    def check() -> None:
        with mutex:
            if shared.deposited and shared.withdrawn:
                assert shared.balance == OPENING - DEPOSIT - WITHDRAWAL

    run_all(check, deposit, withdraw)


def correct() -> None:
    mutex = threading.Lock()
    shared = SimpleNamespace(balance=OPENING, deposited=False, withdrawn=False)

    def deposit() -> None:
        with mutex:
            shared.balance += DEPOSIT
            shared.deposited = True

    def withdraw() -> None:
        with mutex:
            shared.balance -= WITHDRAWAL
            shared.withdrawn = True

    def check() -> None:
        with mutex:
            if shared.deposited and shared.withdrawn:
                assert shared.balance == OPENING + DEPOSIT - WITHDRAWAL

    run_all(check, deposit, withdraw)

"""Account: who checks the balance after a deposit and a withdrawal expects it without the deposit.

From benchmarks/concurrent-software-benchmarks/account_bad.c and account_ok.c of
mc-imperial/sctbench. The broken side fails only where the check comes last of the three.
"""

import threading

from tests.explorer.running import run_all

OPENING, DEPOSIT, WITHDRAWAL = 1, 2, 4


def broken() -> None:
    mutex = threading.Lock()
    balance = OPENING
    deposited = withdrawn = False

    def deposit() -> None:
        nonlocal balance, deposited
        with mutex:
            balance += DEPOSIT
            deposited = True

    def withdraw() -> None:
        nonlocal balance, withdrawn
        with mutex:
            balance -= WITHDRAWAL
            withdrawn = True

    def check() -> None:
        with mutex:
            if deposited and withdrawn:
                assert balance == OPENING - DEPOSIT - WITHDRAWAL

    run_all(check, deposit, withdraw)


def correct() -> None:
    mutex = threading.Lock()
    balance = OPENING
    deposited = withdrawn = False

    def deposit() -> None:
        nonlocal balance, deposited
        with mutex:
            balance += DEPOSIT
            deposited = True

    def withdraw() -> None:
        nonlocal balance, withdrawn
        with mutex:
            balance -= WITHDRAWAL
            withdrawn = True

    def check() -> None:
        with mutex:
            if deposited and withdrawn:
                assert balance == OPENING + DEPOSIT - WITHDRAWAL

    run_all(check, deposit, withdraw)

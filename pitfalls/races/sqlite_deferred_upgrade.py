"""SQLite transaction upgraded late: both have read, so neither may write, and waiting cannot help.

Symptom: "database is locked", at once, though the timeout is a minute.

Why: BEGIN takes no lock. The first SELECT makes the transaction a reader of the database as it is
now, and the first UPDATE would make it a writer. Once another transaction has written, what this
one has read is out of date for good: SQLite does not wait, it refuses.

Fix: BEGIN IMMEDIATE, which makes it a writer before it has read anything. That waits for its turn,
and there the timeout counts.

Detect: python ("sqlite3.OperationalError: database is locked"). A test of the result fails.

Source: https://github.com/chatmail/core/pull/4063 and
https://github.com/python/cpython/issues/124510

Run: python sqlite_deferred_upgrade.py broken|fixed; conlab study sqlite_deferred_upgrade
"""

import sqlite3
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

FAILURE = "exception"
SHOWS = "raised OperationalError: database is locked"
EVIDENCE = "judged"
MEET = {'bank.execute("UPDATE account SET balance = ?", [balance + 50])': 2}

TIMEOUT = 60.0  # seconds


def broken() -> int:
    def deposit(bank: sqlite3.Connection) -> None:
        bank.execute("BEGIN")
        balance = balance_in(bank)
        bank.execute("UPDATE account SET balance = ?", [balance + 50])
        bank.execute("COMMIT")

    return balance_after_two(deposit)


def fixed() -> int:
    def deposit(bank: sqlite3.Connection) -> None:
        bank.execute("BEGIN IMMEDIATE")
        balance = balance_in(bank)
        bank.execute("UPDATE account SET balance = ?", [balance + 50])
        bank.execute("COMMIT")

    return balance_after_two(deposit)


def holds(balance: int) -> bool:
    """Both deposits were made."""
    return balance == 100


def balance_in(bank: sqlite3.Connection) -> int:
    """What the database says."""
    (balance,) = bank.execute("SELECT balance FROM account").fetchone()
    return int(balance)


def balance_after_two(deposit: Callable[[sqlite3.Connection], None]) -> int:
    """Make two deposits at once into an empty account, each over a connection of its own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as connections:

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(
                Path(folder, "bank.db"),
                timeout=TIMEOUT,
                isolation_level=None,  # so that only the program says BEGIN
                check_same_thread=False,
            )
            return connections.enter_context(closing(connection))

        bank = connect()
        bank.execute("PRAGMA journal_mode = WAL")
        bank.execute("CREATE TABLE account (balance INTEGER)")
        bank.execute("INSERT INTO account VALUES (0)")
        with ThreadPoolExecutor(2) as tellers:
            for job in [tellers.submit(deposit, connect()) for _ in range(2)]:
                job.result()
        return balance_in(bank)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"The balance is {(balance := side())}:", right if holds(balance) else "wrong")

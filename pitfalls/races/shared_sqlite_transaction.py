"""Shared SQLite transaction: one thread's commit makes the other's unfinished work permanent.

Symptom: A rollback has no effect; half of a transfer is in the database.

Why: A transaction belongs to the connection, not to the thread. check_same_thread=False lets two
threads share one, and commit() then ends whatever either of them had begun.

Fix: A connection for each thread.

Detect: none known. A test of the result fails, once the order is forced.

Source: https://github.com/python/cpython/issues/101351 and
https://github.com/Metron-Project/mokkari/issues/148

Run: python shared_sqlite_transaction.py broken|fixed; conlab study shared_sqlite_transaction
"""

import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Thread

FAILURE = "wrong result"
SHOWS = "returned [(-100,)]"
EVIDENCE = "judged"
BUILDS_ON = ("lost_update",)
ORDER = (
    'connection.execute("INSERT INTO bookings VALUES (-100)")',
    "connection.commit()",
    "connection.rollback()",
)


def broken() -> list[tuple[int]]:
    with database() as connect:
        one = connect()
        at_once((transfer, one), (report, one))
        return bookings(one)


def fixed() -> list[tuple[int]]:
    with database() as connect:
        one, other = connect(), connect()
        at_once((transfer, one), (report, other))
        return bookings(one)


def holds(bookings: list[tuple[int]]) -> bool:
    """Nothing is left of the transfer that failed."""
    return bookings == []


def transfer(connection: sqlite3.Connection) -> None:
    """Book one half of a transfer; the other half fails, so take it back."""
    connection.execute("INSERT INTO bookings VALUES (-100)")
    connection.rollback()


def report(connection: sqlite3.Connection) -> None:
    """Read, and end the transaction as one should."""
    connection.execute("SELECT count(*) FROM bookings").fetchone()
    connection.commit()


def bookings(connection: sqlite3.Connection) -> list[tuple[int]]:
    """What the database holds."""
    return connection.execute("SELECT amount FROM bookings").fetchall()


def at_once(*jobs: tuple[Callable[[sqlite3.Connection], None], sqlite3.Connection]) -> None:
    """Do each job on its connection, in a thread of its own, and wait for them."""
    threads = [Thread(target=job, args=(connection,)) for job, connection in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def database() -> Iterator[Callable[[], sqlite3.Connection]]:
    """A new database with no bookings, as the function that connects to it."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as connections:

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(Path(folder, "bank.db"), check_same_thread=False)
            return connections.enter_context(closing(connection))

        connect().execute("CREATE TABLE bookings (amount INTEGER)")
        yield connect


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Booked {(booked := side())}:", right if holds(booked) else "wrong")

"""Work before commit: the worker looks for the order before the transaction with it has ended.

Symptom: A worker says now and then that there is no such row, though whoever looks finds it. Tried
again, it works.

Why: What a transaction has written nobody else sees before the commit. A worker that is told of it
earlier may be faster than the commit; and if there is a rollback instead, it works for nothing.

Fix: Tell the worker after the commit. Django has transaction.on_commit() for that, Celery
delay_on_commit().

Detect: none known. A test of the result fails, once the order is forced.

Source: https://github.com/saleor/saleor/issues/5455 and
https://github.com/celery/celery/pull/9617, where Celery's guide explains it.

Run: python work_before_commit.py broken|fixed; conlab study work_before_commit
"""

import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

FAILURE = "wrong result"
SHOWS = "returned []"
EVIDENCE = "judged"
ORDER = ('return warehouse.execute("SELECT goods FROM orders").fetchall()', "shop.commit()")


def broken() -> list[tuple[str]]:
    with database() as file, ThreadPoolExecutor(1) as workers:
        with closing(sqlite3.connect(file)) as shop:
            shop.execute("INSERT INTO orders VALUES ('2 apples')")
            job = workers.submit(pack, file)
            shop.commit()
        return job.result()


def fixed() -> list[tuple[str]]:
    with database() as file, ThreadPoolExecutor(1) as workers:
        with closing(sqlite3.connect(file)) as shop:
            shop.execute("INSERT INTO orders VALUES ('2 apples')")
            shop.commit()
            job = workers.submit(pack, file)
        return job.result()


def holds(packed: list[tuple[str]]) -> bool:
    """The worker has found the order."""
    return packed == [("2 apples",)]


def pack(file: Path) -> list[tuple[str]]:
    """The job: look up what was ordered, over a connection of its own."""
    with closing(sqlite3.connect(file)) as warehouse:
        return warehouse.execute("SELECT goods FROM orders").fetchall()


@contextmanager
def database() -> Iterator[Path]:
    """The file of a new database, without orders."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "shop.db")
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE orders (goods TEXT)")
        yield file


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Packed {(packed := side())}:", right if holds(packed) else "wrong")

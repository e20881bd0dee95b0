"""Queue join with a dead worker: one bad job ends the worker, and join() waits for its task_done().

Symptom: The program hangs at the end of its work, after a traceback that scrolled away.

Why: Queue.join() waits until task_done() was called for every item. The exception skipped the call,
and ended the thread that would have made the others.

Fix: Catch the job's error inside the loop, and call task_done() in finally.

Detect: python ("ValueError: invalid literal for int() with base 10: 'pear'"); pytest-timeout and
faulthandler's dump_traceback_later(), whose stacks show `orders.join()`.

Source: https://github.com/dbt-labs/dbt-core/issues/5602

Run: python queue_join_dead_worker.py broken|fixed; conlab study queue_join_dead_worker
"""

import faulthandler
import sys
from collections.abc import Callable
from queue import Queue
from threading import Thread

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "judged"
BUILDS_ON = ("exception_swallowed_in_worker_loop",)
STUCK_AT = ("orders.join()",)

ORDERS = ["2 apples", "pear", "3 plums"]


def broken() -> list[int]:
    orders: Queue[str] = Queue()
    quantities: list[int] = []

    def work() -> None:
        while order := orders.get():
            quantities.append(quantity(order))
            orders.task_done()

    wait_for_all(orders, work)
    return quantities


def fixed() -> list[int]:
    orders: Queue[str] = Queue()
    quantities: list[int] = []

    def work() -> None:
        while order := orders.get():
            try:
                quantities.append(quantity(order))
            except ValueError:
                quantities.append(0)
            finally:
                orders.task_done()

    wait_for_all(orders, work)
    return quantities


def holds(quantities: list[int]) -> bool:
    """Every order was looked at."""
    return quantities == [2, 0, 3]


def quantity(order: str) -> int:
    """How many pieces were ordered; ValueError if the order does not say."""
    return int(order.split()[0])


def wait_for_all(orders: Queue[str], work: Callable[[], None]) -> None:
    """Give all orders to one worker, wait until it is done with them, and send it home."""
    worker = Thread(target=work)
    worker.start()
    for order in ORDERS:
        orders.put(order)
    orders.join()
    orders.put("")
    worker.join()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    print(
        f"The quantities of {len(ORDERS)} orders are {(quantities := side())}:",
        "right" if holds(quantities) else "wrong",
    )

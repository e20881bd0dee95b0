"""Exception swallowed in a worker loop: to keep the worker alive, every error is thrown away.

Symptom: Some jobs are never done. The queue is empty, the workers are up, the log says nothing.

Why: A worker must outlive a bad job, so the loop catches everything. An empty handler keeps the
worker and loses the reason, and whoever gave the job cannot tell done from dropped.

Fix: Keep what failed together with the job, where the giver of the job looks for results.

Detect: ruff (S110); bandit (B110). A test of the result fails.

Source: https://docs.astral.sh/ruff/rules/try-except-pass/ and
https://cwe.mitre.org/data/definitions/390.html

Run: python exception_swallowed_in_worker_loop.py broken|fixed;
conlab study exception_swallowed_in_worker_loop
"""

import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

FAILURE = "lost exception"
SHOWS = "returned {'2 apples': 2, '3 plums': 3}"
EVIDENCE = "judged"
BUILDS_ON = ("future_never_checked",)

ORDERS = ["2 apples", "pear", "3 plums"]


def broken() -> dict[str, object]:
    orders: SimpleQueue[str | None] = SimpleQueue()
    done: dict[str, object] = {}

    def work() -> None:
        while (order := orders.get()) is not None:
            try:  # noqa: SIM105 - so that both sides can be read side by side
                done[order] = quantity(order)
            except Exception:
                pass

    run(work, orders)
    return done


def fixed() -> dict[str, object]:
    orders: SimpleQueue[str | None] = SimpleQueue()
    done: dict[str, object] = {}

    def work() -> None:
        while (order := orders.get()) is not None:
            try:
                done[order] = quantity(order)
            except Exception as error:
                done[order] = error

    run(work, orders)
    return done


def holds(done: dict[str, object]) -> bool:
    """Every order has an answer, be it an error."""
    return list(done) == ORDERS


def quantity(order: str) -> int:
    """How many pieces were ordered; ValueError if the order does not say."""
    return int(order.split()[0])


def run(work: Callable[[], None], orders: "SimpleQueue[str | None]") -> None:
    """Give all orders to one worker, and wait until it has seen the last."""
    worker = Thread(target=work)
    worker.start()
    for order in ORDERS:
        orders.put(order)
    orders.put(None)
    worker.join()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(
        f"Answers to {len(ORDERS)} orders: {(done := side())}:",
        "right" if holds(done) else "wrong",
    )

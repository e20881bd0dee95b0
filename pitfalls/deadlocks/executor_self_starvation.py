"""Executor self-starvation: a job waits for a job of its own pool, and there is no worker left.

Symptom: Works with a few requests and hangs with as many as the pool has workers.

Why: The outer job keeps its worker while it waits. When every worker is such a waiter, the inner
jobs stay in the pool's queue for ever.

Fix: A pool of its own for the inner jobs, or no waiting inside a job.

Detect: pytest-timeout by its thread method and faulthandler's dump_traceback_later(), whose stacks
show `return inner.submit(pow, 6, 2).result()`.

Source: https://github.com/django/asgiref/issues/249 and the deadlock shown in the documentation of
concurrent.futures.ThreadPoolExecutor.

Run: python executor_self_starvation.py broken|fixed; conlab study executor_self_starvation
"""

import faulthandler
import sys
from concurrent.futures import ThreadPoolExecutor

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "judged"
STUCK_AT = ("return inner.submit(pow, 6, 2).result()", "return outer.submit(area, outer).result()")


def broken() -> int:
    with ThreadPoolExecutor(1) as outer:
        return outer.submit(area, outer).result()


def fixed() -> int:
    with ThreadPoolExecutor(1) as outer, ThreadPoolExecutor(1) as inner:
        return outer.submit(area, inner).result()


def holds(answer: int) -> bool:
    """The inner job's answer has come."""
    return answer == 36


def area(inner: ThreadPoolExecutor) -> int:
    """A job that needs the result of another."""
    return inner.submit(pow, 6, 2).result()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    print(f"The inner job's answer is {(answer := side())}:", "right" if holds(answer) else "wrong")

"""Submit after shutdown: whoever brings the jobs is still at work when the pool closes.

Symptom: "cannot schedule new futures after shutdown", in a background thread, when the program
ends; at the end of the interpreter "after interpreter shutdown". The last jobs are missing.

Why: A pool that was shut down takes no more jobs: submit() raises, and the error ends the thread
that called it. Leaving the pool's `with` block shuts it down, and so does the end of the main
thread, which comes before the atexit handlers.

Fix: End things in the reverse order of their making: first who brings the jobs, then the pool.

Detect: python, once the order is forced ("RuntimeError: cannot schedule new futures after
shutdown"); pytest -W error, once the order is forced ("PytestUnhandledThreadExceptionWarning:
Exception in thread T…"). A test of the result fails.

Source: https://github.com/agronholm/apscheduler/issues/985 and
https://github.com/python/cpython/issues/148280

Run: python submit_after_shutdown.py broken|fixed; conlab study submit_after_shutdown
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

FAILURE = "lost exception"
SHOWS = "returned []"
EVIDENCE = "explored"
LOST = ("RuntimeError: cannot schedule new futures after shutdown",)
AT_REST = ("pool.submit(mailed.append, customer)",)

CUSTOMERS = ["Ada", "Bob"]


def broken() -> list[str]:
    mailed: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        scheduler = Thread(target=schedule, args=(pool, mailed))
        scheduler.start()
    scheduler.join()
    return mailed


def fixed() -> list[str]:
    mailed: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        scheduler = Thread(target=schedule, args=(pool, mailed))
        scheduler.start()
        scheduler.join()
    return mailed


def holds(mailed: list[str]) -> bool:
    """Every customer got a mail."""
    return mailed == CUSTOMERS


def schedule(pool: ThreadPoolExecutor, mailed: list[str]) -> None:
    """Give the pool a job for every customer."""
    for customer in CUSTOMERS:
        pool.submit(mailed.append, customer)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Mailed {(mailed := side())}:", right if holds(mailed) else "wrong")

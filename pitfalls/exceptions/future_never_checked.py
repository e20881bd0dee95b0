"""Future never checked: the job failed, its future knows, and nobody asks.

Symptom: Nothing. The program says that all went well, and a part of the work is missing.

Why: An executor keeps a job's exception in its future, for whoever calls result(). wait() does not:
it waits, and lets the exception go with the future. There is no traceback, no warning, and
threading.excepthook is not called.

Fix: Ask every future for its result, where somebody can act on what it raises.

Detect: none known. A test of the result fails.

Source: https://github.com/python/cpython/issues/120508

Run: python future_never_checked.py broken|fixed; conlab study future_never_checked
"""

import sys
from concurrent.futures import ThreadPoolExecutor, wait

FAILURE = "lost exception"
SHOWS = "returned 'all accepted'"
EVIDENCE = "judged"

ORDERS = ["2 apples", "pear", "3 plums"]


def broken() -> str:
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(quantity, order) for order in ORDERS]
    try:
        wait(futures)
    except ValueError:
        return "one refused"
    return "all accepted"


def fixed() -> str:
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(quantity, order) for order in ORDERS]
    try:
        for future in futures:
            future.result()
    except ValueError:
        return "one refused"
    return "all accepted"


def holds(answer: str) -> bool:
    """The order without a quantity was noticed."""
    return answer == "one refused"


def quantity(order: str) -> int:
    """How many pieces were ordered; ValueError if the order does not say."""
    return int(order.split()[0])


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Of {len(ORDERS)} orders: {(answer := side())}:", "right" if holds(answer) else "wrong")

"""No backpressure: what comes in faster than it is worked off piles up in the queue.

Symptom: Memory grows with the load until the system kills the program, and everything that was
waiting is lost. The delay from message to answer grows as well.

Why: A queue.Queue() has no limit, so put() never waits, and whoever brings the messages never
learns that the worker is behind.

Fix: Queue(maxsize). put() then waits for room, and the messages stay where they came from.

Detect: none known. A test of the result fails.

Source: https://github.com/reddit/baseplate.py/issues/302

Run: python no_backpressure.py broken|fixed; conlab study no_backpressure
"""

import sys
from queue import Queue
from threading import Thread

FAILURE = "needless cost"
SHOWS = "returned 1000"
EVIDENCE = "measured"
AT_REST = ("messages = iter(waiting.get, None)",)

MESSAGES = 1_000
MOST = 10  # messages for which there is memory


def broken() -> int:
    waiting: Queue[str | None] = Queue()
    worker = Thread(target=work, args=(waiting,))
    worker.start()
    most = receive(waiting)
    worker.join()
    return most


def fixed() -> int:
    waiting: Queue[str | None] = Queue(MOST)
    worker = Thread(target=work, args=(waiting,))
    worker.start()
    most = receive(waiting)
    worker.join()
    return most


def holds(most: int) -> bool:
    """There were never more messages in memory than there is room for."""
    return most <= MOST


def work(waiting: "Queue[str | None]") -> None:
    """Work off message after message, up to None."""
    messages = iter(waiting.get, None)
    for message in messages:
        message.upper()


def receive(waiting: "Queue[str | None]") -> int:
    """Take every message that comes in; how many were waiting at most."""
    most = 0
    for number in range(MESSAGES):
        waiting.put(f"message {number}")
        most = max(most, waiting.qsize())
    waiting.put(None)
    return most


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"{(most := side())} waiting at most:", right if holds(most) else "wrong")

"""Join before drain: the parent waits for a child that waits for the parent to read its queue.

Symptom: Works with small results and hangs for ever with large ones; the child never exits.

Why: A child process does not exit before its queue's feeder thread has written everything into a
pipe. A pipe holds about 64 KiB. What does not fit waits for a reader, and the reader is in join().

Fix: Take everything out of the queue first, then join the child.

Detect: pytest-timeout and faulthandler's dump_traceback_later(), whose stacks show `child.join()`.

Source: https://github.com/python/cpython/issues/73983 and "Joining processes that use queues" in
the programming guidelines of multiprocessing.

Run: python join_before_drain.py broken|fixed; conlab study join_before_drain
"""

import faulthandler
import multiprocessing
import os
import sys
import threading
from multiprocessing.queues import Queue

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "judged"
BUILDS_ON = ("popen_wait_with_pipe",)
STUCK_AT = ("child.join()",)

SPAWN = multiprocessing.get_context("spawn")
SIZE = 1_000_000  # bytes, well above what a pipe holds


def broken() -> int:
    results: Queue[bytes] = SPAWN.Queue()
    child = SPAWN.Process(target=produce, args=(results,))
    child.start()
    child.join()
    result = results.get()
    return len(result)


def fixed() -> int:
    results: Queue[bytes] = SPAWN.Queue()
    child = SPAWN.Process(target=produce, args=(results,))
    child.start()
    result = results.get()
    child.join()
    return len(result)


def holds(received: int) -> bool:
    """Every byte has come."""
    return received == SIZE


def produce(results: "Queue[bytes]") -> None:
    """Put one large result: all that the child does."""
    results.put(bytes(SIZE))


def end_with_children() -> None:
    """End this process, and first its children, which would wait for ever without it."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(1)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1)
        deadline = threading.Timer(1.5, end_with_children)
        deadline.daemon = True
        deadline.start()
    print(
        f"{(received := side())} of {SIZE} bytes received:", "right" if holds(received) else "wrong"
    )

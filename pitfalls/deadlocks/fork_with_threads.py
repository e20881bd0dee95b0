"""Fork with threads: the child is born with a lock held by a thread that it does not have.

Symptom: A worker process hangs at its first log line, seldom, and only under load.

Why: fork() copies the memory, and with it every lock as it stands, but only the thread that called
it. A lock that another thread held at that moment stays locked in the child for ever.

Fix: Start processes with spawn or forkserver, whose children begin with fresh memory; the default
is no longer fork from Python 3.14 on.

Detect: python -X dev, once the order is forced ("DeprecationWarning: This process (pid=n) is
multi-threaded, …"); pytest-timeout by its thread method, once the order is forced and
faulthandler's dump_traceback_later(), once the order is forced, whose stacks show `child.join()`.

Source: https://github.com/python/cpython/issues/84559 and
https://github.com/python/cpython/issues/109767

Run: python fork_with_threads.py broken|fixed; conlab study fork_with_threads
"""

import faulthandler
import multiprocessing
import os
import sys
import threading
from threading import Lock, Thread

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "judged"
BUILDS_ON = ("non_reentrant_lock_taken_twice",)
STUCK_AT = ("child.join()", "with log_lock:")
ORDER = ("with log_lock:", "child.start()", "log.append(line)")

log_lock = Lock()
log: list[str] = []


def broken() -> int | None:
    other_thread = Thread(target=write, args=("the parent's line",))
    other_thread.start()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=write, args=("the child's line",))
    child.start()
    child.join()
    other_thread.join()
    return child.exitcode


def fixed() -> int | None:
    other_thread = Thread(target=write, args=("the parent's line",))
    other_thread.start()
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=write, args=("the child's line",))
    child.start()
    child.join()
    other_thread.join()
    return child.exitcode


def holds(exit_code: int | None) -> bool:
    """The child wrote its line and ended."""
    return exit_code == 0


def write(line: str) -> None:
    """Write a line into the log, one thread at a time."""
    with log_lock:
        log.append(line)


def end_with_children() -> None:
    """End this process, and first its children, which would wait for ever without it."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(1)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This may hang; then its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1)
        deadline = threading.Timer(1.5, end_with_children)
        deadline.daemon = True
        deadline.start()
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(
        f"The child's exit code is {(exit_code := side())}:", right if holds(exit_code) else "wrong"
    )

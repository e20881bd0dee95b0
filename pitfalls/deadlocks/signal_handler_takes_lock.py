"""Signal handler takes a lock: the handler waits for what the code that it interrupted holds.

Symptom: A server freezes while it stops, or when one of its workers ends; rarely, and with one
thread only. Where the lock is that of a stream: "RuntimeError: reentrant call inside ...".

Why: Python runs a signal's handler in the main thread, between two steps of whatever that thread is
doing. If that holds the lock, it cannot go on and release it before the handler has returned, which
waits for the lock. Logging, queues and events take locks, too.

Fix: Let the handler note what happened, in one plain assignment or append, and the main program
look at the note.

Detect: pytest-timeout and faulthandler's dump_traceback_later(), whose stacks show `with
self.lock:`.

Source: https://github.com/patroni/patroni/pull/3413 and
https://github.com/benoitc/gunicorn/pull/2667

Run: python signal_handler_takes_lock.py broken|fixed; conlab study signal_handler_takes_lock
"""

import faulthandler
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "judged"
BUILDS_ON = ("non_reentrant_lock_taken_twice",)
STUCK_AT = ("with self.lock:",)

COMPRESS = [sys.executable, "-c", "'as good as any other program'"]


def broken() -> list[str]:
    log = Log()
    noted: list[str] = []

    def child_ended(*_: object) -> None:
        log.write("a child has ended")

    with handler_of_ended_children(child_ended):
        log.compress()
    for line in noted:
        log.write(line)
    return log.lines


def fixed() -> list[str]:
    log = Log()
    noted: list[str] = []

    def child_ended(*_: object) -> None:
        noted.append("a child has ended")

    with handler_of_ended_children(child_ended):
        log.compress()
    for line in noted:
        log.write(line)
    return log.lines


def holds(lines: list[str]) -> bool:
    """What happened is in the log."""
    return lines == ["a child has ended"]


class Log:
    """Lines, written by one thread at a time."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        """Add a line."""
        with self.lock:
            self.lines.append(line)

    def compress(self) -> None:
        """Have another program compress the log, while nobody writes."""
        with self.lock:
            subprocess.run(COMPRESS, check=True)


@contextmanager
def handler_of_ended_children(handler: Callable[..., None]) -> Iterator[None]:
    """Call the handler whenever a child of this process ends."""
    before = signal.signal(signal.SIGCHLD, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    print(f"In the log: {(lines := side())}:", "right" if holds(lines) else "wrong")

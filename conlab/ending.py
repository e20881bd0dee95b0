"""Told to end: SIGTERM takes Ctrl-C's path, and that path is no longer than a few seconds.

CI, containers and time limits send SIGTERM, at which Python ends on the spot: what it started runs
on, and what it wrote stays. Ctrl-C unwinds. A job in a thread cannot be ended by either, so there
is a moment from which on nothing is waited for any more.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

from conlab import scratch
from conlab.warden import processes

LIMIT = 4.5  # seconds from SIGTERM to the end of the process
EXIT_LIMIT = 1.0  # seconds that threads which are left behind may keep an interrupted process
INTERRUPTED = 128 + signal.SIGINT  # as shells have it
TERMINATED = 128 + signal.SIGTERM

terminated = threading.Event()
jobs_left = threading.Event()  # jobs that were broken off may still be at it in their threads


@contextlib.contextmanager
def as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt in the main thread, unless it is handled already."""
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Do as Ctrl-C does, once: those who are impatient send more than one SIGTERM."""
    if not terminated.is_set():
        terminated.set()
        end_within(LIMIT, TERMINATED)
        signal.raise_signal(signal.SIGINT)


def status(otherwise: int) -> int:
    """The exit status of this process: that of SIGTERM, if there was one."""
    return TERMINATED if terminated.is_set() else otherwise


def let_go(number: int, interrupted: bool) -> None:
    """Do not wait at the exit, with that status, for what runs on in threads."""
    if interrupted or jobs_left.is_set():
        end_within(EXIT_LIMIT, number)


def end_within(seconds: float, number: int) -> None:
    """End this process with that status when the time is over, should it be there still."""

    def wait_and_end() -> None:
        time.sleep(seconds)
        end_now(number)

    threading.Thread(target=wait_and_end, name="end", daemon=True).start()


def end_now(number: int) -> None:
    """End this process and all that it started, without unwinding, and leave no folder."""
    processes.end(os.getpid())
    scratch.remove_held()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(number)

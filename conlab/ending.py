"""Told to end: SIGTERM takes Ctrl-C's path, and that path is no longer than a few seconds.

CI, containers and time limits send SIGTERM, and a terminal that is closed SIGHUP, at which Python
ends on the spot: what it started runs on, and what it wrote stays. Ctrl-C unwinds. A job in a
thread cannot be ended by either, so from some moment on nothing is waited for any more.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from types import FrameType

from conlab import scratch
from conlab.warden import processes

LIMIT = 4.5  # seconds from the signal to the end of the process
EXIT_LIMIT = 1.0  # seconds that threads which are left behind may keep an interrupted process
SIGNALS = [signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else [])]
INTERRUPTED = 128 + signal.SIGINT  # as shells have it

heard: list[int] = []  # the signal that this process was told to end by
unwinding = threading.Event()
jobs_left = threading.Event()  # jobs that were broken off may still be at it in their threads


@contextlib.contextmanager
def as_by_ctrl_c() -> Iterator[None]:
    """Let these signals raise KeyboardInterrupt in the main thread, if nobody handles them yet."""
    here = threading.current_thread() is threading.main_thread()
    ours = [one for one in SIGNALS if here and signal.getsignal(one) is signal.SIG_DFL]
    with signals_as_they_come() if ours else contextlib.nullcontext():
        for one in ours:
            signal.signal(one, interrupt)
        try:
            yield
        finally:
            for one in ours:
                signal.signal(one, signal.SIG_DFL)


@contextlib.contextmanager
def signals_as_they_come() -> Iterator[None]:
    """Begin to end also where Python has no time for a handler: its main thread is busy in C."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def listen() -> None:
        while numbers := os.read(reading, 64):
            for number in set(numbers) & set(SIGNALS):
                if signal.getsignal(number) is interrupt:  # or another has taken its place since
                    begin_to_end(number)
        os.close(reading)

    threading.Thread(target=listen, name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)


def interrupt(number: int, _frame: FrameType | None) -> None:
    """Do as Ctrl-C does, once: those who are impatient send more than one signal."""
    begin_to_end(number)
    if not unwinding.is_set():
        unwinding.set()
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)


def begin_to_end(number: int) -> None:
    """Take note of the signal, and end within the limit, whatever hangs."""
    if not heard:
        heard.append(number)
        end_within(LIMIT, 128 + number)


class Mask(threading.local):
    """The signals that this thread held back before it forked."""

    before: Iterable[int] = ()


mask = Mask()


def hold_back() -> None:
    """Let no signal come between a fork and ``forget``: the child's would reach the parent."""
    mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def go_on() -> None:
    """Let signals come as before."""
    signal.pthread_sigmask(signal.SIG_SETMASK, mask.before)


def forget() -> None:
    """Be a process of its own: what a forked child is told is not told to its parent."""
    for one in SIGNALS:
        if signal.getsignal(one) is interrupt:
            signal.set_wakeup_fd(-1)  # its other end is the parent's
            signal.signal(one, signal.SIG_DFL)
    go_on()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=hold_back, after_in_parent=go_on, after_in_child=forget)


def status(otherwise: int) -> int:
    """The exit status of this process: that of the signal, if it was told to end."""
    return 128 + heard[0] if heard else otherwise


def let_go(number: int, interrupted: bool) -> None:
    """Do not wait at the exit, with that status, for what runs on in threads."""
    # Under `python -m`, Python up to 3.13 ends by SIGINT, whatever the status, if KeyboardInterrupt
    # has passed an exec() of text, as when a dataclass is made. Another exec() makes it forget.
    exec("")
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

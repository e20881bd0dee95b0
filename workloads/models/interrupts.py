"""Ctrl-C that waits while its thread holds a lock which others need.

Python raises KeyboardInterrupt between any two bytecodes of the main thread. If these lie between
the moment when a Condition has its lock and the body of the ``with``, the lock is never given back,
and whoever needs it next, as the thread that manages a pool does, waits for ever.

And it raises it between bytecodes only: a signal that comes when the thread is just about to wait
in C does not end that wait. So no wait here is longer than LOOK.
"""

import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

STOP_LIMIT = 2.0  # seconds that jobs in threads have to return; a thread cannot be ended
LOOK = 0.5  # seconds after which a wait looks whether Ctrl-C came before it


E = TypeVar("E", bound=ThreadPoolExecutor)


@contextmanager
def ended(executor: E) -> Iterator[E]:
    """Wait for the executor's threads at the end of the block; after Ctrl-C, not for ever.

    Those that are still at a job then are left to it: they last until the interpreter's exit.
    """
    try:
        yield executor
    except KeyboardInterrupt:
        executor.shutdown(wait=False, cancel_futures=True)
        threads = list(executor._threads)  # there is no public way
        said = f"waiting for up to {len(threads)} running jobs to return"
        print(f"Interrupted: {said}, {STOP_LIMIT:g} s at most.", file=sys.stderr)
        deadline = time.monotonic() + STOP_LIMIT
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        raise
    except BaseException:
        executor.shutdown(cancel_futures=True)
        raise
    executor.shutdown()


class Deferral:
    """``with deferral:`` lets Ctrl-C come at the end of the block; outside of blocks, at once."""

    def __init__(self) -> None:
        self.inside = False
        self.came = False

    def __enter__(self) -> None:
        self.inside = True

    def __exit__(self, *_exception: object) -> None:
        self.inside = False
        if self.came:
            self.came = False
            raise KeyboardInterrupt

    def wait_for(self, future: "Future[Any]", limit: float = math.inf) -> None:
        """Return when the future has ended, or after ``limit`` seconds; Ctrl-C may come meanwhile.

        ``future.result()`` has the future's lock when it begins to wait.
        """
        ended = threading.Lock()
        ended.acquire()
        with self:
            future.add_done_callback(lambda _: ended.release())
        deadline = time.monotonic() + limit
        while (left := deadline - time.monotonic()) > 0 and not ended.acquire(
            timeout=min(LOOK, left)
        ):
            pass

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Be what Ctrl-C does, if it would raise KeyboardInterrupt in the calling thread."""
        here = threading.current_thread() is threading.main_thread()
        if not here or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self.interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        """Take note of Ctrl-C in a block, or raise."""
        if not self.inside:
            raise KeyboardInterrupt
        self.came = True

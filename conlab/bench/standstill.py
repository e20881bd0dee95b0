"""Says where a job, or the making of one, stands that does not come back: no figure tells before.

The first serial run has no time to be held against, so a job may take as long as it likes there.
"""

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from conlab.bench import own_lines, watchdog
from conlab.bench.costs import OURS

PATIENCE = 10.0  # seconds without a sign of life after which it is said


class Standstill:
    """Counts the seconds in which the main thread shows no sign of life; ``seen`` are those signs.

    ``say`` is told once where it stands, in the reader's own file, with ``what`` is under way.
    """

    def __init__(self, file: str, say: Callable[[str], None]) -> None:
        self.file = file
        self.say = say
        self.seen = 0
        self.where = ""
        self.over = threading.Event()
        self.lock = threading.Lock()

    def counted(self, jobs: Iterator[Any]) -> Iterator[Any]:
        """The jobs; each that is drawn is a sign of life."""
        for job in jobs:
            self.seen += 1
            yield job

    @contextmanager
    def told(self, what: Callable[[int], str]) -> Iterator[None]:
        """Say where it stands, and let it go on."""

        def tell() -> None:
            self.say(f"{what(self.seen)} for {PATIENCE:.0f} s{self.where}. Ctrl-C ends this.")

        with self.noticed(tell):
            yield

    @contextmanager
    def ended(self, mistake: Callable[[str], Exception]) -> Iterator[None]:
        """Break off what stands still, as Ctrl-C would, and raise ``mistake`` of where it stood."""
        broken_off = threading.Event()

        def interrupt() -> None:
            broken_off.set()
            watchdog.interrupt()

        def hear(_signal: int, _frame: FrameType | None) -> None:
            if broken_off.is_set():
                raise KeyboardInterrupt

        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as in a shell's background
        if ignored:
            signal.signal(signal.SIGINT, hear)
        try:
            with self.noticed(interrupt):
                yield
        except KeyboardInterrupt:
            if not broken_off.is_set():
                raise
            raise mistake(self.where) from None
        finally:
            if ignored:
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    @contextmanager
    def noticed(self, act: Callable[[], None]) -> Iterator[None]:
        """Call ``act`` once if nothing happens for too long."""
        main = threading.get_ident()
        self.over.clear()

        def look() -> None:
            seen = -1
            while seen != self.seen:
                seen = self.seen
                if self.over.wait(PATIENCE):
                    return
            lines = own_lines.of_text(
                "".join(traceback.format_stack(sys._current_frames().get(main))), self.file
            )
            self.where = f"; it stands at {lines[-1]}" if lines else ""
            with self.lock:
                if not self.over.is_set():
                    act()

        looking = threading.Thread(target=look, name=f"{OURS}standstill", daemon=True)
        looking.start()
        try:
            yield
        finally:
            with self.lock:
                self.over.set()
            looking.join()

"""The watchdog: breaks off a cell at a standstill, and says which worker process it was.

It does so as Ctrl-C would, after which every model's pool ends, and the run goes on without it.
"""

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from reprlib import repr as shortened
from types import FrameType
from typing import Any

import psutil

from conlab import ending
from conlab.bench import contention, costs
from conlab.bench.discovery import Cell
from conlab.bench.evidence.demand import our_own
from conlab.bench.running import CellFailed, OpenCell

FLOOR = 90.0  # seconds: more than the limits that the pools have of their own
FACTOR = 10  # how much longer a round may take than serial or the cell's first run
LOOKS = 10  # in the time after which a cell is broken off
GRACE = 10.0  # seconds in which an interrupted pool ends; then its processes are killed
MOST_NAMED = 3  # worker processes


@contextmanager
def watching(cell: Cell, serial_seconds: float, origin: int | None) -> Iterator["Watchdog"]:
    """Give the watchdog, whose ``watch`` is to be called when the cell's pool has started.

    Raises CellFailed where it had to break the cell off.
    """
    watchdog = Watchdog(cell, serial_seconds, origin)
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as in a shell's background
    if ignored:
        signal.signal(signal.SIGINT, watchdog.hear)
    try:
        try:
            yield watchdog
        finally:
            watchdog.end()  # no interrupt comes when this is over
    except BaseException:
        if not watchdog.reason:
            raise
        raise CellFailed(f"{cell.id}: {watchdog.reason}") from None
    finally:
        watchdog.end()
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


class Watchdog:
    """Counts the seconds in which a cell gives no result.

    Those do not count in which a thread of the process tree stood ready while others had the
    cores: on a busy machine, everything may take longer. Threads that only look on do not count.
    """

    def __init__(self, cell: Cell, serial_seconds: float, origin: int | None) -> None:
        self.cell = cell
        self.serial_seconds = serial_seconds
        self.origin = origin
        self.reason = ""  # why it broke the cell off
        self.ended = False
        # Held until then. No Event: who is interrupted amid its set() leaves it locked for good.
        self.until_ended = threading.Lock()
        self.until_ended.acquire()
        self.lock = threading.Lock()  # nobody is interrupted who has ended
        self.thread: threading.Thread | None = None

    def watch(self, open_cell: OpenCell) -> None:
        """Begin: the pool has started. A thread before that could be in the way of a fork."""
        self.thread = threading.Thread(
            target=self.look, args=(open_cell,), name=f"{costs.OURS}watchdog", daemon=True
        )
        self.thread.start()

    def end(self) -> None:
        """Watch no longer."""
        with self.lock:
            self.ended = True
            if self.until_ended.locked():
                self.until_ended.release()
        if self.thread:
            self.thread.join()

    def has_ended_after(self, seconds: float) -> bool:
        """Wait until it ends, but so long at most; say whether it has."""
        return self.ended or self.until_ended.acquire(timeout=seconds)

    def look(self, open_cell: OpenCell) -> None:
        """Look at the cell again and again; break it off when it has given nothing for too long."""
        limit, progress, without, ready = self.limit(open_cell), -1, 0.0, dict[int, float]()
        while not self.has_ended_after(limit / LOOKS):
            before, ready = ready, contention.seconds_ready_in_tree()
            # Who looks that often is always in the queue on a busy machine, and keeps nobody there.
            for looking_on in our_own() & ready.keys():
                del ready[looking_on]
            if progress != open_cell.progress:
                limit, progress, without = self.limit(open_cell), open_cell.progress, 0.0
                continue
            kept_ready = max(ready[one] - before.get(one, 0.0) for one in ready) if ready else 0.0
            without += max(0.0, limit / LOOKS - kept_ready)
            if without > limit:
                self.break_off(limit)
                return

    def limit(self, open_cell: OpenCell) -> float:
        """For how many seconds the cell may give no result; a timed round is one result."""
        return FLOOR + FACTOR * max(self.serial_seconds, open_cell.longest)

    def break_off(self, limit: float) -> None:
        """Interrupt the main thread; if the pool does not end then, kill its processes; and again.

        Python drops what is raised in a callback, as of a weak reference: the first may be lost.
        """
        self.reason = f"it gave no result for {limit:.0f} s: {self.stands_still()}"
        ending.jobs_left.set()
        while not self.ended:
            with self.lock:
                if not self.ended:
                    interrupt()
            if not self.has_ended_after(GRACE):
                for process in costs.worker_processes(self.origin):
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                self.has_ended_after(GRACE)

    def stands_still(self) -> str:
        """The worker processes, those that are stopped or else all, and what they are doing."""
        found = costs.worker_processes(self.origin)
        states = {one.pid: state for one in found if (state := state_of(one))}
        stopped = {pid: state for pid, state in states.items() if state == psutil.STATUS_STOPPED}
        doing: dict[int, Any] = getattr(self.cell.model.module, "doing", dict)()
        said = [
            f"worker process {pid} is {state}"
            + (f", its job is {shortened(doing[pid])}" if pid in doing else "")
            for pid, state in (stopped or states).items()
        ]
        if len(said) > MOST_NAMED:
            said[MOST_NAMED:] = [f"{len(said) - MOST_NAMED} more are like these"]
        return "; ".join(said) or "it has no worker process on this machine"

    def hear(self, _signal: int, _frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt if the signal came from here, or else ignore it as before."""
        if self.reason or ending.heard:
            raise KeyboardInterrupt


def state_of(process: psutil.Process) -> str:
    """What the system says of a process, such as ``stopped``; empty if it has ended."""
    with suppress(psutil.NoSuchProcess):
        return str(process.status())
    return ""


def interrupt() -> None:
    """Do to the main thread what Ctrl-C does."""
    if sys.platform == "win32":
        _thread.interrupt_main()
        return
    main = threading.main_thread().ident
    assert main
    signal.pthread_kill(main, signal.SIGINT)

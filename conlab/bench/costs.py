"""What a stretch of work costs the whole process tree: CPU seconds and peak memory, by psutil."""

import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from conlab.bench import contention

INTERVAL = 0.02  # seconds between two looks at the memory
OURS = "conlab-"  # begins the names of the threads with which the bench looks on


@dataclass(slots=True)
class Cost:
    """Filled in when the stretch has ended. Seconds, and bytes."""

    wall: float = 0.0
    cpu: float = 0.0
    # That the calling thread could have run, had there been a free core; None where not known.
    ready: float | None = 0.0
    peak_memory: int = 0

    @property
    def waiting_share(self) -> float:
        """The share spent waiting, where one thread did the work, of the time not spent ready."""
        return waiting_share(self.wall, self.cpu, self.ready)

    @property
    def ready_share(self) -> float | None:
        """The share in which that thread stood in the queue for a core; None where not known."""
        if self.ready is None:
            return None
        return min(1.0, self.ready / self.wall) if self.wall > 0 else 0.0


@contextmanager
def cost_of_tree(without: int | None) -> Iterator[Cost]:
    """Measure this process and its descendants, but for the process ``without`` (the origin)."""
    cost = Cost()
    tree = Tree(without)
    tree.look()
    before, ready = tree.cpu(), contention.seconds_ready()
    ended = threading.Event()
    looker = threading.Thread(
        target=look_until, args=(ended, tree), name=f"{OURS}looks-at-the-tree", daemon=True
    )
    looker.start()
    start = time.perf_counter()
    try:
        yield cost
    finally:
        cost.wall = time.perf_counter() - start
        cost.ready = difference(ready, contention.seconds_ready())
        ended.set()
        looker.join()
        tree.look()
        spent = max(after - earlier for after, earlier in zip(tree.cpu(), before, strict=True))
        # What the looking cost is not the work's: all of it was done by this one thread.
        cost.cpu = max(0.0, spent - tree.looking)
        cost.peak_memory = tree.peak_memory


def look_until(ended: threading.Event, tree: "Tree") -> None:
    """Look at the tree again and again."""
    while not ended.wait(INTERVAL):
        tree.look()
    tree.looking = time.thread_time()


class Tree:
    """The processes seen so far, with the latest figures of each, also of those that ended."""

    def __init__(self, without: int | None) -> None:
        self.root = psutil.Process()
        self.without = without
        self.cpu_seconds: dict[tuple[int, float], float] = {}
        self.cpu_alive_and_reaped = 0.0
        self.peak_memory = 0
        self.looking = 0.0

    def look(self) -> None:
        """Read the figures of every process of the tree."""
        memory = 0
        reaped = 0.0
        alive = 0.0
        for process in (self.root, *self.root.children(recursive=True)):
            if process.pid == self.without:
                continue
            with suppress(psutil.Error), process.oneshot():
                times = process.cpu_times()
                own = times.user + times.system
                if process == self.root:
                    own = time.process_time()  # the system counts in ticks of 10 ms
                self.cpu_seconds[process.pid, process.create_time()] = own
                alive += own
                # Windows does not tell what children spent that have ended.
                reaped += getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
                memory += process.memory_info().rss
        self.cpu_alive_and_reaped = alive + reaped
        self.peak_memory = max(self.peak_memory, memory)

    def cpu(self) -> tuple[float, float]:
        """CPU seconds, counted in two ways, each of which may miss some.

        By the latest look at every process seen so far: but one may work on after it, and end. By
        the living and by what they know of the children they waited for: but some had nobody wait.
        """
        return sum(self.cpu_seconds.values()), self.cpu_alive_and_reaped


def difference(before: float | None, after: float | None) -> float | None:
    """What was added; None where one of the two is not known."""
    return None if before is None or after is None else after - before


def waiting_share(wall: float, cpu: float, ready: float | None) -> float:
    """The share spent waiting, of the time in which a thread was not kept from computing.

    Standing ready says nothing of the work, neither that it waits nor that it computes: it is left
    out on both sides, so that a busy machine tells the same as an idle one.
    """
    free = wall - (ready or 0.0)
    return max(0.0, 1 - cpu / free) if free > 0 else 0.0


def own_seconds() -> tuple[float, float, float | None]:
    """Wall, CPU and ready seconds of this thread, its process and the children waited for."""
    times = os.times()
    cpu = time.process_time() + times.children_user + times.children_system
    return time.perf_counter(), cpu, contention.seconds_ready()


def waiting_since(before: tuple[float, float, float | None]) -> float:
    """The share spent waiting since own_seconds() said that."""
    wall, cpu, ready = own_seconds()
    return waiting_share(wall - before[0], cpu - before[1], difference(before[2], ready))


def start_helpers(start_method: str) -> None:
    """Start what multiprocessing keeps running beside its workers, once for all pools.

    Else the first pool of a run, and it alone, would be charged with its memory.
    """
    if sys.platform != "win32":
        from multiprocessing import resource_tracker

        with warnings.catch_warnings():  # that the last one died, which the run survives
            warnings.simplefilter("ignore", UserWarning)
            resource_tracker.ensure_running()
    if start_method == "forkserver":
        from multiprocessing import forkserver

        forkserver.ensure_running()


def memory_of_tree(without: int | None) -> int:
    """Bytes that the tree holds right now."""
    tree = Tree(without)
    tree.look()
    return tree.peak_memory


def children_left(without: int | None) -> list[str]:
    """The child processes that still run, in words; multiprocessing's own helpers are none."""
    left = []
    for process in worker_processes(without):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            left.append(f"{process.pid} ({' '.join(process.cmdline())[:60]})")
    return left


def worker_processes(without: int | None) -> list[psutil.Process]:
    """The descendants that run, but for ``without`` (the origin) and multiprocessing's helpers.

    A helper that is stopped counts: it keeps whoever needs it from going on.
    """
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            command, status = " ".join(process.cmdline()), process.status()
            # The forkserver's own children are workers, and have its command.
            helper = process.ppid() == os.getpid() and (
                "resource_tracker" in command or "forkserver" in command
            )
            if status == psutil.STATUS_ZOMBIE or process.pid == without:
                continue
            if not helper or status == psutil.STATUS_STOPPED:
                found.append(process)
    return found

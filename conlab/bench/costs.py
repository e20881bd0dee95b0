"""What a stretch of work costs the whole process tree: CPU seconds and peak memory, by psutil."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

INTERVAL = 0.02  # seconds between two looks at the memory


@dataclass(slots=True)
class Cost:
    """Filled in when the stretch has ended. Seconds, and bytes."""

    wall: float = 0.0
    cpu: float = 0.0
    peak_memory: int = 0


@contextmanager
def cost_of_tree(without: int | None) -> Iterator[Cost]:
    """Measure this process and its descendants, but for the process ``without`` (the origin)."""
    cost = Cost()
    tree = Tree(without)
    tree.look()
    before = tree.cpu()
    ended = threading.Event()
    looker = threading.Thread(target=look_until, args=(ended, tree), daemon=True)
    looker.start()
    start = time.perf_counter()
    try:
        yield cost
    finally:
        cost.wall = time.perf_counter() - start
        ended.set()
        looker.join()
        tree.look()
        # What the looking cost is not the work's: all of it was done by this one thread.
        cost.cpu = max(0.0, tree.cpu() - before - tree.looking)
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
        self.peak_memory = 0
        self.looking = 0.0

    def look(self) -> None:
        """Read the figures of every process of the tree."""
        memory = 0
        for process in (self.root, *self.root.children(recursive=True)):
            if process.pid == self.without:
                continue
            with suppress(psutil.NoSuchProcess), process.oneshot():
                times = process.cpu_times()
                memory += process.memory_info().rss
                self.cpu_seconds[process.pid, process.create_time()] = times.user + times.system
        self.peak_memory = max(self.peak_memory, memory)

    def cpu(self) -> float:
        """CPU seconds of all processes seen so far."""
        return sum(self.cpu_seconds.values())


def memory_of_tree(without: int | None) -> int:
    """Bytes that the tree holds right now."""
    tree = Tree(without)
    tree.look()
    return tree.peak_memory


def children_left(without: int | None) -> list[str]:
    """The child processes that still run, in words; multiprocessing's own helpers are none."""
    left = []
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            command = " ".join(process.cmdline())
            helper = "resource_tracker" in command or "forkserver" in command
            if process.pid != without and not helper and process.status() != psutil.STATUS_ZOMBIE:
                left.append(f"{process.pid} ({command[:60]})")
    return left

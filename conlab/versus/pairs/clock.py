"""The CPU seconds of a process tree, finer than the ticks of 10 ms in which systems tell them."""

import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

if sys.platform != "win32":
    import resource

LINUX = sys.platform.startswith("linux")


class TreeClock:
    """CPU seconds of this process, of its descendants, and of the children that it waited for."""

    def __init__(self) -> None:
        self.root = psutil.Process()
        self.members: list[psutil.Process] = []

    def look(self) -> float:
        """See who is in the tree now; give the CPU seconds of those who were not in it before."""
        if is_childless():
            self.members = []
            return 0.0
        known, self.members = set(self.members), self.root.children(recursive=True)
        return sum(cpu_seconds(process) for process in self.members if process not in known)

    def seconds(self) -> float:
        """CPU seconds so far of those seen at the last look, and of the children that ended."""
        return time.process_time() + ended_children() + sum(map(cpu_seconds, self.members))


def is_childless() -> bool:
    """Say whether this process has no child, where the kernel tells that at once; else False.

    psutil reads about every process of the machine, which takes as long as a short round.
    """
    try:
        return (
            not any(path.read_bytes() for path in Path("/proc/self/task").glob("*/children"))
            and Path("/proc/thread-self/children").exists()
        )
    except OSError:
        return False


def cpu_seconds(process: psutil.Process) -> float:
    """CPU seconds of one process; 0 if it has ended."""
    with suppress(psutil.Error, OSError):
        if LINUX:  # the kernel's own count: the clock of a process has a number made from its id
            return time.clock_gettime((~process.pid << 3) | 2)
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def ended_children() -> float:
    """CPU seconds of the children that this process has waited for; Windows does not tell."""
    if sys.platform == "win32":
        return 0.0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

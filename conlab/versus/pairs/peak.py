"""The peak of the memory of a process tree, as the kernel marks it: nothing is missed in between.

Looking now and then sees what lasts and misses what is short. Linux keeps each process's
high-water mark, and lets it be set back; macOS keeps one that only grows; Windows has another.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil

if sys.platform != "win32":
    import resource

LINUX = sys.platform.startswith("linux")
SET_BACK = "5"  # proc(5): the high-water mark falls to what is resident now


class Peak:
    """How far the peak rises above what is resident when this is made, in bytes."""

    def __init__(self) -> None:
        if LINUX:
            with suppress(OSError):
                Path("/proc/self/clear_refs").write_text(SET_BACK, "ascii")
        self.before = high_water_mark(os.getpid())

    def bytes(self) -> int:
        """The rise so far, and the whole of the processes below this one that live."""
        risen = high_water_mark(os.getpid()) - self.before
        below = psutil.Process().children(recursive=True)
        return max(0, risen) + sum(high_water_mark(one.pid) for one in below)


def high_water_mark(pid: int) -> int:
    """The most memory that a process had resident so far, in bytes; 0 if it is gone or unknown."""
    if LINUX:
        with suppress(OSError, ValueError, IndexError):
            text = Path("/proc", str(pid), "status").read_text("ascii", "replace")
            return int(text.partition("VmHWM:")[2].split()[0]) * 1024
        return 0
    if sys.platform == "win32":
        with suppress(psutil.Error):
            return int(psutil.Process(pid).memory_info().peak_wset)
        return 0
    if pid != os.getpid():
        with suppress(psutil.Error):
            return int(psutil.Process(pid).memory_info().rss)
        return 0
    marked = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return marked if sys.platform == "darwin" else marked * 1024

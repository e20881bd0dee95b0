"""How much memory a job takes and gives back, and how much there is for many of them at once."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORGET_THE_PEAK = "5"
CGROUP = Path("/sys/fs/cgroup")


@dataclass(slots=True)
class Taken:
    """Bytes that this process held for a while and no longer holds; 0 where nobody can tell.

    What a job leaves behind for all others, an import or a cache, is not counted.
    """

    given_back: int = 0


@contextmanager
def taken() -> Iterator[Taken]:
    """Watch the peak of this process in the block, as Linux keeps it."""
    found = Taken()
    known = forget_peak()
    yield found
    if known:
        gc.collect()
        found.given_back = max(0, resident("VmHWM") - resident("VmRSS"))


def forget_peak() -> bool:
    """Begin the peak anew; say whether the system can."""
    if sys.platform != "linux":
        return False
    gc.collect()
    try:
        FORGET.write_text(FORGET_THE_PEAK, "ascii")
    except OSError:
        return False
    return resident("VmHWM") > 0


def resident(name: str) -> int:
    """Bytes of this process that are in memory: ``VmRSS`` now, ``VmHWM`` at the peak."""
    with suppress(OSError, ValueError, IndexError):
        for line in STATUS.read_text("ascii", "replace").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def free() -> int:
    """Bytes that can still be had: of the machine's, or of its container's if that has fewer."""
    machine = int(psutil.virtual_memory().available)
    try:
        most = int((CGROUP / "memory.max").read_text("ascii"))
        used = int((CGROUP / "memory.current").read_text("ascii"))
    except (OSError, ValueError):  # "max": no limit; or no container, or an older kind
        return machine
    return min(machine, max(0, most - used))

"""What kept a stretch of work from the cores: other programs, a virtual machine's host, a limit.

Time *ready* is a third kind beside waiting and computing: a thread could run, and no core is free.
Where a system does not count one of these, it is None, *not known*.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from conlab.bench import settings

BUSY = 0.05  # the share of the usable cores from which what others take is no trifle
CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class Contention:
    """What others took during ``wall`` seconds on ``cores`` usable cores. All in core seconds.

    ``own`` is what the run computed and ``others`` what other programs did, ``stolen`` is what the
    host of this virtual machine gave to other machines, ``idle`` what nobody used. ``ready`` is for
    how long threads of the run stood in the queue for a core, be it behind others or behind each
    other. ``throttled`` is for how long the container's CPU limit held the run back, summed over
    the cores.
    """

    wall: float
    cores: int
    own: float
    others: float | None
    stolen: float | None
    idle: float | None
    ready: float | None
    throttled: float | None

    def __add__(self, later: Self) -> "Contention":
        """Both stretches as one; what is not known of one is not known of both."""
        return Contention(
            self.wall + later.wall,
            later.cores,
            self.own + later.own,
            *(
                None if one is None or other is None else one + other
                for one, other in (
                    (self.others, later.others),
                    (self.stolen, later.stolen),
                    (self.idle, later.idle),
                    (self.ready, later.ready),
                    (self.throttled, later.throttled),
                )
            ),
        )

    @property
    def taken(self) -> float | None:
        """How many cores others had on average, on this machine or on its host."""
        if self.others is None or self.wall <= 0:
            return None
        return (self.others + (self.stolen or 0.0)) / self.wall

    @property
    def is_busy(self) -> bool:
        """Say whether others are known to have taken more than a trifle."""
        return self.taken is not None and self.taken >= BUSY * self.cores

    @property
    def most_delay(self) -> float:
        """The largest share of the time by which others can have delayed the run; 0 if not known.

        Others delay a run only while they compute, while no core is idle, and while a thread of the
        run stands ready; and what it computed, it had to, on all cores at best. The least of the
        four, as far as they are known. Where others took no more than a trifle, it is 0: their
        figures are no better than that.
        """
        if not self.is_busy or self.taken is None:
            return 0.0
        bounds = [self.taken, 1 - self.own / (self.wall * self.cores)]
        if self.idle is not None:
            bounds.append(1 - self.idle / (self.wall * self.cores))
        if self.ready is not None:
            bounds.append((self.ready + (self.stolen or 0.0)) / self.wall)
        return max(0.0, min(bounds))


@dataclass(frozen=True, slots=True)
class Look:
    """What the system has counted up to a moment. Seconds."""

    moment: float
    busy: float | None
    stolen: float | None
    idle: float | None
    own: float
    ready: Mapping[int, float] | None
    throttled: float | None

    @classmethod
    def now(cls) -> Self:
        """Look at the cores, the process tree and the container."""
        busy, stolen, idle = core_seconds()
        return cls(
            moment=time.perf_counter(),
            busy=busy,
            stolen=stolen,
            idle=idle,
            own=cpu_seconds_of_tree(),
            ready=seconds_ready_in_tree() or None,
            throttled=seconds_throttled(),
        )

    def until(self, later: "Look") -> Contention:
        """What happened between this look and a later one."""

        def between(before: float | None, after: float | None) -> float | None:
            return None if before is None or after is None else max(0.0, after - before)

        own = max(0.0, later.own - self.own)
        busy = between(self.busy, later.busy)
        idle = between(self.idle, later.idle)
        if not (busy or idle):  # a sandbox that shows cores which never do anything
            busy = idle = None
        ready = None
        if self.ready is not None and later.ready is not None:
            ready = sum(
                max(0.0, seconds - self.ready.get(thread, 0.0))
                for thread, seconds in later.ready.items()
            )
        return Contention(
            wall=later.moment - self.moment,
            cores=settings.usable_cores(),
            own=own,
            others=None if busy is None else max(0.0, busy - own),
            stolen=between(self.stolen, later.stolen),
            idle=idle,
            ready=ready,
            throttled=between(self.throttled, later.throttled),
        )


def core_seconds() -> tuple[float | None, float | None, float | None]:
    """Seconds that the usable cores computed, were stolen by the host, and were idle.

    Interrupts count as nothing: of what is sent to this very machine, they are the run's own.
    """
    try:
        cores = psutil.cpu_times(percpu=True)
    except (OSError, RuntimeError, NotImplementedError):
        return None, None, None
    usable = usable_core_numbers()
    if usable and max(usable) < len(cores):
        cores = [cores[number] for number in usable]
    busy = sum(core.user + core.system + getattr(core, "nice", 0.0) for core in cores)
    idle = sum(core.idle + getattr(core, "iowait", 0.0) for core in cores)
    stolen = sum(core.steal for core in cores) if hasattr(cores[0], "steal") else None
    return busy, stolen, idle


def usable_core_numbers() -> list[int]:
    """The numbers of the cores that this process may use; none where the system does not tell."""
    with suppress(AttributeError, psutil.Error, OSError):  # macOS has no affinity
        return list(psutil.Process().cpu_affinity() or ())
    return []


def cpu_seconds_of_tree() -> float:
    """CPU seconds of this process, its descendants, and the children that they waited for."""
    root = psutil.Process()
    spent = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.Error):
            times = process.cpu_times()
            spent += times.user + times.system
            spent += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return spent


def seconds_ready() -> float | None:
    """For how long the calling thread has stood ready while others had the cores.

    Without it, a thread that others keep from computing would look like one that waits for
    something. Linux counts it; elsewhere it is not known.
    """
    return ready_in(Path("/proc/thread-self/schedstat"))


def seconds_ready_in_tree() -> dict[int, float]:
    """The same of every thread of this process and its descendants, by the thread's number."""
    ready = {}
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with suppress(OSError):  # it ended while it was looked at
            for path in Path("/proc", str(process.pid), "task").glob("*/schedstat"):
                seconds = ready_in(path)
                if seconds is not None:
                    ready[int(path.parent.name)] = seconds
    return ready


def ready_in(schedstat: Path) -> float | None:
    """The seconds that a file of the kernel's tells; its second number is nanoseconds."""
    try:
        return int(schedstat.read_text("ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def seconds_throttled(groups: Path = CGROUPS, own: Path = OWN_GROUPS) -> float | None:
    """For how long a CPU limit held this process's control group back, summed over its cores."""
    try:
        lines = own.read_text("ascii").splitlines()
    except (OSError, ValueError):
        return None
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            folder = groups
        elif "cpu" in controllers.split(","):
            folder = groups / controllers
            folder = folder if folder.is_dir() else groups / "cpu"
        else:
            continue
        for place in (folder / path.strip("/"), folder):  # a container may see its own as the root
            with suppress(OSError, ValueError):
                told = dict(map(str.split, (place / "cpu.stat").read_text("ascii").splitlines()))
                if "throttled_usec" in told:
                    return int(told["throttled_usec"]) / 1e6
                if "throttled_time" in told:
                    return int(told["throttled_time"]) / 1e9
    return None

"""What was measured: the figures of a cell, and what serial gave, which every cell must give."""

import math
import statistics
from dataclasses import asdict, dataclass
from typing import Any

from conlab.bench import costs, floors
from conlab.bench.contention import Contention
from conlab.bench.discovery import Cell
from conlab.bench.evidence import gathering
from conlab.bench.running import Tally
from conlab.bench.sameness import same
from conlab.bench.settings import gil_enabled, python_build, usable_cores
from conlab.origin import Log


@dataclass(slots=True)
class Reference:
    """What serial gave for a workload: every cell must give the same."""

    result: Any
    jobs: int
    seconds: float
    levels: list[Log]
    waits: bool  # or it may: it has a client, or runs on an event loop
    alike: Any = same  # a Same; mypy would take a callable for a method
    compared: bool = True  # or --no-compare was asked for
    note: str = ""  # what there is to say of the jobs beside their figures
    memory: int = 0  # bytes that a job takes and gives back
    first: float = 0.0  # seconds of this run without its first job, and without standing ready


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen in a number of runs that were not timed."""

    tally: Tally
    repeats: int
    cost: costs.Cost
    cpu_origin: float
    evidence: gathering.Evidence


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one cell. Times are seconds, memory is bytes.

    ``job_seconds``, ``cost`` and ``cpu_origin`` are of ``repeats`` runs, ``jobs`` is of one.
    ``visits`` are the median rounds of each visit, in the order of the turns; ``rounds`` are those
    of all visits. ``contention`` is what others took meanwhile.
    """

    cell: Cell
    settings: dict[str, Any]
    rounds: tuple[float, ...]
    jobs: int
    failed: int
    start: float
    stop: float
    job_seconds: tuple[float, ...]
    repeats: int
    cost: costs.Cost
    cpu_origin: float
    memory_before: int
    floor: floors.Floor | None
    sizes: dict[str, Any]
    tracers: tuple[str, ...] = ()
    handing_over: float | None = None  # of a job, measured for the reader's own workloads
    evidence: gathering.Evidence = gathering.NOTHING
    visits: tuple[float, ...] = ()
    contention: Contention | None = None

    @property
    def in_flight(self) -> float:
        """How many jobs were under way at once, on average."""
        return sum(self.job_seconds) / self.cost.wall

    @property
    def cores_busy(self) -> float:
        """How many cores the process tree kept busy, on average."""
        return self.cost.cpu / self.cost.wall

    @property
    def origin_busy(self) -> float:
        """How many cores the origin kept busy; it can use one."""
        return self.cpu_origin / self.cost.wall

    @property
    def cpu(self) -> float:
        """CPU seconds of the process tree in one run."""
        return self.cost.cpu / self.repeats

    @property
    def cpu_with_origin(self) -> float:
        """CPU seconds of the process tree and the origin in one run."""
        return (self.cost.cpu + self.cpu_origin) / self.repeats

    @property
    def memory_added(self) -> int:
        """How far the memory of the tree rose above what it was before the pool started."""
        return max(0, self.cost.peak_memory - self.memory_before)

    @property
    def slowest(self) -> tuple[str, float]:
        """The 99th percentile of the jobs' times from 1,000 jobs on, else the largest."""
        if len(self.job_seconds) >= 1000:
            return "p99", statistics.quantiles(self.job_seconds, n=100)[98]
        return "max", max(self.job_seconds, default=0.0)

    @property
    def median(self) -> float:
        """The time of a round."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles of the rounds."""
        if len(self.rounds) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.rounds, n=4, method="inclusive")
        return (high - low) / 2

    @property
    def error(self) -> float:
        """Twice the standard error of the visits: rounds of one are no independent samples."""
        if len(self.visits) < 2:
            return math.inf
        return 2 * statistics.stdev(self.visits) / math.sqrt(len(self.visits))

    def figures(self) -> dict[str, Any]:
        """What the JSON is to hold beside pytest-benchmark's own statistics."""
        kind, slowest = self.slowest
        return {
            "workload": self.cell.workload.name,
            "model": self.cell.model.name,
            "variant": self.cell.variant,
            "level": self.cell.level or None,
            "client": getattr(self.cell.client(), "__name__", None),
            "settings": self.settings,
            "constants": self.cell.workload.constants(),
            "sizes": self.sizes,
            "python": python_build(),
            "gil": gil_enabled(),
            "usable_cores": usable_cores(),
            "tracers": self.tracers,
            "jobs": self.jobs,
            "failed_jobs": self.failed,
            "visits": self.visits,
            "contention": asdict(self.contention) if self.contention else None,
            "jobs_per_second": self.jobs / self.median,
            "floor_seconds": self.floor.seconds if self.floor else None,
            "in_flight": self.in_flight,
            "cores_busy": self.cores_busy,
            "cpu_seconds": self.cpu,
            "cpu_seconds_of_origin": self.cpu_origin / self.repeats,
            "memory_peak_bytes": self.cost.peak_memory,
            "memory_added_bytes": self.memory_added,
            "slowest_job_closed_loop": {"is": kind, "seconds": slowest},
            "pool_start_seconds": self.start,
            "pool_stop_seconds": self.stop,
            "handing_over_seconds": self.handing_over,
        }


@dataclass(frozen=True, slots=True)
class Start:
    """What a model's pool costs to start and to stop, in seconds; ``spread`` is relative.

    ``at_once`` is how many jobs the pool has under way at once: such as compute, if it has
    workers for that, else such as wait.
    """

    start: float
    spread: float
    stop: float
    at_once: int
    computes: bool

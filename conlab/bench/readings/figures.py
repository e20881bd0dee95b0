"""The figures that the readings read, as plain data: a run can be recorded, and read again.

Times are seconds and memory is bytes; what nothing could tell is None.
"""

from dataclasses import dataclass

LEAST = 0.1  # the share of its time in which a row ran freely, below which nothing is made of it
HELD = "_one_thread"  # ends the labels of rows whose libraries were held to one thread


@dataclass(frozen=True, slots=True)
class Looks:
    """How often a loop, or the threads in their jobs, stood where; see evidence/stacks.py."""

    busy: int
    idle: int
    at_most: int = 0
    line: str = ""  # the place that was seen most
    source: str = ""
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One model. ``job`` is what a job took on average, ``cores`` how many cores were busy.

    ``ready`` is how many more its threads stood ready for, which is known where its jobs run in
    this process; ``at_once`` is how many jobs it may have under way, ``processes`` how many share
    them.
    """

    label: str
    seconds: float
    spread: float
    at_once: int
    processes: int
    in_flight: float
    job: float
    cpu: float
    cores: float
    ready: float | None = None
    looks: Looks | None = None

    @property
    def demand(self) -> float:
        """The cores that it asked for, whether others had them or not."""
        return self.cores + (self.ready or 0.0)

    @property
    def undisturbed(self) -> float:
        """The share of its jobs' time in which their threads were not kept from a core.

        An event loop has one thread, and what keeps that keeps all of its jobs.
        """
        threads = 1.0 if self.label.startswith("coroutines") else max(1.0, self.in_flight)
        return max(LEAST, 1 - (self.ready or 0.0) / threads)


@dataclass(frozen=True, slots=True)
class Alone:
    """What only serial shows, which has nothing beside the job: shares are of its time.

    ``jobs`` are the jobs' own times, the shortest of each in any run, in their order; ``threads``
    is how many threads computed, ``own_threads`` says that no library held to one thread made
    them, and ``sent`` is what sending a job and its result takes.
    ``first`` is the first run of all, without its first job, and without what it stood ready.
    ``memory`` is what a job takes and gives back; ``memory_short``, that a model was left out for
    want of it.
    """

    waiting: float
    ready: float
    making: float
    jobs: tuple[float, ...]
    threads: int = 1
    own_threads: bool = False
    sent_size: int = 0
    sent_seconds: float = 0.0
    memory: int = 0
    memory_free: int = 0
    memory_short: bool = False
    first: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """One workload, its rows by time. ``blocking`` and ``asynchronous`` are their libraries.

    ``in_flight`` is how many jobs any of its models may have under way; ``origin`` says that its
    floor is known from the suite's own web; ``library`` is what may compute in parallel.
    """

    name: str
    cores: int
    job_count: int
    in_flight: int
    rows: tuple[Row, ...]
    alone: Alone | None = None
    origin: bool = False
    blocking: tuple[str, ...] = ()
    asynchronous: tuple[str, ...] = ()
    library: str = ""

    def row(self, label: str) -> Row | None:
        """The row of that label, if there is one."""
        return next((row for row in self.rows if row.label == label), None)

    @property
    def serial(self) -> Row | None:
        """Serial's row."""
        return self.row("serial")

    def speedup(self, row: Row) -> float:
        """How many times as fast as serial; 1 where that was not measured."""
        return self.serial.seconds / row.seconds if self.serial else 1.0

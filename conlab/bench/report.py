"""What the figures of a run say about each other: speedups, shares of the floor, leaders."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from conlab.bench.leading import ALPHA, CROWDED, LOUD, Ranking, rank
from conlab.bench.measured import Measured
from conlab.bench.readings import bounds, parallel_inside
from conlab.bench.readings.case import case_of
from conlab.bench.readings.figures import Case
from conlab.bench.readings.reader import readings
from conlab.bench.readings.reading import Reading

BUSY_ORIGIN = 0.85  # cores: the origin has one thread, and is the limit when that is always busy
PARALLEL = 1.2  # cores busy from which work ran in parallel
FLOOR_OF_NOISE = 0.02  # no run is so quiet that a smaller lead should be called one
ENOUGH_ROUNDS = 3  # in all, from which their spread says something


@dataclass(frozen=True)
class Group:
    """The cells of one workload; ``alpha`` is this table's part of the run's rate of errors."""

    name: str
    cells: tuple[Measured, ...]
    cores: int
    alpha: float = ALPHA

    @cached_property
    def ranking(self) -> Ranking:
        """What the visits of the cells say about who leads."""
        return rank(
            {one.cell.label: one.visits or (one.median,) for one in self.cells},
            {one.cell.label: one.contention.most_delay for one in self.cells if one.contention},
            self.alpha,
        )

    @cached_property
    def rows(self) -> list[Measured]:
        """The cells, the fastest first."""
        return sorted(self.cells, key=self.time)

    def time(self, measured: Measured) -> float:
        """The time of a round: the geometric mean over the visits. Seconds."""
        return self.ranking.times[measured.cell.label]

    def named(self, label: str) -> Measured | None:
        """The cell of that label, if it was measured."""
        return next((m for m in self.cells if m.cell.label == label), None)

    @property
    def serial(self) -> Measured | None:
        """The serial cell, if it was measured."""
        return self.named("serial")

    @property
    def noise(self) -> float | None:
        """The least lead that this run can tell from chance, as a share; None if not known."""
        return self.ranking.noise

    def speedup(self, measured: Measured) -> float | None:
        """How many times as fast as serial in this run."""
        return self.time(self.serial) / self.time(measured) if self.serial else None

    @cached_property
    def work_law(self) -> float:
        """Seconds: the least CPU time that any cell and the origin spent, over the usable cores."""
        return min(measured.cpu_with_origin for measured in self.cells) / self.cores

    @cached_property
    def case(self) -> Case:
        """The plain figures of the rows."""
        return case_of(self.rows, self.time, self.cores)

    @cached_property
    def readings(self) -> list[Reading]:
        """What the figures say of the jobs."""
        return readings(self.case)

    @property
    def doubt(self) -> str:
        """Why whoever is fastest is no leader; empty if nothing speaks against it."""
        return next((reading.doubt for reading in self.readings if reading.doubt), "")

    def limit(self, measured: Measured) -> bounds.Bound | None:
        """Below which time no run should go: by the floor, by the work law, or as estimated."""
        floor, estimate = measured.floor, bounds.bound(self.case)
        if floor is None:
            return estimate
        if floor.seconds > self.work_law:
            return bounds.Bound(floor.seconds, bounds.WAITS)
        computing = bounds.Bound(self.work_law, bounds.COMPUTING)
        if floor.seconds or estimate is None or estimate.by not in (bounds.JOB, bounds.MAKING):
            return computing
        return max(computing, estimate, key=lambda bound: bound.seconds)

    def limit_share(self, measured: Measured) -> float | None:
        """The limit over the time; None where there is none."""
        limit = self.limit(measured)
        return limit.seconds / self.time(measured) if limit else None

    def void(self, measured: Measured) -> str:
        """Why the limit of a cell that was faster than it cannot be right; empty if it may be."""
        share, limit = self.limit_share(measured), self.limit(measured)
        error = max(self.noise or 0.0, 2 * measured.spread / measured.median, FLOOR_OF_NOISE)
        if share is None or limit is None or share <= 1 + error:
            return ""
        if limit.by != bounds.COMPUTING:
            return (
                f"faster than serial's own times allow by {limit.by}: this model's jobs take less"
                " than serial's did"
            )
        if parallel_inside.is_parallel(self.case):
            return (
                "its library's threads spin while they wait, so the CPU time of its untimed run is"
                " more than the work needs"
            )
        return (
            "its untimed run took more CPU time than fits into its timed rounds: jobs this short"
            " cost more when they are watched, or the machine was slower then"
        )

    def floor_share(self, measured: Measured) -> float | None:
        """The share of the limit where that is no estimate, or else None."""
        return None if measured.floor is None else self.share(measured)

    def share(self, measured: Measured) -> float | None:
        """The limit over the time, at most 1; None where the workload has none, or it is void."""
        share = self.limit_share(measured)
        return None if share is None or self.void(measured) else min(1.0, share)

    @property
    def parallel(self) -> bool:
        """Say whether any cell was seen to run in parallel: it takes cores, and free ones."""
        return any(measured.cores_busy >= PARALLEL for measured in self.cells)

    @property
    def loud(self) -> bool:
        """Say whether the run was so noisy that its small differences say nothing."""
        return self.noise is not None and self.noise > LOUD

    @property
    def leaders(self) -> list[Measured]:
        """The fastest cell, and those that it does not beat, or may not have beaten."""
        return [one for one in self.rows if one.cell.label in self.ranking.leaders]

    @property
    def undecided(self) -> str:
        """Why no leader is to be named, or nothing."""
        return self.ranking.undecided

    @property
    def crowded(self) -> bool:
        """Say whether it is other programs that keep this run from telling who leads."""
        return self.undecided == CROWDED


def groups(measured: Iterable[Measured], cores: int) -> list[Group]:
    """The cells by workload, in the order in which they were measured."""
    found: dict[str, list[Measured]] = {}
    for one in measured:
        found.setdefault(one.cell.workload.name, []).append(one)
    return [Group(name, tuple(cells), cores, ALPHA / len(found)) for name, cells in found.items()]

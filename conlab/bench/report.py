"""What the figures of a run say about each other: speedups, shares of the floor, leaders."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from conlab.bench.measuring import Measured

FLOOR_OF_NOISE = 0.02  # no run is so quiet that a smaller lead should be called one
BUSY_ORIGIN = 0.85  # cores: the origin has one thread, and is the limit when that is always busy
PARALLEL = 1.2  # cores busy from which work ran in parallel
ENOUGH_ROUNDS = 3  # of each of two timings, for what lies between them to be called noise
LOUD = 0.25  # noise above which that nothing stands out of it says nothing


@dataclass(frozen=True)
class Group:
    """The cells of one workload. Order does not decide: serial's two timings are taken together."""

    name: str
    cells: tuple[Measured, ...]
    cores: int

    @cached_property
    def rows(self) -> list[Measured]:
        """The cells, the fastest first, those that were timed again left out."""
        once = [measured for measured in self.cells if not measured.cell.again]
        return sorted(once, key=self.time)

    def time(self, measured: Measured) -> float:
        """The median round, over both timings of a cell that was timed twice. Seconds."""
        rounds = [
            seconds
            for other in self.cells
            if other.cell.label.removesuffix("_again") == measured.cell.label
            for seconds in other.rounds
        ]
        return statistics.median(rounds or measured.rounds)

    def named(self, label: str) -> Measured | None:
        """The cell of that label, if it was measured."""
        return next((m for m in self.cells if m.cell.label == label), None)

    @property
    def serial(self) -> Measured | None:
        """The serial cell, if it was measured."""
        return self.named("serial")

    @cached_property
    def noise(self) -> float | None:
        """How far two timings of the same cell lie apart: the larger ratio less 1.

        None where that is not known: of too few rounds, or of a single job.
        """
        ratios = []
        for measured in self.cells:
            if measured.cell.again and measured.jobs > 1:
                first = self.named(measured.cell.label.removesuffix("_again"))
                if first and min(len(first.rounds), len(measured.rounds)) >= ENOUGH_ROUNDS:
                    low, high = sorted((first.median, measured.median))
                    ratios.append(high / low - 1)
        return max(*ratios, FLOOR_OF_NOISE) if ratios else None

    def speedup(self, measured: Measured) -> float | None:
        """How many times as fast as serial in this run."""
        return self.time(self.serial) / self.time(measured) if self.serial else None

    @cached_property
    def work_law(self) -> float:
        """Seconds: the least CPU time that any cell and the origin spent, over the usable cores."""
        return min(measured.cpu_with_origin for measured in self.cells) / self.cores

    def floor_share(self, measured: Measured) -> float | None:
        """The larger of floor and work law over the time; None where the workload has none."""
        if measured.floor is None:
            return None
        return max(measured.floor.seconds, self.work_law) / self.time(measured)

    @property
    def parallel(self) -> bool:
        """Say whether any cell was seen to run in parallel: it takes cores, and free ones."""
        return any(measured.cores_busy >= PARALLEL for measured in self.cells)

    @property
    def loud(self) -> bool:
        """Say whether the run was so noisy that its small differences say nothing."""
        return self.noise is not None and self.noise > LOUD

    @cached_property
    def leaders(self) -> list[Measured]:
        """The fastest cell, and those that it leads by no more than the noise."""
        limit = self.time(self.rows[0]) * (1 + (self.noise or FLOOR_OF_NOISE))
        return [measured for measured in self.rows if self.time(measured) <= limit]


def groups(measured: Iterable[Measured], cores: int) -> list[Group]:
    """The cells by workload, in the order in which they were measured."""
    found: dict[str, list[Measured]] = {}
    for one in measured:
        found.setdefault(one.cell.workload.name, []).append(one)
    return [Group(name, tuple(cells), cores) for name, cells in found.items()]

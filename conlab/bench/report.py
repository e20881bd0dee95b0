"""What the figures of a run say about each other: speedups, shares of the floor, leaders."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from conlab.bench.leading import ALPHA, CROWDED, LOUD, Ranking, rank
from conlab.bench.measuring import Measured

BUSY_ORIGIN = 0.85  # cores: the origin has one thread, and is the limit when that is always busy
PARALLEL = 1.2  # cores busy from which work ran in parallel


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

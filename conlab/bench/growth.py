"""How a workload grows: what its models do at each level of workers, jobs in flight or jobs."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from conlab.bench import scalability
from conlab.bench.measured import Measured
from conlab.bench.measuring import Matrix
from conlab.bench.report import Group, groups
from conlab.bench.scalability import Law
from conlab.bench.settings import usable_cores
from conlab.bench.words import MEBI, duration

WORDS = {"workers": "workers", "in_flight": "jobs in flight", "jobs": "jobs"}


@dataclass(frozen=True, slots=True)
class Point:
    """A model at a level: seconds of a round, and its speedups over serial, one for each turn."""

    level: int
    seconds: float
    low: float
    high: float
    speedups: tuple[float, ...]
    cpu: float
    memory: int

    @property
    def speedup(self) -> float | None:
        """The median over the turns."""
        return statistics.median(self.speedups) if self.speedups else None


@dataclass(frozen=True, slots=True)
class Growth:
    """A workload along one option; ``laws`` say of each model a law, or why there is none."""

    workload: str
    option: str
    models: dict[str, tuple[Point, ...]]
    laws: dict[str, Law | str]

    @property
    def best(self) -> tuple[str, Point] | None:
        """The best point that was measured: by speedup, or of fewest seconds a job."""
        points = [(model, one) for model, each in self.models.items() for one in each]
        if self.option == "jobs":
            return min(points, key=lambda found: found[1].seconds / found[1].level, default=None)
        told = [found for found in points if found[1].speedup]
        return max(told, key=lambda found: found[1].speedup or 0.0, default=None)

    def figures(self) -> dict[str, Any]:
        """What the JSON is to hold."""
        return {
            "option": self.option,
            "models": {name: [asdict(one) for one in each] for name, each in self.models.items()},
            "laws": {
                name: law if isinstance(law, str) else asdict(law)
                for name, law in self.laws.items()
            },
            "sentences": laws(self),
        }


def grown(matrix: Matrix) -> list[Growth]:
    """What the levels of a run say, a workload and an option at a time."""
    options = list(dict.fromkeys(level.option for level in matrix.settings.levels))
    base = {group.name: group for group in groups(matrix.measured, usable_cores())}
    found = []
    for option in options:
        at_level = {
            level.value: {
                group.name: group
                for group in groups(matrix.levels[str(level)].measured, usable_cores())
            }
            for level in matrix.settings.levels
            if level.option == option
        }
        for workload in sorted({name for each in at_level.values() for name in each}):
            own = base.get(workload)
            by_level = {
                value: each[workload] for value, each in at_level.items() if workload in each
            }
            if own is not None and (value := _value(matrix, option, own)):
                by_level[value] = own
            found.append(_growth(workload, option, by_level))
    return found


def _value(matrix: Matrix, option: str, group: Group) -> int:
    """The value of the option in the run's own cells."""
    if option == "jobs":
        return group.rows[0].jobs
    value: int = getattr(matrix.settings, option)
    return value


def _growth(workload: str, option: str, by_level: dict[int, Group]) -> Growth:
    measured = sorted(by_level.items())
    varied = {
        one.cell.label
        for value, group in measured
        for one in group.cells
        if one.cell.level and (option == "jobs" or one.cell.label != "serial")
    }
    models = {
        label: tuple(
            _point(value, group, one)
            for value, group in measured
            for one in group.cells
            if one.cell.label == label
        )
        for label in sorted(varied)
    }
    laws: dict[str, Law | str] = {}
    if option != "jobs":
        for label, points in models.items():
            told = [one for one in points if one.speedups]
            laws[label] = scalability.fit(
                [one.level for one in told], [one.speedups for one in told]
            )
    return Growth(workload, option, models, laws)


def _point(value: int, group: Group, one: Measured) -> Point:
    serial = group.serial
    speedups: tuple[float, ...] = ()
    if serial is not None:
        speedups = tuple(
            base / own for base, own in zip(serial.visits, one.visits, strict=False) if own > 0
        )
    visits = one.visits or one.rounds
    level = one.jobs if one.cell.level.startswith("jobs") else value
    return Point(
        level, group.time(one), min(visits), max(visits), speedups, one.cpu, one.memory_added
    )


def tables(found: Sequence[Growth]) -> Iterator[Table | Text]:
    """What the summary prints of it."""
    for growth in found:
        yield Text("")
        yield _table(growth)
        if best := growth.best:
            model, point = best
            what = f"{point.speedup:.2f} times serial" if point.speedup else duration(point.seconds)
            yield Text(
                f"Best measured: {model} with {point.level:,} {WORDS[growth.option]}, {what}."
            )
        for sentence in laws(growth):
            yield Text(sentence)


def laws(growth: Growth) -> list[str]:
    """A sentence for each law, and one for each reason why there is none."""
    said: list[str] = []
    reasons: dict[str, list[str]] = {}
    for model, law in growth.laws.items():
        if isinstance(law, str):
            reasons.setdefault(law, []).append(model)
            continue
        said.append(
            f"{model}: by the Universal Scalability Law {_share(law.contention)} of the work is"
            f" done one at a time, and keeping in step costs {_share(law.coherency)} a pair; "
            + (
                f"more than {law.knee.estimate:.3g} ({law.knee.low:.3g} to {law.knee.high:.3g})"
                f" {WORDS[growth.option]} cost speed."
                if law.knee
                else f"{law.why}."
            )
        )
    return said + [f"{', '.join(models)}: {reason}." for reason, models in reasons.items()]


def _share(interval: scalability.Interval) -> str:
    return f"{interval.estimate:.2%} ({interval.low:.2%} to {interval.high:.2%})"


def _table(growth: Growth) -> Table:
    title = f"How {growth.workload} grows with {WORDS[growth.option]}"
    shown = "time, and memory added" if growth.option == "jobs" else "speedup, over all turns"
    table = Table(title=f"{title} ({shown})", title_justify="left", title_style="bold", box=None)
    table.add_column("model")
    values = sorted({one.level for each in growth.models.values() for one in each})
    for value in values:
        table.add_column(f"{value:,}", justify="right")
    for model, points in growth.models.items():
        known = {one.level: one for one in points}
        table.add_row(model, *(_cell(growth, known.get(value)) for value in values))
    return table


def _cell(growth: Growth, point: Point | None) -> str:
    if point is None:
        return ""
    if growth.option == "jobs" or point.speedup is None:
        return f"{duration(point.seconds)}, +{point.memory / MEBI:.0f} MiB"
    return f"{point.speedup:.2f}x ({min(point.speedups):.2f} to {max(point.speedups):.2f})"

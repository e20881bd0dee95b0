"""How often a workload's jobs are run under each model, and how long all of that will take."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conlab.bench.discovery import Cell
from conlab.errors import UserError

LONG = 5.0  # seconds of a serial run from which a model has two visits of one round
TELLING = 60.0  # seconds from which on it is said what fewer jobs would take
SHOWN_EVERY = 0.2  # seconds between two looks at what to show


@dataclass(frozen=True, slots=True)
class Effort:
    """How often a cell runs its jobs: in each of its ``visits``, rounds for so many seconds.

    ``warm`` says whether they are run once before the rounds, ``watched`` for how many seconds they
    are watched at least, in the first visit.
    """

    fewest: int
    most: int
    seconds: float
    watched: float
    warm: bool = True
    visits: int = 3  # about: how many it takes depends on how far they lie apart

    def rounds(self, expected: float) -> int:
        """How many rounds of that many seconds are timed."""
        fitting = int(self.seconds / max(expected, 1e-9))
        return max(self.fewest, min(self.most, fitting))

    def cell_seconds(self, expected: float) -> float:
        """How long a cell of such rounds takes in all, but for the starts of its pool."""
        rounds = self.rounds(expected)
        return self.visits * expected * (self.warm + rounds) + max(expected, self.watched)

    def sparing(self) -> "Effort":
        """The least that shows a lead: two visits of one round, and a run that is watched."""
        return replace(self, warm=False, fewest=1, seconds=0.0, visits=2)

    def once(self) -> "Effort":
        """The least of all: one round that is timed and one that is watched."""
        return replace(self.sparing(), visits=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is ahead for a workload. Seconds; ``runs`` are what each model may take for a run.

    They are guesses from serial's first run: a job that waits leaves room for others, as many as
    its model has in flight; one that computes, for as many as there are workers.
    """

    jobs: int
    serial: float
    runs: dict[str, float]
    usual: Effort
    budget: float | None = None

    @property
    def effort(self) -> Effort:
        """The effort that suits the serial run, and the budget if there is one."""
        if self.budget is None:
            return self.usual.sparing() if self.serial >= LONG else self.usual
        for effort in (self.usual, self.usual.sparing()):
            left = self.budget - self.serial - self.seconds_of(effort)
            if left >= 0:
                more = effort.seconds + left / max(1, len(self.runs)) / effort.visits
                share = more / self.usual.seconds if self.usual.seconds else 1
                return replace(effort, seconds=more, most=int(effort.most * max(1, share)))
        return self.usual.once()

    def expected(self, label: str) -> float:
        """The seconds of a run of that cell."""
        return self.runs[label]

    @property
    def seconds(self) -> float:
        """How long all cells take, after the first serial run."""
        return self.seconds_of(self.effort)

    def seconds_of(self, effort: Effort) -> float:
        """The same with another effort."""
        return sum(map(effort.cell_seconds, self.runs.values()))

    def progress(self, label: str, number: int, rounds: int, spent: float) -> str:
        """Where a cell is, and about how long all takes after ``spent`` seconds."""
        here = self.runs.get(label, 0.0) * (max(0, rounds - number) + 1)
        left = max(here, self.serial + self.seconds - spent)
        at = f"round {number} of {rounds}" if number else "a run to warm up"
        return f"{label}: {at}, about {spoken(left)} left"

    def of(self, jobs: int) -> "Plan":
        """The plan of fewer jobs."""
        share = jobs / self.jobs
        runs = {name: seconds * share for name, seconds in self.runs.items()}
        job = self.serial / self.jobs
        runs = {name: max(job, seconds) for name, seconds in runs.items()}
        return replace(self, jobs=jobs, serial=self.serial * share, runs=runs)

    def said(self) -> str:
        """The plan in a sentence."""
        times = [f"{name} {spoken(each)}" for name, each in self.runs.items() if name != "serial"]
        then = f", then {', '.join(times)} a run" if self.seconds > TELLING and times else ""
        many = f"{self.jobs:,} jobs" if self.jobs != 1 else "1 job"
        said = f"{many} of {spoken(self.serial / self.jobs)}: serial {spoken(self.serial)}{then}"
        said += f"; about {spoken(self.serial + self.seconds)} in all, and the starts of the pools"
        if self.budget is not None and self.seconds + self.serial > self.budget:
            said += f"; --seconds {self.budget:g} ends it before"
        if self.jobs > 2 and self.seconds > TELLING:
            fewer = self.of(max(2, self.jobs // 4))
            said += f"; --jobs {fewer.jobs} would take about {spoken(fewer.serial + fewer.seconds)}"
        return f"{said}."


def planned(
    cells: Sequence[Cell],
    settings: dict[str, Any],
    jobs: int,
    serial: float,
    usual: Effort,
    budget: float | None = None,
) -> Plan:
    """The plan of those cells, after a serial run of so many seconds."""
    present = [cell for cell in cells if not cell.absent()]
    runs = {
        cell.label: max(serial / jobs, serial / min(jobs, at_once(cell, settings)))
        for cell in present
    }
    return Plan(jobs, serial, runs, usual, budget)


def at_once(cell: Cell, settings: dict[str, Any]) -> int:
    """How many jobs the cell's model has under way at once."""
    asked = [settings[n] for n in ("in_flight", "workers") if n in cell.model.settings()]
    return int(max([1, *asked]))


def spoken(seconds: float) -> str:
    """Seconds as one says them: two digits, in the unit that suits them."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 3 * size:
            return f"{seconds / size:.0f} {unit}"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.{0 if seconds >= 10 * size else 1}f} {unit}"
    return f"{seconds * 1e6:.1f} µs"


class FirstRun:
    """Looks at the first serial run as its jobs are drawn: shows how far it is, keeps the budget.

    Raises UserError as soon as the budget cannot be enough for serial alone.
    """

    def __init__(
        self,
        name: str,
        jobs: int | None,
        budget: float | None,
        show: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        self.name = name
        self.jobs = jobs
        self.budget = budget
        self.show = show
        self.say = say
        self.began = time.perf_counter()
        self.shown = self.began
        self.told = False

    def noticed(self, jobs: Iterator[Any]) -> Iterator[Any]:
        """The jobs; as one is drawn, those before it are done."""
        self.began = self.shown = time.perf_counter()
        for done, job in enumerate(jobs):
            now = time.perf_counter()
            if now - self.shown >= SHOWN_EVERY:
                self.shown = now
                self.look(done, now - self.began)
            yield job

    def look(self, done: int, seconds: float) -> None:
        """Say and show what is known after so many jobs."""
        job = seconds / done if done else seconds
        whole = job * self.jobs if self.jobs else math.inf
        of = f" of {self.jobs:,}" if self.jobs else ""
        left = f", about {spoken(whole - seconds)} left of it" if self.jobs else ""
        self.show(f"{self.name}: the first serial run, job {done + 1:,}{of}{left}")
        if self.budget is not None and seconds > self.budget:
            fit = int(self.budget / job / 4)
            remedy = f"--jobs {fit} would be few enough" if fit > 1 else "it takes more seconds"
            raise UserError(
                f"--seconds {self.budget:g}: in that time serial did {done:,}{of} jobs of"
                f" {self.name}, and no other model any; {remedy}"
            )
        if not self.told and self.jobs and seconds > LONG:
            self.told = True
            self.say(
                f"{self.name}, {self.jobs:,} jobs of about {spoken(job)}: the first run, in serial,"
                f" takes about {spoken(whole)}; what all models take is said after it."
            )

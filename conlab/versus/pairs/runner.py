"""Runs the jobs of an open cell in a worker: all of them once, and chosen ones in rounds."""

import gc
import itertools
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from conlab.bench import costs, inputs
from conlab.bench.running import OpenCell
from conlab.errors import UserError
from conlab.versus.pairs import fingerprints, inventory
from conlab.versus.pairs.clock import TreeClock
from conlab.versus.pairs.witness import Where, below

MOST_RUNS = 1000  # of all jobs in a round
FEW_LETTERS = 40  # of a job that is named
FEW_JOBS = 8  # from which to see whether the jobs wait


class Runner:
    """Runs the jobs of an open cell, in rounds of several runs of all of them."""

    def __init__(self, open_cell: OpenCell, folder: str | None) -> None:
        self.open_cell = open_cell
        self.all_jobs = open_cell.jobs
        self.folder = Path(folder) if folder else None
        self.clock = TreeClock()
        self.taken: dict[int, Any] = {}  # jobs by their numbers
        self.text = ""

    def waiting_share(self) -> float:
        """The share of their time that a few jobs wait."""
        self.open_cell.jobs = lambda: itertools.islice(self.all_jobs(), FEW_JOBS)
        before = costs.own_seconds()
        self.open_cell.plain()
        return costs.waiting_since(before)

    def run_first(self) -> float:
        """The seconds that the first job takes, while all is cold."""
        self.open_cell.jobs = lambda: itertools.islice(self.all_jobs(), 1)
        self.empty_folder()
        began = time.perf_counter()
        self.open_cell.plain()
        return time.perf_counter() - began

    def inventory(
        self, most: int | None, limit: float, folders: list[str], packages: list[str]
    ) -> dict[str, Any]:
        """Run all jobs, or ``most``, or as many as begin within ``limit`` seconds, and tell all."""
        self.empty_folder()
        where = Where(below(folders), frozenset(packages))
        return asdict(inventory.take(self.open_cell, self.all_jobs, most, limit, where))

    def take(self, numbers: Iterable[int]) -> None:
        """Have the jobs of these numbers at hand, so that to draw them takes no time in a round."""
        wanted = set(numbers) - self.taken.keys()
        if wanted:
            drawn = enumerate(itertools.islice(self.all_jobs(), max(wanted) + 1))
            self.taken |= {number: job for number, job in drawn if number in wanted}
        if lacking := wanted - self.taken.keys():
            raise UserError(
                f"jobs() gave fewer jobs than before: there is no job {min(lacking) + 1}"
            )

    def choose(self, numbers: list[int] | None) -> None:
        """Let the next runs be of these jobs, or of all."""
        if numbers is None:
            self.open_cell.jobs = self.all_jobs
        else:
            self.take(numbers)
            jobs = [self.taken[number] for number in numbers]
            self.open_cell.jobs = lambda: iter(jobs)

    def size(self, numbers: list[int] | None, lasting: float, least: int) -> dict[str, Any]:
        """How many of the jobs, and how many runs of them, make a round ``lasting`` these seconds.

        No fewer than ``least``, or than there are.
        """
        count = len(numbers or ())
        asked = min(least, count)
        self.timed_run(numbers and numbers[:asked])  # cold
        seconds = self.timed_run(numbers and numbers[:asked])
        while numbers and seconds < lasting and asked < count:
            asked = min(count, max(2 * asked, 1))
            seconds = self.timed_run(numbers[:asked])
        size = asked
        if asked > least and seconds > lasting:
            size = min(asked, max(least, round(asked * lasting / seconds)))
            seconds *= size / asked
        return {
            "size": size,
            "runs": max(1, min(MOST_RUNS, round(lasting / max(seconds, 1e-9)))),
            "seconds": seconds,
        }

    def timed_run(self, numbers: list[int] | None) -> float:
        """The seconds of a run of these jobs."""
        self.choose(numbers)
        self.empty_folder()
        began = time.perf_counter()
        self.open_cell.plain()
        return time.perf_counter() - began

    def warm_up(self, rounds: list[tuple[list[int] | None, int]]) -> dict[str, Any]:
        """Untimed rounds, of which the first run is looked at closely; gives all their results."""
        texts = []
        for numbers, runs in rounds:
            self.choose(numbers)
            self.empty_folder()
            result, tally = self.open_cell.counting()
            texts.append(fingerprints.plain_text(result))
            if tally.unawaited:
                raise UserError("work() gave a coroutine that nobody awaited")
            for _ in range(runs - 1):
                self.empty_folder()
                self.open_cell.plain()
        self.text = "\n".join(texts)
        gc.collect()
        gc.freeze()  # what is there to stay: each round then collects in no time
        return {"digest": fingerprints.digest(self.text)}

    def round(self, numbers: list[int] | None, runs: int) -> dict[str, Any]:
        """The seconds and the CPU seconds of a round, and what its last run gave."""
        wall = cpu = 0.0
        result: Any = None
        self.choose(numbers)
        gc.collect()
        self.clock.look()
        for _ in range(runs):
            self.empty_folder()
            used = self.clock.seconds()
            began = time.perf_counter()
            result = self.open_cell.plain()
            wall += time.perf_counter() - began
            cpu += max(0.0, self.clock.seconds() - used)
        cpu += self.clock.look()
        self.text = fingerprints.plain_text(result)
        return {"wall": wall, "cpu": cpu, "digest": fingerprints.digest(self.text)}

    def described(self, numbers: list[int]) -> list[str]:
        """The jobs in a few letters each."""
        self.take(numbers)
        return [shortened(repr(self.taken[number])) for number in numbers]

    def shown(self, numbers: list[int] | None) -> str:
        """What the last run gave, or a run of these jobs."""
        if numbers is not None:
            self.choose(numbers)
            self.empty_folder()
            self.text = fingerprints.plain_text(self.open_cell.plain())
        return self.text[: fingerprints.LONGEST]

    def empty_folder(self) -> None:
        """Remove what the jobs have written."""
        if self.folder and self.folder.is_dir():
            inputs.empty(self.folder)


def shortened(text: str) -> str:
    """A text of a few letters."""
    return text if len(text) <= FEW_LETTERS else f"{text[: FEW_LETTERS - 1]}…"

"""All jobs of a cell, run once and more: what each gives, how long it takes, what it imports."""

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from conlab.bench.running import OpenCell, Tally, Timing, counted
from conlab.errors import UserError
from conlab.versus.pairs import fingerprints
from conlab.versus.pairs.witness import Modules, Told, Where, witnessed

DIGITS = 16  # of a result's digest: that two differ and look alike is one chance in 10 to the 19


@dataclass(slots=True)
class Inventory:
    """What a run of all jobs showed.

    ``seconds`` and ``digests`` are of the results as the model gave them, one for each job unless
    the workload hands several jobs to the model as one. ``jobs`` were drawn, of ``of``; ``whole``
    is the digest of what came of all of them.
    """

    jobs: int = 0
    of: int = 0
    seconds: list[float] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    whole: str = ""
    modules: Modules = field(default_factory=list)


def take(open_cell: OpenCell, jobs: Any, most: int | None, limit: float, where: Where) -> Inventory:
    """Run all jobs, or ``most``; after ``limit`` seconds, draw no more. Raises UserError.

    Where all jobs fail, or a job is no result but a coroutine, there is nothing to measure.
    """
    found, tally = Inventory(), Tally()
    failure = open_cell.cell.model.failure
    end = time.perf_counter() + limit
    source = iter(jobs())

    def drawn() -> Iterator[Any]:
        for number in itertools.count():
            if number == most or time.perf_counter() > end:
                return
            try:
                job = next(source)
            except StopIteration:
                return
            found.jobs += 1
            yield job

    def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
        for told in open_cell.run(witnessed(work, failure, where), counted(jobs, tally)):
            result = told
            seconds = 0.0
            if isinstance(told, Told):
                found.modules += told.modules
                result = told.timing
            if isinstance(result, Timing):
                result, seconds = result.result, result.seconds
            tally.see(result, failure.Failure)
            found.seconds.append(seconds)
            found.digests.append(short(result))
            yield result

    result = open_cell.cell.drive()(run, open_cell.cell.work(), drawn())
    refuse(tally, found)
    found.whole = short(result)
    found.modules += where.modules()
    found.of = found.jobs + (sum(1 for _ in source) if found.jobs != most else 0)
    return found


def refuse(tally: Tally, found: Inventory) -> None:
    """Raise UserError where nothing was done that could be measured."""
    if not found.jobs:
        raise UserError("jobs() gave no job; it should yield at least one")
    if tally.unawaited:
        raise UserError("work() gave a coroutine that nobody awaited")
    if tally.jobs and tally.failed == tally.jobs:
        first = tally.first_failure
        raise UserError(f"every job failed, the first with {first.type}: {first.message}")


def short(result: Any) -> str:
    """A result in a few digits."""
    return fingerprints.digest(fingerprints.plain_text(result))[:DIGITS]

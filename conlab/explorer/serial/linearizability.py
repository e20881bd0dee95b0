"""Explores all drivers of an object until one shows what no serial order of its calls does."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conlab.errors import UserError
from conlab.explorer.exploration import explore
from conlab.explorer.serial.check import SerialOrderFails, explore_serially
from conlab.explorer.serial.drivers import Driver, Operation, drivers
from conlab.explorer.verdict import Exploration

SHARE = 6  # of what is left of the time, one part in so many for one driver at most


@dataclass(frozen=True, slots=True)
class Linearizability:
    """What came of it: how many drivers there are and were explored, and the first that fails.

    ``unordered`` are those whose calls no serial order can make to the end, as where one waits for
    what nobody gives: nothing is said of them. ``unfinished`` have more schedules than were run.
    """

    name: str
    drivers: int
    explored: int
    unordered: int
    unfinished: int
    failing: Driver | None = None
    exploration: Exploration | None = None

    @property
    def exhausted(self) -> bool:
        """Whether every driver was explored, under every schedule."""
        return self.explored + self.unordered == self.drivers and not self.unfinished

    def __str__(self) -> str:
        """Say the verdict in one sentence."""
        if self.failing is not None:
            return f"{self.name} is not linearizable: {self.failing} {self.exploration}"
        aside = f"; {self.unordered} wait for ever in every serial order" if self.unordered else ""
        some = f"; {self.unfinished} have more schedules than were run" if self.unfinished else ""
        what = "equals that of a serial order of the same calls"
        if self.explored + self.unordered == self.drivers:
            return f"{self.name}: the outcome of all {self.explored} drivers {what}{aside}{some}"
        return (
            f"{self.name}: the outcome of {self.explored} drivers {what}; not explored, there are"
            f" {self.drivers - self.explored - self.unordered} more{aside}{some}"
        )


def check_linearizability(
    make: Callable[[], Any],
    name: str,
    operations: Sequence[Operation],
    *,
    stepped: Iterable[str | Path],
    seconds: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
    **options: Any,
) -> Linearizability:
    """Explore the drivers, those with the fewest calls first, for so many seconds at most.

    ``make`` makes the object; ``options`` are those of `conlab.explorer.explore`.
    """
    until = None if seconds is None else time.monotonic() + seconds
    files = list(stepped)
    looks = [each for each in operations if _waits_for_nobody(make, each, files)]
    known = list(drivers(make, operations, looks))
    explored = unordered = unfinished = 0
    for driver in known:
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:
            break
        try:
            verdict = explore_serially(
                explore,
                driver.program,
                serial=driver.serial,
                stepped=files,
                seconds=None if left is None else max(left / SHARE, 1.0),
                **options,
            )
        except SerialOrderFails:
            unordered += 1
            continue
        explored += 1
        progress(explored)
        if verdict.failing:
            if verdict.witness is not None:  # whose program is ours, and tells nobody anything
                witness = replace(verdict.witness, program=f"{name}: {driver}")
                verdict = replace(verdict, witness=witness)
            return Linearizability(
                name, len(known), explored, unordered, unfinished, driver, verdict
            )
        unfinished += not verdict.exhausted
    if not explored:
        raise UserError(
            f"{name}: no driver can make its calls to the end in any serial order: name operations"
            " that do not wait, or that end each other's waits"
        )
    return Linearizability(name, len(known), explored, unordered, unfinished)


def _waits_for_nobody(make: Callable[[], Any], operation: Operation, files: list[Any]) -> bool:
    """Whether a call comes to its end on an object that is new."""
    verdict = explore(
        lambda: operation.on(make()), stepped=files, reading="bytecode", schedules=1, count_on=0
    )
    return not verdict.failing

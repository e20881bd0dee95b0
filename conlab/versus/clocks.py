"""What is measured of a cell beside wall and CPU time: what a median over rounds does not see."""

import math
import statistics
from collections.abc import Sequence
from enum import StrEnum

from conlab.errors import UserError


class Clock(StrEnum):
    """A figure that both sides of a pair have, and that has a verdict of its own."""

    WALL = "wall"
    CPU = "cpu"
    MEMORY = "memory"
    FIRST = "first job"
    IMPORT = "import"
    TAIL = "tail"


DEFAULT = (Clock.WALL, Clock.CPU, Clock.MEMORY)
FRESH = {Clock.FIRST, Clock.IMPORT}  # of a process that has done nothing else
LEAST = {  # added to both sides' figures: a change of less than this is none
    Clock.MEMORY: 2**20,  # bytes
    Clock.FIRST: 0.0,
    Clock.IMPORT: 0.001,  # seconds
}
SHORT = {"first": Clock.FIRST, "first-job": Clock.FIRST}
TAIL = 0.95  # the share of rounds that are no longer than the one that is compared


def chosen(text: str | Sequence[str]) -> tuple[Clock, ...]:
    """The clocks that ``--clocks`` names; wall time is always one. Raises UserError."""
    names = text.split(",") if isinstance(text, str) else list(text)
    found = {Clock.WALL}
    for name in map(str.strip, names):
        if name == "all":
            found |= set(Clock)
            continue
        try:
            found.add(SHORT.get(name.lower()) or Clock(name.lower()))
        except ValueError:
            known = ", ".join(clock.replace(" ", "-") for clock in Clock)
            raise UserError(
                f"--clocks {','.join(names)}: {name!r} is none of {known}; all means all of them"
            ) from None
    return tuple(clock for clock in Clock if clock in found)


def log_of(clock: Clock, two: tuple[float, float]) -> float:
    """The logarithm of B's figure over A's."""
    least = LEAST.get(clock, 0.0)
    return math.log(max(two[1] + least, 1e-12) / max(two[0] + least, 1e-12))


def log_of_tail(
    rounds: tuple[Sequence[float], Sequence[float]], strata: Sequence[int] = ()
) -> float:
    """The logarithm of B's slow rounds over A's: of those than which one in twenty is slower.

    Rounds of several strata are each taken in proportion to what is usual for their stratum on both
    sides.
    """
    if strata:
        usual = {
            one: math.sqrt(
                math.prod(
                    statistics.median(
                        each for each, which in zip(side, strata, strict=True) if which == one
                    )
                    for side in rounds
                )
            )
            for one in set(strata)
        }
        one, two = (
            [each / usual[which] for each, which in zip(side, strata, strict=True)]
            for side in rounds
        )
        rounds = one, two
    slow = [sorted(each)[math.ceil(TAIL * len(each)) - 1] for each in rounds]
    return math.log(slow[1] / slow[0])

"""Plays whole comparisons over recorded pairs: the course and the rule of ``--versus`` itself.

Only the clock is another: it adds up what each pair took when it was measured. Runs follow one
another and share no pair; each goes on where the last one stopped.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

from conlab.versus import course
from conlab.versus.course import Course, Named
from conlab.versus.options import BUDGET
from conlab.versus.pairs import Pair
from conlab.versus.rule import Rule


class Compared(Named, Protocol):
    """What is compared, with its name."""

    @property
    def computes(self) -> bool:
        """Whether its jobs only compute."""
        ...


class Timed(Protocol):
    """A pair that was measured, and the seconds that this took."""

    @property
    def pair(self) -> Pair:
        """The pair."""
        ...

    @property
    def seconds(self) -> float:
        """What it took."""
        ...


C = TypeVar("C", bound=Compared)


class EndOfTape(Exception):
    """No further pair of a cell is recorded: the run that wanted it cannot be told."""


def runs(
    cells: Sequence[C], rule: Rule, pair: Callable[[C, int], Timed], budget: float = BUDGET
) -> Iterator[list[Course]]:
    """The runs over these cells, each ended by its verdicts or its budget.

    ``pair`` gives the pair of a cell with that number, 0 is the first, or raises EndOfTape; what
    it raises of CellAbsent and SideFailed befalls the cell for one run.
    """
    taken: Counter[C] = Counter()
    clock = 0.0

    def measure(cell: C) -> Pair:
        nonlocal clock
        recorded = pair(cell, taken[cell])
        taken[cell] += 1
        clock += recorded.seconds
        return recorded.pair

    with suppress(EndOfTape):
        while True:
            courses = [Course(cell, rule, computes=cell.computes) for cell in cells]
            course.run(courses, measure, budget, now=lambda: clock)
            yield courses


def tape(recorded: Mapping[C, Sequence[Timed]]) -> Callable[[C, int], Timed]:
    """What gives the recorded pairs by their numbers."""

    def pair(cell: C, number: int) -> Timed:
        try:
            return recorded[cell][number]
        except IndexError:
            raise EndOfTape from None

    return pair

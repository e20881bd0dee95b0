"""Plays whole comparisons over recorded pairs: the tests and the rule of ``--versus`` itself.

Only the clock is another: it adds up what each pair took when it was measured. Runs follow one
another and share no pair; each goes on where the last one stopped.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

from conlab.versus.options import BUDGET
from conlab.versus.pairs.measuring import Pair
from conlab.versus.rule import Rule
from conlab.versus.sequential_test import Named, SequentialTest, take_pairs


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


class RecordingExhausted(Exception):
    """No further pair of a cell is recorded: the run that wanted it cannot be told."""


def runs(
    cells: Sequence[C], rule: Rule, pair: Callable[[C, int], Timed], budget: float = BUDGET
) -> Iterator[list[SequentialTest]]:
    """The runs over these cells, each ended by its verdicts or its budget.

    ``pair`` gives the pair of a cell with that number, 0 is the first, or raises
    RecordingExhausted; what it raises of CellAbsent and SideFailed befalls the cell for one run.
    """
    taken: Counter[C] = Counter()
    clock = 0.0

    def measure(cell: C) -> Pair:
        nonlocal clock
        recorded = pair(cell, taken[cell])
        taken[cell] += 1
        clock += recorded.seconds
        return recorded.pair

    with suppress(RecordingExhausted):
        while True:
            tests = [SequentialTest(cell, rule, computes=cell.computes) for cell in cells]
            take_pairs(tests, measure, budget, now=lambda: clock)
            yield tests


def tape(recorded: Mapping[C, Sequence[Timed]]) -> Callable[[C, int], Timed]:
    """What gives the recorded pairs by their numbers."""

    def pair(cell: C, number: int) -> Timed:
        try:
            return recorded[cell][number]
        except IndexError:
            raise RecordingExhausted from None

    return pair

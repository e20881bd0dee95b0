"""A whole comparison of benchmarks: both trees prepared, every test measured in pairs."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conlab.errors import UserError
from conlab.versus.benchmark_tests.measuring import (
    MOST_SHARED,
    BenchmarkMeasurer,
    BenchmarkTest,
)
from conlab.versus.benchmark_tests.trees import Project, Trees, named_trees
from conlab.versus.comparison import Comparison, notes, sequential_tests
from conlab.versus.pairs.measuring import Pair
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.rule import Rule
from conlab.versus.sequential_test import SequentialTest, take_pairs

SECONDS_OF_A_PAIR = 2.0  # about what one takes whose test has processes of its own
SHOWN = 5  # names in a note


@dataclass(slots=True)
class BenchmarksComparison(Comparison):
    """What a comparison of benchmarks has found so far."""

    def count(self) -> str:
        """How many benchmarks are decided, and how many were left out, in words."""
        left_out = sum(bool(one.absent) and not one.is_new_or_gone for one in self.tests)
        return Comparison.count(self) + (f", {left_out} left out" if left_out else "")

    def run_tests(
        self, tests: Sequence[BenchmarkTest], project: Project, options: Mapping[str, Any],
        tell: Callable[[SequentialTest], None], say: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Compare the tests. Raises UserError.

        ``options`` are those of the reader's pytest; ``tell`` and ``say`` as in ``run``.
        """
        asked = self.options
        with named_trees(asked.text, project, say, asked.install) as trees:
            try:
                say(f"Running each of {len(tests)} benchmarks once")
                with BenchmarkMeasurer(
                    trees, tests, options, asked.seed, asked.clocks, self.together(len(tests))
                ) as measurer:
                    self.surveys = measurer.surveys
                    self.notes = [*notes(measurer.surveys), *notes_on(trees, tests, measurer)]
                    self.gone = trees.gone()
                    self.tests = sequential_tests(tests, measurer, asked)
                    take = take_pairs if measurer.together == 1 else take_sweeps
                    take(self.tests, measurer.pair, asked.budget, tell)
            except SideFailed as failure:
                raise UserError(str(failure)) from None
        if all(one.absent and not one.is_new_or_gone for one in self.tests):
            raise UserError(
                f"--versus {asked.text}: there is no benchmark to compare:"
                f" {self.tests[0].cell.id}: {self.tests[0].absent}"
            )

    def together(self, tests: int) -> int:
        """How many tests share a process: one, unless that would take longer than there is time."""
        rule = Rule(self.options.alpha, tests, self.options.matters, len(self.options.clocks))
        alone = next(rule.looks()) * tests * SECONDS_OF_A_PAIR
        return 1 if alone <= self.options.budget else min(tests, MOST_SHARED)


def take_sweeps(
    tests: Sequence[SequentialTest],
    measure: Callable[[Any], Pair],
    budget: float,
    progress: Callable[[SequentialTest], None],
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Add a pair to each test in turn, until each has its verdict or the budget is spent.

    So the tests that share a process are all measured in it before the next one is started, which
    takes longer than to measure one of them.
    """
    until = now() + budget
    while open_ones := [test for test in tests if not test.is_over]:
        for test in open_ones:
            if now() >= until:
                return
            test.measure(measure, now)
            progress(test)


def notes_on(
    trees: Trees, tests: Sequence[BenchmarkTest], measurer: BenchmarkMeasurer
) -> list[str]:
    """What a reader of the verdicts should know of the tests' own texts."""
    old, new = (side.name for side in trees.sides)
    found = []
    if trees.sides[0].root != trees.sides[1].root:
        changed = [test.id for test in tests if trees.changed(test.id, test.file)]
        if changed:
            found.append(
                f"the text of {named(changed)} is another than in {old}: both sides ran that of"
                f" {new}"
            )
    found += [
        f"{file.as_posix()} of {new} cannot be imported in {old}, which ran its own text of it"
        for file in sorted(trees.put_back)
    ]
    if measurer.together > 1:
        found.append(
            f"up to {measurer.together} benchmarks shared a process, for the budget: memory is"
            " counted above what those before had left"
        )
    return found


def named(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown

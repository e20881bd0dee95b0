"""A whole comparison: both sides prepared, every cell measured in pairs, the verdicts kept."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from conlab.bench.discovery import Cell
from conlab.bench.running import CellAbsent
from conlab.bench.settings import Settings, python_build, usable_cores
from conlab.errors import UserError
from conlab.versus.clocks import Clock
from conlab.versus.options import Options
from conlab.versus.pairs import planning
from conlab.versus.pairs.measuring import Measurer, Pair
from conlab.versus.pairs.survey import Survey, differing_libraries, gone
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.rule import Rule, Verdict
from conlab.versus.sequential_test import Named, SequentialTest, figures, take_pairs
from conlab.versus.sides.naming import named
from conlab.versus.sides.side import about_pointers

LEAST = 0.001  # seconds that are left in any case, so that a pair begins
ROOM = 1.2  # times what the first looks take: the budget that is advised


@dataclass(slots=True)
class Comparison:
    """What a comparison has found so far."""

    options: Options
    tests: list[SequentialTest] = field(default_factory=list)
    surveys: tuple[Survey, Survey] | None = None
    notes: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def run(
        self,
        cells: Sequence[Cell],
        settings: Settings,
        tell: Callable[[SequentialTest], None],
        say: Callable[[str], None],
    ) -> None:
        """Compare the cells. Raises UserError.

        ``tell`` is called after each pair, ``say`` before what takes long without one.
        """
        asked = self.options
        with named(asked.text, settings, say, install=asked.install) as sides:
            try:
                with Measurer(sides, settings, asked.seed, asked.clocks) as measurer:
                    self.surveys = measurer.surveys
                    self.notes = notes(measurer.surveys)
                    self.gone = [*gone(measurer.surveys), *sides[1].gone]
                    self.tests = sequential_tests(cells, measurer, asked)
                    began = time.monotonic()
                    self.notes += prepare(self.tests, measurer, asked.budget, say)
                    left = max(LEAST, asked.budget - (time.monotonic() - began))
                    warned = TooShort(self.tests, asked.budget, left, say)

                    def told(test: SequentialTest) -> None:
                        warned.look()
                        tell(test)

                    take_pairs(self.tests, self.measured_by(measurer), left, told)
            except SideFailed as failure:
                raise UserError(str(failure)) from None
        self.name_causes()
        if all(one.absent and not one.is_new_or_gone for one in self.tests):
            raise UserError(
                f"--versus {asked.text}: there is no cell to compare:"
                f" {self.tests[0].cell.id}: {self.tests[0].absent}"
            )

    def measured_by(self, measurer: Measurer) -> Callable[[Any], Pair]:
        """What measures a pair of a cell, and keeps count of the jobs that were measured."""
        tests = {test.cell.id: test for test in self.tests}

        def measure(cell: Cell) -> Pair:
            pair = measurer.pair(cell)
            plan, test = measurer.plans[cell.id], tests[cell.id]
            test.jobs = plan.measured(len(test.pairs) + 1), plan.of
            return pair

        return measure

    def name_causes(self) -> None:
        """Say with each failure what is known to be the matter with the side that failed."""
        for survey in self.surveys or ():
            side = survey.side
            for one in self.tests:
                if side.pointers and one.failure and side.name in one.failure:
                    one.failure += f" ({about_pointers(side.pointers)})"

    @property
    def compared(self) -> list[SequentialTest]:
        """The tests of the cells that there are on both sides."""
        return [one for one in self.tests if not one.absent]

    @property
    def decided(self) -> int:
        """Of how many cells there is a verdict."""
        return sum(one.verdict is not Verdict.UNSURE for one in self.compared if not one.failure)

    def count(self) -> str:
        """How many cells are decided, in words."""
        of = len(self.compared)
        words = [str(one.absent).partition(":")[0] for one in self.tests if one.is_new_or_gone]
        failed = ["failed" for one in self.tests if one.failure]
        counts = Counter([*failed, *words, *("gone" for _ in self.gone)])
        more = "".join(f", {count} {word}" for word, count in sorted(counts.items()))
        return f"{self.decided} of {of} {'cell' if of == 1 else 'cells'} decided{more}"

    def failures(self) -> dict[str, str]:
        """What is wrong with each cell with which something is, in a sentence."""
        found = {}
        for one in self.tests:
            if one.failure:
                found[one.cell.id] = one.failure
            elif one.absent:
                continue
            elif one.verdict is Verdict.SLOWER:
                found[one.cell.id] = what_got_slower(one)
            elif one.verdict is Verdict.UNSURE and self.options.fail_on_cannot_tell:
                found[one.cell.id] = f"{one.cell.id}: cannot tell, and --fail-on-cannot-tell"
        return found

    def figures(self) -> dict[str, Any]:
        """All that was measured, as plain data."""
        return {
            "versus": self.options.text,
            "seed": self.options.seed,
            "alpha": self.options.alpha,
            "matters": self.options.matters,
            "budget_seconds": self.options.budget,
            "python": python_build(),
            "usable_cores": usable_cores(),
            "sides": [
                {
                    "name": survey.side.name,
                    "python": survey.python,
                    "gil": survey.gil,
                    "libraries": survey.libraries,
                    "notes": survey.side.notes,
                }
                for survey in self.surveys or ()
            ],
            "cells": [figures(one) for one in self.tests],
            "gone": self.gone,
            "decided": self.decided,
        }


class TooShort:
    """Says once, as soon as first pairs show it, that the budget has no room for first looks."""

    def __init__(
        self,
        tests: Sequence[SequentialTest],
        budget: float,
        left: float,
        say: Callable[[str], None],
    ) -> None:
        self.tests = tests
        self.spent = budget - left  # seconds, before the first pair
        self.left = left
        self.say = say
        self.said = False

    def look(self) -> None:
        """See whether the first looks fit in, of the cells of which there is a pair."""
        if self.said:
            return
        compared = [one for one in self.tests if not (one.absent or one.failure)]
        needed = [one.first_look * one.seconds_of_a_pair for one in compared if one.pairs]
        if sum(needed) > self.left:
            self.said = True
            none = len(needed) == len(compared) and min(needed) > self.left
            advised = math.ceil(self.spent + sum(needed) * len(compared) / len(needed) * ROOM)
            self.say(
                f"The budget is too short for {'any' if none else 'every'} verdict: a first look"
                f" takes {compared[0].first_look} pairs or more, a pair"
                f" {median(one.seconds_of_a_pair for one in compared if one.pairs):.1f} s, and"
                f" {self.left:.0f} s are left for {len(compared)}"
                f" {'cell' if len(compared) == 1 else 'cells'};"
                f" --budget {advised} would do, or fewer cells"
            )


def prepare(
    tests: Sequence[SequentialTest],
    measurer: Measurer,
    budget: float,
    say: Callable[[str], None],
) -> list[str]:
    """Take the inventory of each cell, until the budget is spent; give what is to be noted of it.

    About half of the budget may go there, to each cell an equal share: the rest is for pairs.
    """
    began = time.monotonic()
    found = []
    cells = sum(not (one.absent or one.failure) for one in tests)
    measurer.limit = min(planning.LIMIT, budget / 4 / max(1, cells))
    for test in tests:
        if test.absent or test.failure:
            continue
        if time.monotonic() - began > budget:
            break
        say(f"{test.cell.id}: running all jobs, once on each side")
        try:
            plan = measurer.prepare(test.cell)  # type: ignore[arg-type]  # it is a Cell here
        except CellAbsent as reason:
            test.absent = str(reason)
        except SideFailed as failure:
            test.failure = str(failure)
        else:
            test.names = plan.names
            test.jobs = 0, plan.of
            if plan.jobs < plan.of:
                found.append(
                    f"{test.cell.id}: {plan.jobs} of {plan.of} jobs were run and their results"
                    f" compared, in {measurer.limit:.0f} s on each side; a longer --budget or fewer"
                    " cells leave time for more"
                )
    return found


def sequential_tests(
    cells: Sequence[Named], measurer: Any, options: Options
) -> list[SequentialTest]:
    """A test for each cell; those that can be compared share the rate of false alarms.

    The ``measurer`` says of each why it is absent, and whether it only computes.
    """
    known: dict[str, dict[str, Any]] = {}
    for cell in cells:
        try:
            absent = measurer.absent(cell)
            known[cell.id] = {"absent": absent} if absent else {"computes": measurer.computes(cell)}
        except SideFailed as failure:
            known[cell.id] = {"failure": str(failure)}
    compared = sum("computes" in known[cell.id] for cell in cells)
    rule = Rule(options.alpha, max(1, compared), options.matters)
    return [
        SequentialTest(
            cell,
            rule,
            **known[cell.id],
            clocks=options.clocks,
            matters=options.matters_of(cell.id),
        )
        for cell in cells
    ]


BY = {
    Clock.WALL: "got slower: {}",
    Clock.CPU: "got slower: {} by CPU time",
    Clock.MEMORY: "takes more memory: {}",
    Clock.FIRST: "got slower: {} in its first job",
    Clock.IMPORT: "got slower: {} to import",
    Clock.TAIL: "got slower: {} in its slow rounds",
}


def what_got_slower(test: SequentialTest) -> str:
    """By which clocks, and by how much, in a sentence."""
    said = []
    slower = test.slower_by
    for clock in slower:
        if clock is Clock.CPU and Clock.WALL in slower:
            continue  # it says the same
        judged = test.by_clock[clock]
        figures = f"{judged.estimate:+.1%} ({judged.low:+.1%} to {judged.high:+.1%})"
        said.append(BY[clock].format(figures))
    return f"{test.cell.id} {'; '.join(said)}" + (f" in {test.kind}" if test.kind else "")


def notes(surveys: tuple[Survey, Survey]) -> list[str]:
    """What a reader of the verdicts should know of the sides."""
    one, two = surveys
    found = [f"{survey.side.name}: {note}" for survey in surveys for note in survey.side.notes]
    if one.python != two.python:
        found.append(f"{one.side.name} is {one.python}, {two.side.name} is {two.python}")
    if differing := differing_libraries(surveys):
        found.append(f"libraries that differ: {', '.join(differing)}")
    return found

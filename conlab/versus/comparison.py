"""A whole comparison: both sides prepared, every cell measured in pairs, the verdicts kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from conlab.bench.discovery import Cell
from conlab.bench.settings import Settings, python_build, usable_cores
from conlab.errors import UserError
from conlab.versus.clocks import Clock
from conlab.versus.options import Options
from conlab.versus.pairs.measuring import Measurer
from conlab.versus.pairs.survey import Survey, differing_libraries
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.rule import Rule, Verdict
from conlab.versus.sequential_test import SequentialTest, figures, take_pairs
from conlab.versus.sides.naming import named


@dataclass(slots=True)
class Comparison:
    """What a comparison has found so far."""

    options: Options
    tests: list[SequentialTest] = field(default_factory=list)
    surveys: tuple[Survey, Survey] | None = None
    notes: list[str] = field(default_factory=list)

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
        with named(self.options.text, settings, say) as sides:
            try:
                with Measurer(sides, settings, self.options.seed, self.options.clocks) as measurer:
                    self.surveys = measurer.surveys
                    self.notes = notes(measurer.surveys)
                    self.tests = sequential_tests(cells, measurer, self.options)
                    take_pairs(self.tests, measurer.pair, self.options.budget, tell)
            except SideFailed as failure:
                raise UserError(str(failure)) from None
        if all(one.absent for one in self.tests):
            raise UserError(
                f"--versus {self.options.text}: there is no cell to compare:"
                f" {self.tests[0].cell.id}: {self.tests[0].absent}"
            )

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
        }


def sequential_tests(
    cells: Sequence[Cell], measurer: Measurer, options: Options
) -> list[SequentialTest]:
    """A test for each cell; those that can be compared share the rate of false alarms."""
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
    return f"{test.cell.id} {'; '.join(said)}"


def notes(surveys: tuple[Survey, Survey]) -> list[str]:
    """What a reader of the verdicts should know of the sides."""
    one, two = surveys
    found = [f"{survey.side.name}: {note}" for survey in surveys for note in survey.side.notes]
    if one.python != two.python:
        found.append(f"{one.side.name} is {one.python}, {two.side.name} is {two.python}")
    if differing := differing_libraries(surveys):
        found.append(f"libraries that differ: {', '.join(differing)}")
    return found

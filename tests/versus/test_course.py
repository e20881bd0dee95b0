"""Which cell gets the next pair, and when a comparison ends: pairs and a clock made by hand."""

import math
from collections.abc import Callable

import pytest

from conlab.bench.discovery import Cell
from conlab.bench.running import CellAbsent
from conlab.versus.course import Course, most_undecided, run
from conlab.versus.pairs import Pair
from conlab.versus.rule import Judgement, Rule, Verdict
from conlab.versus.talking import SideFailed
from tests.bench.made import cell

LOOKS = [4, 8, 16]
SECOND = 1.0


class Made(Rule):
    """A rule with looks of its own that decides when told to, by the change of the last pair."""

    def looks(self) -> "iter[int]":  # type: ignore[valid-type]
        return iter(LOOKS)

    def judge(self, log_ratios: "list[float]") -> Judgement:  # type: ignore[override]
        assert len(log_ratios) in LOOKS
        change = math.expm1(log_ratios[-1])
        verdict = Verdict.SLOWER if change > 0.5 else Verdict.UNSURE
        return Judgement(verdict, change, -abs(change), abs(change), len(log_ratios), 99)


RULE = Made(0.01, 1, 0.05)


def pair(change: float, cpu: float = 1.0) -> Pair:
    """A pair of which B took so much longer."""
    return Pair("a-serial", ((1.0,), (1 + change,)), ((cpu,), (cpu,)), 0)


class Machine:
    """Stands in for the measurer and the clock."""

    def __init__(self, changes: dict[str, float], seconds: float = SECOND) -> None:
        self.changes = changes
        self.seconds = seconds
        self.now = 0.0
        self.order: list[str] = []

    def measure(self, cell: Cell) -> Pair:
        """A pair, as it was told; it takes a second."""
        self.order.append(cell.workload.name)
        self.now += self.seconds
        return pair(self.changes[cell.workload.name])


def compared(machine: Machine, budget: float) -> dict[str, Course]:
    """The courses of the machine's cells after a comparison."""
    courses = [Course(cell("serial", name), RULE) for name in machine.changes]
    run(courses, machine.measure, budget, now=lambda: machine.now)
    return {course.cell.workload.name: course for course in courses}


def test_the_cells_take_turns_until_their_first_look() -> None:
    machine = Machine({"a": 0.1, "b": 0.1, "c": 0.1})
    compared(machine, 12)
    assert machine.order == ["a", "b", "c"] * 4


def test_then_the_widest_interval_comes_first() -> None:
    machine = Machine({"a": 0.1, "b": 0.3, "c": 0.2})
    compared(machine, 20)
    assert machine.order[12:] == [*"bbbbb", *"ccc"]


def test_a_wild_cell_gets_no_more_than_twice_what_another_has_got() -> None:
    machine = Machine({"a": 0.1, "b": 0.4, "c": 0.2})
    for budget in range(12, 40):
        courses = compared(machine, budget)
        pairs = sorted(len(course.pairs) for course in courses.values())
        assert pairs[-1] <= 2 * pairs[0] + 1
        machine.now = 0.0


def test_a_decided_cell_gets_no_more() -> None:
    machine = Machine({"a": 0.9, "b": 0.1})
    courses = compared(machine, 12)
    assert courses["a"].verdict is Verdict.SLOWER
    assert machine.order.count("a") == 4
    assert machine.order.count("b") == 8


def test_pairs_are_judged_at_the_looks_alone() -> None:
    course = Course(cell("serial"), RULE)
    judged = []
    for _ in range(16):
        course.add(pair(0.1), SECOND)
        judged.append(course.wall.pairs if course.wall else 0)
    assert judged == [0] * 3 + [4] * 4 + [8] * 8 + [16]
    assert course.is_over  # after the last look, more pairs are of no use


def test_the_budget_is_kept() -> None:
    machine = Machine({"a": 0.1, "b": 0.1})
    compared(machine, 9.5)
    assert machine.now == 9


def test_no_pair_begins_that_would_not_end_in_time() -> None:
    machine = Machine({"a": 0.1}, seconds=4.0)
    compared(machine, 10)
    assert machine.now == 8


@pytest.mark.parametrize(
    ("error", "kept"),
    [(CellAbsent("no such library"), "absent"), (SideFailed("v1: it raised"), "failure")],
)
def test_a_cell_that_cannot_be_measured_holds_up_no_other(error: Exception, kept: str) -> None:
    machine = Machine({"a": 0.1, "b": 0.1})

    def measure(cell: Cell) -> Pair:
        if cell.workload.name == "a":
            raise error
        return machine.measure(cell)

    courses = [Course(cell("serial", name), RULE) for name in "ab"]
    run(courses, measure, 5, now=lambda: machine.now)
    assert getattr(courses[0], kept) == str(error)
    assert courses[0].is_over
    assert machine.order == ["b"] * 5


def test_what_a_pair_could_not_tell_of_cpu_time_is_not_judged() -> None:
    course = Course(cell("serial"), RULE)
    for cpu in (1.0, 0.0, 1.0, 1.0):
        course.add(pair(0.1, cpu), SECOND)
    assert course.wall is not None
    assert course.cpu is None


def test_every_pair_is_told() -> None:
    told: list[int] = []
    machine = Machine({"a": 0.1})
    courses = [Course(cell("serial", "a"), RULE)]
    tell: Callable[[Course], None] = lambda course: told.append(len(course.pairs))  # noqa: E731
    run(courses, machine.measure, 3, tell, now=lambda: machine.now)
    assert told == [1, 2, 3]


def test_nothing_is_left_to_do_without_cells() -> None:
    assert most_undecided([], 10) is None

"""Which cell gets the next pair, and when a comparison ends: pairs and a clock made by hand."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from conlab.bench.discovery import Cell
from conlab.bench.running import CellAbsent
from conlab.versus.clocks import Clock
from conlab.versus.pairs.measuring import Pair
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.rule import Judgement, Rule, Verdict
from conlab.versus.sequential_test import SequentialTest, figures, most_undecided, take_pairs
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


class Telling(Made):
    """The same, with verdicts of every kind: under a tenth of a change is none."""

    def judge(self, log_ratios: "list[float]") -> Judgement:  # type: ignore[override]
        made = super().judge(log_ratios)
        verdict = made.verdict
        if abs(made.estimate) < 0.1 or made.estimate < self.matters > 0.5:
            verdict = Verdict.SAME
        elif made.estimate < -0.5:
            verdict = Verdict.FASTER
        return replace(made, verdict=verdict)


TELLING = Telling(0.01, 1, 0.05)


def pair(change: float, cpu: float = 1.0, cpu_change: float = 0.0) -> Pair:
    """A pair of which B took so much longer, and computed so much longer."""
    return Pair("a-serial", ((1.0,), (1 + change,)), ((cpu,), (cpu * (1 + cpu_change),)), 0)


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


def compared(machine: Machine, budget: float) -> dict[str, SequentialTest]:
    """The tests of the machine's cells after a comparison."""
    tests = [SequentialTest(cell("serial", name), RULE) for name in machine.changes]
    take_pairs(tests, machine.measure, budget, now=lambda: machine.now)
    return dict(zip(machine.changes, tests, strict=True))


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
        tests = compared(machine, budget)
        pairs = sorted(len(test.pairs) for test in tests.values())
        assert pairs[-1] <= 2 * pairs[0] + 1
        machine.now = 0.0


def test_a_decided_cell_gets_no_more() -> None:
    machine = Machine({"a": 0.9, "b": 0.1})
    tests = compared(machine, 12)
    assert tests["a"].verdict is Verdict.SLOWER
    assert machine.order.count("a") == 4
    assert machine.order.count("b") == 8


def test_pairs_are_judged_at_the_looks_alone() -> None:
    test = SequentialTest(cell("serial"), RULE)
    judged = []
    for _ in range(16):
        test.add(pair(0.1), SECOND)
        judged.append(test.wall.pairs if test.wall else 0)
    assert judged == [0] * 3 + [4] * 4 + [8] * 8 + [16]
    assert test.is_over  # after the last look, more pairs are of no use


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

    tests = [SequentialTest(cell("serial", name), RULE) for name in "ab"]
    take_pairs(tests, measure, 5, now=lambda: machine.now)
    assert getattr(tests[0], kept) == str(error)
    assert tests[0].is_over
    assert machine.order == ["b"] * 5


def test_what_a_pair_could_not_tell_of_cpu_time_is_not_judged() -> None:
    test = SequentialTest(cell("serial"), RULE)
    for cpu in (1.0, 0.0, 1.0, 1.0):
        test.add(pair(0.1, cpu), SECOND)
    assert test.wall is not None
    assert test.cpu is None


@pytest.mark.parametrize("computes", [True, False])
@pytest.mark.parametrize(
    ("change", "cpu_change", "verdict", "slower_by"),
    [
        pytest.param(0.4, 0.6, Verdict.SLOWER, [Clock.CPU], id="wall time cannot tell"),
        pytest.param(0.8, 0.6, Verdict.SLOWER, [Clock.WALL, Clock.CPU], id="both tell"),
        pytest.param(0.4, 0.3, Verdict.UNSURE, [], id="neither tells"),
        pytest.param(-0.6, 0.6, Verdict.FASTER, [], id="more cores, less time"),
    ],
)
def test_each_clock_has_a_verdict_and_any_slower_one_is_the_cells(
    computes: bool, change: float, cpu_change: float, verdict: Verdict, slower_by: list[Clock]
) -> None:
    test = SequentialTest(cell("serial"), TELLING, computes=computes)
    for _ in range(4):
        test.add(pair(change, cpu_change=cpu_change), SECOND)
    assert (test.verdict, test.slower_by) == (verdict, slower_by)
    assert test.by_cpu is (slower_by == [Clock.CPU])


def with_memory(change: float, used: float) -> Pair:
    """A pair of which B took that much more memory, in MiB of A."""
    one = pair(change)
    return replace(one, figures={Clock.MEMORY: (used * 2**20, used * 2**20 * 1.6)})


@pytest.mark.parametrize(
    ("used", "verdict"), [(10.0, Verdict.SLOWER), (0.01, Verdict.SAME)], ids=["much", "a few KiB"]
)
def test_memory_raises_the_alarm_where_no_time_does(used: float, verdict: Verdict) -> None:
    clocks = (Clock.WALL, Clock.CPU, Clock.MEMORY)
    test = SequentialTest(cell("serial"), TELLING, clocks=clocks)
    for _ in range(4):
        test.add(with_memory(0.0, used), SECOND)
    assert test.verdict is verdict
    assert test.others[Clock.MEMORY].verdict is verdict
    assert test.slower_by == ([Clock.MEMORY] if verdict is Verdict.SLOWER else [])


def test_a_cell_goes_on_until_the_clocks_that_were_asked_for_are_decided() -> None:
    clocks = (Clock.WALL, Clock.FIRST)
    test = SequentialTest(cell("serial"), TELLING, clocks=clocks)
    for number in range(4):
        assert not test.is_over
        unsteady_first = (1.0, 1.4) if number % 2 else (1.4, 1.0)
        test.add(replace(pair(0.0), figures={Clock.FIRST: unsteady_first}), SECOND)
    assert test.verdict is Verdict.SAME
    assert test.others[Clock.FIRST].verdict is Verdict.UNSURE
    assert not test.is_over


def test_what_matters_may_be_another_for_a_clock() -> None:
    test = SequentialTest(cell("serial"), TELLING, matters={Clock.CPU: 0.9})
    for _ in range(4):
        test.add(pair(0.0, cpu_change=0.8), SECOND)
    assert test.verdict is Verdict.SAME
    assert test.slower_by == []


def unsteady(number: int) -> float:
    """A wall time that says nothing: half as long again, then shorter by as much."""
    return (0.5, -1 / 3)[number % 2]


@pytest.mark.parametrize("computes", [True, False])
def test_fewer_cpu_seconds_tell_of_jobs_that_compute_where_wall_time_cannot(computes: bool) -> None:
    rule = Rule(0.01, 6, 0.05)
    test = SequentialTest(cell("serial"), rule, computes=computes)
    for number in range(test.looks[0]):
        assert not test.is_over
        test.add(pair(unsteady(number), cpu_change=-0.1 - number / 1000), SECOND)
    assert test.wall is not None
    assert test.wall.verdict is Verdict.UNSURE
    assert test.cpu is not None
    assert test.cpu.verdict is Verdict.FASTER
    assert test.by_cpu is test.is_over is computes
    assert test.verdict is (Verdict.FASTER if computes else Verdict.UNSURE)
    assert test.decisive is (test.cpu if computes else test.wall)
    assert figures(test)["by_cpu"] is computes
    assert figures(test)["cpu"]["verdict"] is Verdict.FASTER


def test_two_clocks_share_what_the_cell_may_be_wrong() -> None:
    rule = Rule(0.01, 6, 0.05)
    both = SequentialTest(cell("serial"), rule).rule
    assert SequentialTest(cell("serial"), rule, clocks=(Clock.WALL,)).rule == rule
    assert [2 * both.allowance(look) for look in range(9)] == pytest.approx(
        [rule.allowance(look) for look in range(9)]
    )


def of_kinds(*changes: float, together: float | None = None) -> Pair:
    """A pair of as many strata, B so much longer in each; or of a pool, where all run together."""
    all_changes = [*changes, *([] if together is None else [together])]
    rounds = tuple(1.0 for _ in all_changes), tuple(1 + change for change in all_changes)
    shares = tuple(1 / len(changes) for _ in changes)
    if together is not None:
        shares = (*(0.0 for _ in changes), 1.0)
    return Pair("a-serial", rounds, rounds, 0, tuple(range(len(all_changes))), shares)


def after(*pairs: Pair) -> SequentialTest:
    test = SequentialTest(cell("serial"), SHARED, names=("job 1", "job 2"))
    for one in pairs:
        test.add(one, SECOND)
    return test


SHARED = Rule(0.01, 1, 0.05)
ENOUGH = 30  # pairs for a look or more


def steadily(*changes: float, together: float | None = None) -> SequentialTest:
    """After pairs that differ by next to nothing from these changes."""
    pairs = []
    for number in range(ENOUGH):
        little = (number % 5 - 2) / 1000
        moved = None if together is None else together + little
        pairs.append(of_kinds(*(change + little for change in changes), together=moved))
    return after(*pairs)


@pytest.mark.parametrize(
    ("changes", "together", "verdict"),
    [
        ((0.0, 0.0), None, Verdict.SAME),
        ((0.3, 0.3), None, Verdict.SLOWER),
        ((0.0, 0.1), None, Verdict.SLOWER),
        ((-0.3, 0.1), None, Verdict.SLOWER),
        ((-0.3, -0.2), None, Verdict.FASTER),
        ((-0.3, 0.0), None, Verdict.FASTER),
        ((0.0, 0.0), 0.3, Verdict.SLOWER),
        ((0.0, 0.0), -0.3, Verdict.FASTER),
        ((0.0, 0.0), 0.0, Verdict.SAME),
    ],
)
def test_a_cell_is_slower_if_any_kind_is_and_unchanged_only_if_all_are(
    changes: tuple[float, ...], together: float | None, verdict: Verdict
) -> None:
    assert steadily(*changes, together=together).verdict is verdict


def test_a_cell_is_not_called_faster_while_a_kind_may_have_become_slower() -> None:
    pairs = [of_kinds(-0.3, (0.5, -1 / 3)[number % 2]) for number in range(ENOUGH)]
    test = after(*pairs)
    assert test.strata[0].verdict is Verdict.FASTER
    assert test.strata[1].verdict is Verdict.UNSURE
    assert test.verdict is Verdict.UNSURE
    assert not test.is_over


def test_the_kind_that_moved_is_named_and_its_change_is_the_cell_s() -> None:
    test = steadily(0.0, 0.1)
    assert test.kind == "job 2"
    assert test.decisive is not None
    assert test.decisive.estimate == pytest.approx(0.1, abs=0.01)
    assert set(test.moved) == {1}
    assert not test.all_alike
    everyone = steadily(0.3, 0.3)
    assert everyone.kind is None
    assert everyone.all_alike


def test_all_strata_and_the_whole_share_what_the_cell_may_be_wrong() -> None:
    by_two = replace(SHARED, clocks=2)
    test = after(of_kinds(0.0, 0.0, 0.0))
    assert test.rule.strata == 4
    assert [4 * test.rule.allowance(look) for look in range(9)] == pytest.approx(
        [by_two.allowance(look) for look in range(9)]
    )
    assert test.looks == list(test.rule.looks())
    assert after(pair(0.0)).rule == by_two


def test_before_the_first_look_there_is_an_estimate_without_an_interval() -> None:
    test = after(pair(0.1), pair(-0.1), pair(0.3))
    assert test.provisional is not None
    estimate, slower = test.provisional
    assert estimate == pytest.approx(0.1, abs=0.03)
    assert slower == 2
    assert figures(test)["provisional"] == {"estimate": estimate, "slower_pairs": 2}
    assert after().provisional is None


def test_every_stratum_is_in_the_figures() -> None:
    found = figures(steadily(0.0, 0.1))["strata"]
    assert [one["name"] for one in found] == ["job 1", "job 2"]
    assert [one["verdict"] for one in found] == [Verdict.SAME, Verdict.SLOWER]


def test_every_pair_is_told() -> None:
    told: list[int] = []
    machine = Machine({"a": 0.1})
    tests = [SequentialTest(cell("serial", "a"), RULE)]
    progress: Callable[[SequentialTest], None] = lambda test: told.append(len(test.pairs))  # noqa: E731
    take_pairs(tests, machine.measure, 3, progress, now=lambda: machine.now)
    assert told == [1, 2, 3]


def test_nothing_is_left_to_do_without_cells() -> None:
    assert most_undecided([], 10) is None

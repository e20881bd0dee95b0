"""How benchmarks that share a process take turns, and how many do."""

from typing import Any

import pytest

from conlab.bench.running import CellAbsent
from conlab.versus.benchmark_tests.comparison import BenchmarksComparison, named, take_sweeps
from conlab.versus.clocks import DEFAULT
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.sequential_test import SequentialTest
from tests.bench.made import cell
from tests.versus.test_report import comparison
from tests.versus.test_sequential_test import RULE, pair


class Machine:
    """Stands in for the measurer and the clock: a pair takes a second."""

    def __init__(self, changes: dict[str, Any]) -> None:
        self.changes = changes
        self.order: list[str] = []
        self.now = 0.0

    def measure(self, measured: Any) -> Any:
        name = measured.workload.name
        self.order.append(name)
        self.now += 1
        if isinstance(change := self.changes[name], Exception):
            raise change
        return pair(change)

    def swept(self, budget: float) -> dict[str, SequentialTest]:
        tests = [SequentialTest(cell("serial", name), RULE) for name in self.changes]
        take_sweeps(tests, self.measure, budget, lambda _: None, now=lambda: self.now)
        return dict(zip(self.changes, tests, strict=True))


def test_each_gets_a_pair_in_each_sweep_until_it_is_decided() -> None:
    machine = Machine({"a": 0.9, "b": 0.1, "c": 0.1})
    machine.swept(16)
    assert machine.order == [*"abc" * 4, *"bc" * 2]


def test_what_fails_or_is_absent_gets_no_more() -> None:
    machine = Machine({"a": SideFailed("broken"), "b": 0.1, "c": CellAbsent("none")})
    tests = machine.swept(7)
    assert machine.order == [*"abc", *"bbbb"]
    assert (tests["a"].failure, tests["c"].absent) == ("broken", "none")


@pytest.mark.parametrize(("tests", "together"), [(1, 1), (5, 1), (20, 20), (60, 25)])
def test_processes_are_shared_where_there_is_not_the_time_for_one_each(
    tests: int, together: int
) -> None:
    options = comparison().options
    assert options.clocks == DEFAULT
    assert BenchmarksComparison(options).together(tests) == together


def test_many_names_are_shortened() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named(list("abcdefg")) == "a, b, c, d, e and 2 more"

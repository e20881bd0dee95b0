"""How a benchmark's function is called: how often, with what set up before, and what is counted."""

from types import SimpleNamespace
from typing import Any

import pytest

from conlab.versus.benchmark_tests import rounds
from conlab.versus.benchmark_tests.rounds import Benchmark, Rounds, calls_of_pedantic, planned


@pytest.mark.parametrize(
    ("calls", "rounds", "most", "plan"),
    [
        pytest.param(10, 24, None, (10, 24, 10), id="as often as one likes"),
        pytest.param(10, 24, 250, (10, 24, 10), id="just often enough"),
        pytest.param(10, 24, 100, (4, 24, 4), id="shorter rounds"),
        pytest.param(10, 24, 6, (1, 5, 1), id="single calls"),
        pytest.param(10, 24, 2, (1, 2, 0), id="no call to warm up"),
        pytest.param(10, 24, 1, (1, 1, 0), id="once"),
    ],
)
def test_no_function_is_called_more_often_than_its_author_says(
    calls: int, rounds: int, most: int | None, plan: tuple[int, int, int]
) -> None:
    found = planned(calls, rounds, most)
    assert (found["calls"], found["rounds"], found["warm_up"]) == plan
    assert most is None or found["calls"] * found["rounds"] + found["warm_up"] <= most


@pytest.mark.parametrize(
    ("setup", "rounds", "warmup_rounds", "iterations", "most"),
    [
        (None, 1, 0, 1, 1),
        (None, 5, 1, 1, 6),
        (None, 5, 1, 10, 61),  # and one more for the result
        (dict, 1, 0, 1, None),  # each call finds what it needs
    ],
)
def test_a_pedantic_benchmark_says_how_often(
    setup: Any, rounds: int, warmup_rounds: int, iterations: int, most: int | None
) -> None:
    assert calls_of_pedantic(setup, rounds, warmup_rounds, iterations) == most


class Ticking:
    """Functions that count their calls and take made-up seconds, by a clock of their own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.calls: list[str] = []
        clock = SimpleNamespace(perf_counter=lambda: self.now, process_time=lambda: self.now)
        monkeypatch.setattr(rounds, "time", clock)

    def take(self, what: str, seconds: float) -> None:
        self.calls.append(what)
        self.now += seconds


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Ticking:
    return Ticking(monkeypatch)


def test_setup_and_teardown_surround_each_call_and_take_no_time_of_it(ticking: Ticking) -> None:
    def setup() -> tuple[tuple[str, float], dict[str, float]]:
        ticking.take("setup", 5.0)
        return ("call", 0.5), {}

    def teardown(*_: Any) -> None:
        ticking.take("teardown", 5.0)

    measured = Rounds(Benchmark(ticking.take, setup=setup, teardown=teardown))
    assert measured.run(2)["wall"] == 1.0
    assert ticking.calls == ["setup", "call", "teardown"] * 2


@pytest.mark.parametrize(
    ("seconds", "calls", "rounds"), [(0.001, 10, 24), (0.07, 1, 4), (1.0, 1, 2)]
)
def test_a_round_has_as_many_calls_as_make_it_last(
    ticking: Ticking, seconds: float, calls: int, rounds: int
) -> None:
    measured = Rounds(Benchmark(ticking.take, ("call", seconds)))
    found = measured.size(lasting=0.01, share=0.3, most_rounds=24, fewest=2)
    assert (found["calls"], found["rounds"]) == (calls, rounds)


def test_a_function_that_may_be_called_once_is_sized_by_one_call(ticking: Ticking) -> None:
    measured = Rounds(Benchmark(ticking.take, ("call", 0.001), most=1))
    found = measured.size(lasting=0.01, share=0.3, most_rounds=24, fewest=2)
    assert ticking.calls == ["call"]
    assert (found["calls"], found["rounds"], found["warm_up"]) == (1, 1, 0)


@pytest.mark.parametrize("unsaid", [True, False])
def test_a_function_that_cannot_be_called_again_is_measured_once_if_nobody_says_how_often(
    unsaid: bool,
) -> None:
    measured = Rounds(Benchmark({1: 1}.pop, (1,), unsaid=unsaid))
    if not unsaid:
        with pytest.raises(KeyError):
            measured.size(lasting=0.01, share=0.3, most_rounds=24, fewest=2)
        return
    found = measured.size(lasting=0.01, share=0.3, most_rounds=24, fewest=2)
    assert (found["calls"], found["rounds"], found["warm_up"]) == (1, 1, 0)
    assert measured.result == 1


def test_the_test_gets_the_result_of_the_last_call() -> None:
    counted = iter(range(10))
    measured = Rounds(Benchmark(next, (counted,)))
    measured.run(3)
    assert measured.result == 2

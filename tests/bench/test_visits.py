"""Models take turns: who is visited when, when there are enough visits, and what is handed over."""

import gc
import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest

from conlab.bench.contention import Contention
from conlab.bench.visits import FEWEST, LONG, MOST, SPARE, Turns, Visit, drawn, hand_over, timed

NOBODY = Contention(1.0, 2, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0)
CELLS = ["serial", "threads", "processes"]


def visit(*rounds: float) -> Visit:
    return Visit(rounds, start=0.0, stop=0.0, contention=NOBODY)


class Made:
    """Turns on a clock of its own: a visit takes ``lasts`` seconds, its rounds 1 s ± ``spread``."""

    def __init__(self, lasts: float = 0.0, spread: float = 0.0) -> None:
        self.clock = 0.0
        self.lasts = lasts
        self.spread = spread
        self.order: list[str] = []
        self.turns = Turns("my_job", seed=7, alpha=0.05, now=lambda: self.clock)

    def visit(self, cell: str) -> None:
        self.order.append(cell)
        self.clock += self.lasts
        found = self.turns.visits.setdefault(cell, [])
        off = self.spread if (len(found) + len(cell)) % 2 else -self.spread
        found.append(visit(1.0 + off))

    def take(self, cells: list[str] | None = None) -> int:
        self.turns.take(CELLS if cells is None else cells, self.visit)
        return len(self.turns.seconds)


def test_every_model_is_visited_once_in_each_turn() -> None:
    made = Made()
    turns = made.take()
    assert Counter(made.order) == dict.fromkeys(CELLS, turns)
    for turn in range(turns):
        assert sorted(made.order[3 * turn : 3 * turn + 3]) == sorted(CELLS)


def test_the_order_is_another_in_each_turn_and_the_same_again_from_its_seed() -> None:
    orders = [tuple(drawn(CELLS, 7, "my_job", turn)) for turn in range(40)]
    assert len(set(orders)) == 6  # all there are
    assert orders == [tuple(drawn(CELLS, 7, "my_job", turn)) for turn in range(40)]
    assert orders != [tuple(drawn(CELLS, 8, "my_job", turn)) for turn in range(40)]


def test_visits_that_agree_are_enough_when_there_are_the_fewest() -> None:
    assert Made().take() == FEWEST
    assert Made().take(CELLS[:2]) == FEWEST + 2  # two models tell less of what chance does
    assert Made().take(CELLS[:1]) == FEWEST


def test_visits_that_differ_are_more_up_to_the_most() -> None:
    assert FEWEST < Made(spread=0.03).take() < MOST
    assert Made(spread=0.5).take() == MOST


def test_no_further_turn_begins_that_would_take_longer_than_there_is_to_spare() -> None:
    made = Made(lasts=SPARE / 3 / 4.5, spread=0.5)  # four turns fit, and half a one
    assert made.take() == 4


def test_where_turns_are_long_two_have_to_do_and_are_made() -> None:
    assert Made(lasts=LONG, spread=0.5).take() == 2


def test_no_turn_begins_that_would_not_end_within_the_budget_but_the_first() -> None:
    made = Made(lasts=1.0, spread=0.5)
    made.turns.budget = 7.0  # of three seconds each, two fit
    assert made.take() == 2
    made = Made(lasts=9.0)
    made.turns.budget = 7.0
    assert made.take() == 1


def test_what_is_taken_out_meanwhile_is_visited_no_more() -> None:
    made = Made()
    left = list(CELLS)
    real = made.visit

    def fails_once(cell: str) -> None:
        real(cell)
        if cell == "threads":
            left.remove(cell)

    made.turns.take(left, fails_once)
    assert Counter(made.order) == {"serial": FEWEST, "processes": FEWEST, "threads": 1}


def test_nothing_is_visited_where_nothing_is_left() -> None:
    assert Made().take([]) == 0


def test_a_visit_is_its_median_round() -> None:
    assert visit(1.0, 9.0, 2.0).seconds == 2.0


def test_a_round_is_timed_with_tracing_put_aside_and_collection_as_is_asked() -> None:
    seen: list[Any] = []

    def trace(_frame: FrameType, _event: str, _argument: Any) -> None:
        """Trace nothing."""

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for disable in (True, False):
            seconds = timed(lambda: seen.append((sys.gettrace(), gc.isenabled())), disable)
            assert seconds > 0
        traced = sys.gettrace()
    finally:
        sys.settrace(before)
    assert seen == [(None, False), (None, True)]
    assert traced is trace
    assert gc.isenabled()


def test_a_round_that_raises_leaves_collection_on() -> None:
    with pytest.raises(ZeroDivisionError):
        timed(lambda: 1 / 0, disable_gc=True)
    assert gc.isenabled()


def test_pytest_benchmark_is_told_the_seconds_of_every_round(
    request: pytest.FixtureRequest,
) -> None:
    kept: list[Any] = []
    session = request.config.pluginmanager.get_plugin("pytest-benchmark")
    from pytest_benchmark.fixture import BenchmarkFixture
    from pytest_benchmark.utils import NameWrapper

    assert session is not None
    fixture = BenchmarkFixture(  # type: ignore[no-untyped-call]
        request.node,
        disable_gc=False,
        timer=NameWrapper(lambda: 0.0),  # type: ignore[no-untyped-call]
        min_rounds=1,
        min_time=0.0,
        max_time=0.0,
        precision=None,
        confidence=None,
        warmup=False,
        warmup_iterations=0,
        calibration_precision=10,
        add_stats=kept.append,
        logger=session.logger,
        warner=None,
        disabled=False,
        cprofile=None,
        cprofile_loops=None,
        cprofile_dump=None,
    )
    hand_over((0.5, 0.25, 4.0), fixture)
    (stats,) = kept
    assert stats.stats.data == [0.5, 0.25, 4.0]

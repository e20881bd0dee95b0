"""What is counted on recorded pairs is true of them: alarms, misses, the coin."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from conlab.calibration import coin, evaluation, rates
from conlab.calibration.recording import (
    STREAMS,
    Record,
)
from conlab.versus.pairs.measuring import Pair
from conlab.versus.rule import Verdict, missing_library
from conlab.versus.sequential_test import SequentialTest
from tests.calibration.made_pairs import HERE, counted_once, recorded, records

pytest.importorskip("scipy", reason=f"{missing_library()}")

RULE = evaluation.RULE
FIRST = next(replace(RULE, clocks=2).looks())  # wall and CPU time
UNCHANGED = [stream for stream in STREAMS if not stream.slowdown]


@pytest.fixture
def counted() -> evaluation.OfLoad:
    return counted_once()


def test_unchanged_code_raises_no_alarm_and_a_slowdown_is_found(
    counted: evaluation.OfLoad,
) -> None:
    for judge in ("this rule", "this rule, a fair coin tossed again"):
        alarms = counted.runs[judge]
        assert alarms.hits == 0 < alarms.of
    for one in counted.streams:
        expected = Verdict.SLOWER if one.slowdown >= 0.1 else Verdict.SAME
        if one.slowdown != 0.05:  # a coin flip
            assert one.verdicts[expected].share == 1
        assert one.covered.share == 1
        assert one.spread == pytest.approx(0.02, rel=0.5)
        assert one.seconds_taken == one.pairs_taken * 1.25


def test_sides_that_are_not_identical_are_seen_in_the_alarms_and_in_the_coin() -> None:
    found = evaluation.of_load("idle", recorded(truth=0.1, count=20))
    assert found is not None
    assert found.runs["this rule"].share == 1
    assert found.b_slower.low > 0.5


def test_rates_say_on_how_many_they_rest() -> None:
    assert str(rates.rate([False] * 300)) == "0 of 300 (0.0% to 1.2%)"
    assert str(rates.rate([])) == "none yet"


def test_pytest_benchmark_is_asked_with_the_rounds_that_it_would_have_seen() -> None:
    def record(a: Sequence[float], b: Sequence[float]) -> Record:
        pair = Pair("", (tuple(a), tuple(b)), ((1.0,), (1.0,)), 0)
        return Record(UNCHANGED[0], pair, 1, "", HERE, "")

    made = [record([1.0, 9.0], [1.04, 9.5]), record([2.0, 8.0], [2.2, 8.8])]
    first, second = (SequentialTest(UNCHANGED[0], RULE, [one.pair]) for one in made)
    for limit, together, after in (
        ("mean:5%", [True, True], True),
        ("min:5%", [False, True], True),
    ):
        assert [evaluation.fails_together(limit, one) for one in (first, second)] == together
        assert evaluation.fails_after(limit, first, second) is after
    assert not evaluation.passes("min:5%", [1.05], [1.0])
    assert evaluation.passes("min:5%", [1.06], [1.0])


def test_the_unfair_coin_is_as_unfair_as_what_was_seen_allows() -> None:
    ratios = [0.1] * 60 + [-0.1] * 40 + [0.0] * 10
    assert 0.6 < coin.unfair(ratios) < 0.8
    assert coin.unfair(ratios * 10) < coin.unfair(ratios)
    assert coin.unfair([-ratio for ratio in ratios]) < 0.4


def test_few_pairs_allow_a_coin_that_raises_alarms_and_many_do_not() -> None:
    bounds = {}
    for count in (60, 600):
        streams = {one: list(records(one, count, HERE, spread=0.15)) for one in UNCHANGED}
        tossed = coin.tossed_again(RULE, streams, coin.unfair)
        bounds[count] = rates.rate(tossed)
    assert bounds[60].share > bounds[600].share
    assert bounds[600].high < 0.05


def test_without_a_complete_run_there_is_nothing_to_count() -> None:
    assert evaluation.of_load("idle", recorded(count=FIRST - 1)) is None

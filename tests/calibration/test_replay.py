"""Whole comparisons are played over recorded pairs, and share none."""

from dataclasses import replace

import pytest

from conlab.calibration import evaluation
from conlab.calibration.recording import (
    STREAMS,
    Record,
    Stream,
    cells_of_run,
)
from conlab.calibration.replay import runs, tape
from conlab.versus.rule import Verdict, missing_library
from conlab.versus.sequential_test import SequentialTest
from tests.calibration.made_pairs import HERE, records

pytest.importorskip("scipy", reason=f"{missing_library()}")

RULE = evaluation.RULE
FIRST = next(replace(RULE, clocks=2).looks())  # wall and CPU time
UNCHANGED = [stream for stream in STREAMS if not stream.slowdown]


def played(
    streams: dict[Stream, list[Record]], budget: float = 300.0
) -> list[list[SequentialTest]]:
    return list(runs(list(streams), RULE, tape(streams), budget))


def test_runs_follow_one_another_and_share_no_pair() -> None:
    streams = {stream: list(records(stream, 90, HERE, spread=0.04)) for stream in UNCHANGED[:3]}
    found = played(streams)
    assert len(found) > 1
    for place, stream in enumerate(streams):
        taken = [pair for run in found for pair in run[place].pairs]
        assert taken == [record.pair for record in streams[stream]][: len(taken)]
    for test in (test for run in found for test in run):
        rule = replace(RULE, clocks=2)  # wall and CPU time
        looks = [look for look in rule.looks() if look <= len(test.pairs)]
        assert test.wall == rule.judge([pair.log_wall for pair in test.pairs[: looks[-1]]])
        assert test.verdict is Verdict.UNSURE or looks[-1] == len(test.pairs)
    assert {test.computes for test in found[0]} == {True, False}


def test_a_run_ends_when_its_pairs_took_the_budget() -> None:
    wild = {UNCHANGED[0]: list(records(UNCHANGED[0], 100, HERE, spread=0.5))}
    (only, *_) = played(wild, budget=50.0)
    assert only[0].verdict is Verdict.UNSURE
    assert only[0].seconds == 50.0 == len(only[0].pairs) * 1.25


def test_a_run_that_the_tape_does_not_hold_to_its_end_does_not_count() -> None:
    quiet = list(records(UNCHANGED[0], FIRST, HERE))
    assert len(played({UNCHANGED[0]: quiet})) == 1
    assert played({UNCHANGED[0]: quiet[:-1]}) == []


def test_a_slower_cell_takes_the_place_of_the_one_most_like_it() -> None:
    assert cells_of_run(None, UNCHANGED) == UNCHANGED
    for slower, replaced in (
        (Stream("wait_and_count-threads", 0.1), UNCHANGED[5]),
        (Stream("wait_for_answers-threads", 0.1), UNCHANGED[0]),
        (Stream("count_letters-processes", 0.1), UNCHANGED[2]),
    ):
        cells = cells_of_run(slower, UNCHANGED)
        assert set(UNCHANGED) - set(cells) == {replaced}
        assert cells.index(slower) == UNCHANGED.index(replaced)

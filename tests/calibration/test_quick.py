"""What can be told here, from made-up pairs: and the small project that is measured for it."""

import argparse
import itertools
import math
import random

import pytest

from conlab.calibration import quick
from conlab.calibration.quick import Seen, telling
from conlab.commands import calibrate as command
from conlab.errors import UserError
from conlab.versus.pairs.measuring import Pair
from conlab.versus.rule import missing_library

pytest.importorskip("scipy", reason=f"{missing_library()}")


def pairs(count: int, change: float, spread: float) -> list[Pair]:
    """Pairs of which B takes longer by that share, give or take."""
    chance = random.Random(count)
    ratios = [(1 + change) * math.exp(chance.gauss(0, spread)) for _ in range(count)]
    return [Pair("a", ((1.0,), (ratio,)), ((1.0,), (ratio,)), 0) for ratio in ratios]


def seen(spread: float, seconds: float = 1.0, count: int = 30) -> Seen:
    return Seen(
        "computing", pairs(count, 0.0, spread), pairs(count, 0.1, spread), [seconds] * count
    )


def test_what_spreads_more_takes_longer_and_tells_less() -> None:
    quiet, loud = telling(seen(0.01)), telling(seen(0.08))
    assert quiet is not None
    assert loud is not None
    assert quiet.spread == pytest.approx(0.01, rel=0.4)
    for cells in quick.CELLS:
        assert (quiet.seconds[cells] or 0) < (loud.seconds[cells] or math.inf)
    assert quiet.least is not None
    assert loud.least is not None
    assert quiet.least < loud.least


def test_more_cells_take_longer_than_as_many_times_one() -> None:
    found = telling(seen(0.04))
    assert found is not None
    one, ten = (found.seconds[cells] or 0 for cells in (1, 10))
    assert ten > 10 * one


def test_a_tenth_that_was_planted_is_shown_and_found() -> None:
    found = telling(seen(0.02))
    assert found is not None
    assert found.estimate == pytest.approx(0.1, abs=0.02)
    assert found.found
    few = telling(Seen("computing", pairs(9, 0, 0.02), pairs(9, 0.1, 0.02), [1.0] * 9))
    assert few is not None
    assert not few.found  # before the first look nothing is


def test_what_never_ends_is_said_to_be_never() -> None:
    found = telling(seen(5.0))
    assert found is not None
    table, said = quick.show([found], "a machine")
    assert list(table.columns[4].cells) == ["never"]
    assert list(table.columns[7].cells) == ["over 50%"]
    assert said.startswith("a machine. ")


def test_too_few_pairs_tell_nothing() -> None:
    assert telling(seen(0.01, count=quick.FEWEST - 1)) is None


def test_seconds_too_few_for_a_pair_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "measure", lambda *_: [Seen(kind) for kind in quick.KINDS])
    with pytest.raises(UserError, match="1 s were too short for 6 pairs of any kind of work"):
        command.run(argparse.Namespace(seconds=1.0, busy=False, quick=True))


def test_the_small_project_is_measured_as_anybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 1 + 3 * len(quick.KINDS)  # at the start, and three for each pair
    ticks = itertools.chain([0.0] * looks, itertools.repeat(9.0))
    monkeypatch.setattr("conlab.versus.pairs.measuring.SHARE", 0.0)
    told: list[str] = []
    found = quick.measure(1.0, told.append, now=lambda: next(ticks))
    assert [len(one.same) for one in found] == [1, 1, 1]
    assert [one.partition(";")[0] for one in told] == [f"1 pairs of {kind}" for kind in quick.KINDS]

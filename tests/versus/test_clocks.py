"""The clocks beside wall time: how they are named, and what two figures of one say."""

import math

import pytest

from conlab.errors import UserError
from conlab.versus import clocks
from conlab.versus.clocks import Clock, log_of, log_of_tail
from conlab.versus.pairs.measuring import Pair


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cpu", [Clock.WALL, Clock.CPU]),
        ("memory, first-job", [Clock.WALL, Clock.MEMORY, Clock.FIRST]),
        ("first,wall", [Clock.WALL, Clock.FIRST]),
        ("all", list(Clock)),
    ],
)
def test_wall_time_is_always_one(text: str, found: list[Clock]) -> None:
    assert list(clocks.chosen(text)) == found


def test_a_clock_that_is_none_is_said() -> None:
    with pytest.raises(UserError, match="'sundial' is none of wall, cpu"):
        clocks.chosen("wall,sundial")


@pytest.mark.parametrize(
    ("two", "change"),
    [((100.0 * 2**20, 120.0 * 2**20), 0.198), ((4096.0, 8192.0), 0.004), ((0.0, 0.0), 0.0)],
    ids=["much", "a page more", "nothing"],
)
def test_a_page_more_or_less_of_memory_is_no_change(
    two: tuple[float, float], change: float
) -> None:
    assert math.expm1(log_of(Clock.MEMORY, two)) == pytest.approx(change, abs=0.001)


def test_the_tail_sees_what_the_median_does_not() -> None:
    steady = [1.0] * 20
    tailed = [1.0] * 18 + [2.0] * 2  # one in ten takes twice as long
    assert log_of_tail((steady, tailed)) == pytest.approx(math.log(2))
    pair = Pair("a", (tuple(steady), tuple(tailed)), (tuple(steady), tuple(tailed)), 0)
    assert pair.log_by(Clock.WALL) == 0
    assert pair.log_by(Clock.TAIL) == pytest.approx(math.log(2))


def test_the_tail_of_several_strata_is_that_of_no_stratum_alone() -> None:
    strata = [0, 1] * 20
    steady = [1.0, 100.0] * 20
    tailed = [2.0 if n % 20 == 0 else each for n, each in enumerate(steady)]
    tailed = [200.0 if n % 20 == 1 else each for n, each in enumerate(tailed)]
    assert log_of_tail((steady, tailed), strata) == pytest.approx(math.log(2))
    assert log_of_tail((tailed, steady), strata) == pytest.approx(-math.log(2))


def test_a_figure_that_was_not_read_is_none_and_is_kept_where_it_was() -> None:
    pair = Pair("a", ((1.0,), (1.0,)), ((0.0,), (1.0,)), 0, figures={Clock.IMPORT: (0.1, 0.3)})
    assert pair.log_by(Clock.MEMORY) is None
    assert pair.log_by(Clock.CPU) is None
    assert pair.log_by(Clock.IMPORT) == pytest.approx(math.log(0.301 / 0.101))
    assert Pair.from_json(pair.to_json()) == pair


def test_a_pair_that_was_recorded_before_there_were_clocks_can_be_read() -> None:
    line = '{"cell": "a", "wall": [[1.0], [1.0]], "cpu": [[1.0], [1.0]], "first": 0}'
    assert Pair.from_json(line).figures == {}

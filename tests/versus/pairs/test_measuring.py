"""Pairs: what is drawn for them, what they hold, and sides that fail or disagree."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from conlab.bench.discovery import Cell
from conlab.bench.running import CellAbsent
from conlab.versus.pairs import measuring as pairs
from conlab.versus.pairs.drawing import Draw, order
from conlab.versus.pairs.measuring import Measurer, Pair, log_ratio
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.sides.naming import named
from tests.bench.made import SERIAL
from tests.versus.conftest import Made


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds as few and as short as can be."""
    monkeypatch.setattr(pairs, "ROUND", 0.001)
    monkeypatch.setattr(pairs, "SHARE", 0.0)


@contextmanager
def measurer(repository: Made, text: str) -> Iterator[tuple[Measurer, Cell]]:
    """A measurer of two revisions, and the cell to measure; no process is left behind."""
    before = psutil.Process().children(recursive=True)
    chosen = repository.settings()
    with named(text, chosen) as sides, Measurer(sides, chosen, 7) as made:
        yield made, Cell(chosen.workloads[0], SERIAL)
    left = [one for one in psutil.Process().children(recursive=True) if one not in before]
    assert left == []


def test_the_same_seed_draws_the_same_whatever_the_order_of_the_cells() -> None:
    drawn = {(cell, n): Draw.of(7, cell, n) for cell in "ab" for n in range(20)}
    again = {(cell, n): Draw.of(7, cell, n) for n in range(20) for cell in "ba"}
    assert drawn == again
    assert {draw.first for draw in drawn.values()} == {0, 1}
    assert len({draw.hash_seed for draw in drawn.values()}) == len(drawn)
    assert drawn["a", 1] != Draw.of(8, "a", 1)


def test_both_sides_get_the_same_hash_seed() -> None:
    draw = Draw.of(7, "a", 1)
    one, other = draw.environment(0), draw.environment(1)
    assert one["PYTHONHASHSEED"] == other["PYTHONHASHSEED"]
    assert one["CONLAB_PADDING"] != other["CONLAB_PADDING"]


def test_each_side_is_first_in_every_other_round() -> None:
    assert [order(1, number) for number in range(4)] == [(1, 0), (0, 1), (1, 0), (0, 1)]


def test_a_pair_is_a_line_of_json_and_back() -> None:
    pair = Pair("a-serial", ((0.1, 0.1), (0.2, 0.2)), ((0.3, 0.3), (0.15, 0.15)), 1)
    assert Pair.from_json(pair.to_json()) == pair
    assert "\n" not in pair.to_json()
    assert pair.log_wall == pytest.approx(math.log(2))
    assert pair.log_cpu == pytest.approx(-math.log(2))


def test_what_hits_neighbouring_rounds_alike_is_no_difference_between_the_sides() -> None:
    drifting = (1.0, 4.0, 2.0), (1.1, 4.4, 9.0)  # of the medians B's is more than twice A's
    assert log_ratio(drifting) == pytest.approx(math.log(1.1))


def test_what_hits_few_rounds_of_one_side_is_no_difference_between_the_sides() -> None:
    hit = (1.0, 1.0, 9.0, 1.0, 1.0), (1.1, 1.1, 1.1, 1.1, 1.1)
    assert log_ratio(hit) == pytest.approx(math.log(1.1))


def test_rounds_too_short_for_a_clock_that_ticks_count_together() -> None:
    ticks = (0.0, 0.01, 0.0, 0.01), (0.01, 0.01, 0.01, 0.01)
    assert log_ratio(ticks) == pytest.approx(math.log(2))


def test_the_ratio_is_that_of_what_the_jobs_took(repository: Made) -> None:
    with measurer(repository, "clocked..longer") as (made, cell):
        pair = made.pair(cell)
    assert pair.log_wall == pytest.approx(math.log(1.5))
    assert pair.first == Draw.of(7, cell.id, 1).first
    assert [len(side) for side in (*pair.wall, *pair.cpu)] == [pairs.FEWEST_ROUNDS] * 4
    assert (pair.strata, pair.kinds) == ((), [])
    assert min(map(sum, pair.cpu)) > 0


@pytest.mark.parametrize("computes", [True, False])
def test_jobs_that_wait_are_told_from_those_that_only_compute(
    repository: Made, computes: bool
) -> None:
    revision = "computes" if computes else "waits"
    with measurer(repository, f"{revision}..{revision}") as (made, cell):
        assert made.computes(cell) is computes


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no way to choose a core here")
def test_where_one_thread_does_all_the_work_both_sides_do_it_on_the_same_core(
    repository: Made,
) -> None:
    with measurer(repository, "pinned..pinned") as (made, cell):
        pair = made.pair(cell)  # each job takes one core to be allowed, and gives its number
    assert pair.strata == (0, 1, 2, 3) * pairs.FEWEST_ROUNDS
    assert pair.kinds == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "other",
            r"other results than other \(\w+\) for job 2 of 4 \(and for 1 more\): \[1\] in",
        ),
        ("raises", r"raises \(\w+\): every job failed, the first with ValueError: no chance"),
        ("killed", r"killed \(\w+\): its worker process was killed by SIGKILL"),
        ("wrong", r"wrong \(\w+\): .* cannot be imported: .*No module named 'no_such_module'"),
        ("asks", r"asks \(\w+\): jobs\(\) of square_numbers asks for 'texts', which the working"),
    ],
)
def test_a_side_that_fails_or_disagrees_is_no_time(repository: Made, text: str, said: str) -> None:
    with measurer(repository, text) as (made, cell), pytest.raises(SideFailed, match=said):
        made.pair(cell)


def test_a_worker_that_never_answers_is_ended(
    repository: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    with measurer(repository, "hangs..hangs") as (made, cell):
        monkeypatch.setattr("conlab.versus.pairs.worker_process.ANSWER_LIMIT", 0.5)
        with pytest.raises(SideFailed, match=r"hangs \(\w+\): no answer within 0.5 s"):
            made.pair(cell)


def test_a_cell_that_cannot_be_is_absent_not_failed(repository: Made) -> None:
    from workloads.models import coroutines

    with measurer(repository, "other") as (made, cell), pytest.raises(CellAbsent, match="no work_"):
        made.pair(Cell(cell.workload, made.settings.models[0].__class__("coroutines", coroutines)))

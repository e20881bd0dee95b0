"""How many jobs make a round: found out without running more of them than it takes."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.versus.pairs import runner as module
from conlab.versus.pairs.runner import Runner

LASTING = 0.01


class Open:
    """An open cell whose model draws all its jobs at once, as a pool of processes may."""

    def __init__(self, count: int, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = count
        self.seconds = seconds
        self.now = 0.0
        self.drawn: list[int] = []
        self.jobs: Any = self.all_jobs
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def all_jobs(self) -> Iterator[int]:
        return iter(range(self.count))

    def plain(self) -> None:
        self.drawn.append(len(list(self.jobs())))
        self.now += self.drawn[-1] * self.seconds


@pytest.mark.parametrize(
    ("count", "seconds", "least", "sized", "drawn"),
    [
        pytest.param(5_000, 1.0, 2, (2, 1), [2, 2], id="long jobs"),
        pytest.param(50, 0.004, 1, (2, 1), [1, 1, 2, 4], id="jobs shorter than a round"),
        pytest.param(50, 0.0001, 2, (50, 2), [2, 2, 4, 8, 16, 32, 50], id="few jobs"),
        pytest.param(6, 1e-5, 2, (6, 167), [2, 2, 4, 6], id="a round runs all of them"),
        pytest.param(3, 1.0, 8, (3, 1), [3, 3], id="fewer than keep the pool busy"),
    ],
)
def test_a_round_is_sized_by_no_more_jobs_than_tell_how_long_they_take(
    count: int,
    seconds: float,
    least: int,
    sized: tuple[int, int],
    drawn: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell: Any = Open(count, seconds, monkeypatch)
    found = Runner(cell, None).size(list(range(count)), LASTING, least)
    assert (found["size"], found["runs"]) == sized
    assert cell.drawn == drawn
    assert found["seconds"] == pytest.approx(seconds * sized[0])


def test_what_is_not_to_be_divided_is_sized_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    cell: Any = Open(4, 0.001, monkeypatch)
    assert Runner(cell, None).size(None, LASTING, 8)["runs"] == 2  # of 4 ms each, to the nearest
    assert cell.drawn == [4, 4]


def test_jobs_are_taken_by_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    cell: Any = Open(10, 0.001, monkeypatch)
    runner = Runner(cell, None)
    assert runner.described([7, 2]) == ["7", "2"]
    runner.choose([2, 7])
    assert list(cell.jobs()) == [2, 7]
    with pytest.raises(UserError, match="gave fewer jobs than before: there is no job 11"):
        runner.take([10])

"""How many jobs make a round: found out without running more of them than it takes."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.versus.pairs import worker
from conlab.versus.pairs.worker import Runner

LASTING = 0.01


class Open:
    """An open cell whose model draws all its jobs at once, as a pool of processes may."""

    def __init__(self, count: int, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = count
        self.seconds = seconds
        self.now = 0.0
        self.drawn: list[int] = []
        self.jobs: Any = self.all_jobs
        monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def all_jobs(self) -> Iterator[int]:
        return iter(range(self.count))

    def plain(self) -> None:
        self.drawn.append(len(list(self.jobs())))
        self.now += self.drawn[-1] * self.seconds


@pytest.mark.parametrize(
    ("count", "seconds", "limits", "sized", "drawn"),
    [
        pytest.param(5_000, 1.0, (None, 2), (2, 1), [2, 2], id="long jobs"),
        pytest.param(5_000, 0.04, (None, 2), (2, 1), [2, 2, 4, 8], id="jobs longer than a round"),
        pytest.param(50, 0.001, (None, 2), (10, 1), [2, 2, 4, 8, 16, 32, 50], id="few jobs"),
        pytest.param(50, 0.001, (6, 2), (6, 2), [2, 2, 4, 6], id="fewer are asked for"),
        pytest.param(6, 1e-4, (None, 2), (None, 17), [2, 2, 4, 6], id="a round runs all of them"),
        pytest.param(3, 1.0, (None, 8), (3, 1), [3, 3], id="fewer than keep the pool busy"),
        pytest.param(3, 1.0, (None, None), (None, 1), [3, 3], id="all of them or none"),
    ],
)
def test_a_round_is_sized_by_no_more_jobs_than_tell_how_long_they_take(
    count: int,
    seconds: float,
    limits: tuple[int | None, int | None],
    sized: tuple[int | None, int],
    drawn: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell: Any = Open(count, seconds, monkeypatch)
    found = Runner(cell, None).size(LASTING, *limits)
    assert (found["jobs"], found["runs"]) == sized
    assert cell.drawn == drawn
    assert found["seconds"] == pytest.approx(seconds * min(count, sized[0] or limits[0] or count))


def test_no_job_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    cell: Any = Open(0, 1.0, monkeypatch)
    with pytest.raises(UserError, match="jobs\\(\\) gave no job"):
        Runner(cell, None).size(LASTING, None, 2)

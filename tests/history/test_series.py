"""What goes into one series and in which order; what is never mixed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conlab.history.saved import Ratio, read
from conlab.history.series import History, histories
from tests.history.made import BEGAN, RESIZE, ratio, saved, serial, write

THREADS = Ratio("speedup", RESIZE, 32)


def history_of(folder: Path, *told: Any, by_host: bool = True, last: int = 99) -> list[History]:
    paths = [write(folder, one) for one in told]
    runs = [read(path, path.name) for path in reversed(paths)]
    return histories(runs, by_host=by_host, last=last)


def run(number: int, value: float = 1.5, **changes: Any) -> dict[str, Any]:
    return saved(number, [ratio(RESIZE, value)], **changes)


@pytest.mark.parametrize(
    "difference",
    [
        {"usable_cores": 4},
        {"gil": False, "free_threaded": True},
        {"free_threaded": True},
        {"python_version": "3.15.0"},
        {"python_implementation": "PyPy"},
        {"node": "bench2"},
        {"cpu": {"brand_raw": "Slow Processor 8000"}},
        {"machine": "aarch64"},
        {"system": "Darwin"},
        {"in_flight": 64},
        {"workers": 4},
        {"start_method": "spawn"},
        {"loop": "uvloop"},
        {"latency_seconds": 0.2},
        {"cluster": "tcp://there:8786"},
        {"data": {"images": "/home/me/photos"}},
    ],
    ids=str,
)
def test_runs_that_differ_in_machine_or_options_are_told_apart(
    tmp_path: Path, difference: dict[str, Any]
) -> None:
    found = history_of(tmp_path, run(0), run(1, **difference))
    assert [len(history.commits) for history in found] == [1, 1]


def test_a_bug_fix_release_is_the_same_machine(tmp_path: Path) -> None:
    (found,) = history_of(tmp_path, run(0), run(1, python_version="3.14.1"))
    assert len(found.commits) == 2


def test_hosts_of_one_kind_are_taken_together(tmp_path: Path) -> None:
    runs = [run(0), run(1, node="bench2"), run(2, node="bench3", usable_cores=4)]
    found = history_of(tmp_path, *runs, by_host=False)
    assert sorted(len(history.commits) for history in found) == [1, 2]


def test_seconds_of_serial_are_followed_on_the_host_that_ran_last(tmp_path: Path) -> None:
    told = [run(number, node=f"bench{number % 2}") for number in range(5)]
    for number, one in enumerate(told):
        one["benchmarks"] = [serial("resize_images", 1.0 + number)]
    (found,) = history_of(tmp_path, *told, by_host=False)
    assert found.series(Ratio("serial_seconds", "resize_images-serial", 32)).medians == [1, 3, 5]
    assert found.series(THREADS).medians == [1.5] * 5
    assert found.hosts == ["bench0", "bench1"]


def test_numbers_of_jobs_are_never_mixed(tmp_path: Path) -> None:
    few = saved(1, [ratio(RESIZE, 1.2, jobs=8)])
    (found,) = history_of(tmp_path, run(0), few)
    assert [one.jobs for one in found.ratios] == [8, 32]
    assert [found.series(one).medians for one in found.ratios] == [[1.2], [1.5]]


def test_commits_come_in_the_order_of_their_commit_not_of_their_run(tmp_path: Path) -> None:
    late = (BEGAN + timedelta(days=9)).isoformat()
    (found,) = history_of(tmp_path, run(2, 1.2), run(0, 1.0, datetime=late), run(1, 1.1))
    assert found.series(THREADS).medians == [1.0, 1.1, 1.2]


def test_where_no_one_knows_the_commit_the_run_decides(tmp_path: Path) -> None:
    nameless = {"id": "unversioned", "time": None, "branch": "(unknown)"}
    (found,) = history_of(tmp_path, run(2, 1.2), run(1, 1.1, **nameless), run(0, 1.0))
    assert found.series(THREADS).medians == [1.0, 1.1, 1.2]
    assert [commit.name for commit in found.commits] == ["000c0de", "run 0002", "002c0de"]


def test_commits_of_the_same_second_come_in_the_order_of_their_runs(tmp_path: Path) -> None:
    rebased = {"time": BEGAN.isoformat()}
    (found,) = history_of(tmp_path, *(run(n, 1 + n / 10, **rebased) for n in (2, 0, 1)))
    assert found.series(THREADS).medians == [1.0, 1.1, 1.2]


def test_runs_of_one_commit_are_one_point_with_a_spread(tmp_path: Path) -> None:
    (found,) = history_of(tmp_path, run(0, 2.0), run(0, 2.2), run(0, 1.8), run(1, 2.0))
    series = found.series(THREADS)
    assert [values for _, values in series.points] == [(1.8, 2.0, 2.2), (2.0,)]
    assert series.medians == [2.0, 2.0]
    assert series.spread == pytest.approx(0.1)


def test_a_single_run_a_commit_has_no_spread(tmp_path: Path) -> None:
    (found,) = history_of(tmp_path, run(0), run(1))
    assert found.series(THREADS).spread is None


def test_dirty_runs_stand_alone_behind_their_commit_and_are_marked(tmp_path: Path) -> None:
    dirty = [run(0, 3.0, dirty=True, datetime=f"2026-03-05T0{n}:00:00") for n in range(2)]
    (found,) = history_of(tmp_path, *dirty, run(0, 1.0), run(1, 1.1))
    names = [commit.name for commit in found.commits]
    assert names == ["000c0de", "000c0de+", "000c0de+", "001c0de"]


def test_only_the_newest_commits_are_kept(tmp_path: Path) -> None:
    (found,) = history_of(tmp_path, *(run(n, 1 + n) for n in range(5)), last=2)
    assert found.series(THREADS).medians == [4, 5]


def test_a_commit_that_lacks_a_ratio_is_left_out_of_its_series(tmp_path: Path) -> None:
    other = saved(1, [ratio("resize_images-processes", 1.7)])
    (found,) = history_of(tmp_path, run(0), other, run(2))
    assert [commit.name for commit, _ in found.series(THREADS).points] == ["000c0de", "002c0de"]

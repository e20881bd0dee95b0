"""A history as CSV and JSON, and the exit status when the newest runs are worse."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from conlab.cli import obey
from conlab.history import changes
from tests.history.made import RESIZE, commit_id, ratio, saved, serial, theirs, write

Said = pytest.CaptureFixture[str]
TEST = "tests/test_shop.py::test_total"
STEADY = [1.0, 1.01, 0.99, 1.0, 1.01, 1.0, 0.99]

needs_ruptures = pytest.mark.skipif(
    not changes.available(), reason="ruptures has no wheel for this Python"
)


def history(capsys: Said, folder: Path, *options: str) -> tuple[int, str, str]:
    status = obey(["history", "--storage", str(folder), *options])
    said = capsys.readouterr()
    return status, said.out, said.err


def stepped(factor: float) -> list[float]:
    """Seven values, and seven more on another level."""
    return [*STEADY, *(factor * value for value in STEADY)]


def write_ratios(folder: Path, values: list[float], **changes: Any) -> None:
    for number, value in enumerate(values):
        write(folder, saved(number, [ratio(RESIZE, value)], **changes))


@needs_ruptures
def test_csv_has_a_row_for_each_value(capsys: Said, tmp_path: Path) -> None:
    write_ratios(tmp_path, stepped(0.5))
    write(tmp_path, "damaged", "0099_bad.json")
    status, out, err = history(capsys, tmp_path, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == 0
    assert [float(row["median"]) for row in rows] == stepped(0.5)
    assert [row["commit"] for row in rows if row["changed_here"] == "True"] == [commit_id(7)]
    assert {row["level"] for row in rows} == {"1.0", "0.5"}
    assert {row["of"] for row in rows} == {RESIZE}
    assert "0099_bad.json" in err


@needs_ruptures
def test_json_has_the_same(capsys: Said, tmp_path: Path) -> None:
    write_ratios(tmp_path, stepped(0.5))
    told = json.loads(history(capsys, tmp_path, "--json")[1])
    assert told["changes_are_marked"]
    ((only,),) = (one["series"] for one in told["histories"])
    assert (only["kind"], only["of"], only["jobs"]) == ("speedup", RESIZE, 32)
    assert [value["median"] for value in only["values"]] == stepped(0.5)
    assert [n for n, value in enumerate(only["values"]) if value["changed_here"]] == [7]


@needs_ruptures
@pytest.mark.parametrize(
    ("factor", "status"), [(0.5, 1), (2.0, 0), (1.0, 0)], ids=["worse", "better", "the same"]
)
def test_the_exit_status_says_whether_the_newest_runs_are_worse(
    capsys: Said, tmp_path: Path, factor: float, status: int
) -> None:
    write_ratios(tmp_path, stepped(factor))
    found, out, _ = history(capsys, tmp_path, "--fail-on-change")
    assert found == status
    assert ("worse since a change: " in out) is bool(status)
    assert history(capsys, tmp_path)[0] == 0


@needs_ruptures
def test_what_was_mended_since_fails_nothing(capsys: Said, tmp_path: Path) -> None:
    write_ratios(tmp_path, [*stepped(0.5), *STEADY])
    assert history(capsys, tmp_path, "--fail-on-change")[0] == 0


@needs_ruptures
@pytest.mark.parametrize(("factor", "status"), [(1.5, 1), (0.5, 0)], ids=["slower", "faster"])
def test_a_slowdown_of_all_models_alike_is_seen_in_the_seconds_of_serial(
    capsys: Said, tmp_path: Path, factor: float, status: int
) -> None:
    for number, value in enumerate(stepped(factor)):
        told = saved(number, [ratio(RESIZE, 1.8)], benchmarks=[serial("resize_images", value)])
        write(tmp_path, told)
    found, out, _ = history(capsys, tmp_path, "--fail-on-change")
    assert found == status
    assert "serial seconds" in " ".join(out.split())


@needs_ruptures
def test_seconds_of_another_project_have_changes_and_fail_nothing(
    capsys: Said, tmp_path: Path
) -> None:
    for number, value in enumerate(stepped(1.5)):
        write(tmp_path, theirs(number, {TEST: value / 1e3}, "4.0.0" if number < 5 else "5.1.0"))
    status, out, _ = history(capsys, tmp_path, "--fail-on-change")
    said = " ".join(out.split())
    assert status == 0
    assert "test_total seconds rose by 50% at 007c0de (2026-03-08): 1.0 ms to 1.5 ms" in said
    assert "Worse by seconds alone: 1. That fails nothing" in said


def test_without_the_library_nothing_is_promised(
    capsys: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "available", lambda: False)
    write_ratios(tmp_path, STEADY)
    status, out, err = history(capsys, tmp_path, "--fail-on-change")
    assert (status, out) == (2, "")
    assert "--fail-on-change: changes are found by ruptures: pip install" in err

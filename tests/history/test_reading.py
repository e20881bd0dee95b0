"""A saved run is read whole or passed over by name, whatever lies in the folder."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conlab.cli import obey
from conlab.history import saved as reading
from conlab.history.saved import Ratio, Unusable, read
from tests.history.made import RESIZE, commit_id, ratio, saved, serial, theirs, write

GOOD = [ratio(RESIZE, 1.8)]


def changed(**changes: Any) -> dict[str, Any]:
    return saved(0, GOOD, **changes)


def without(name: str) -> dict[str, Any]:
    told = saved(0, GOOD)
    del told[name]
    return told


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.json")


def bytes_of_no_text(path: Path) -> None:
    path.write_bytes(b'{"machine_info": "\xff\xfe"}')


def huge(path: Path) -> None:
    os.truncate(path, reading.LARGEST + 1)  # a hole: no byte of it is written


DAMAGED_TEXTS = {
    "": "empty",
    json.dumps(saved(0, GOOD))[:-40]: "no JSON, or cut off",
    "hello": "no JSON, or cut off",
    "[" * 100_000: "nested too deeply",
    '{"a": ' + "9" * 5000 + "}": "no JSON, or cut off",
    "[]": "it is no object",
    "null": "it is no object",
    "{}": "no saved run of this suite",
    '{"concurrency_lab": 3}': "no saved run of this suite",
    '{"benchmarks": [], "machine_info": {}}': "commit_info is no object",
    json.dumps(theirs(0, {}, "5.1.0")): "it holds no benchmark",
}
DAMAGED_FIELDS = [
    (without("machine_info"), "machine_info is no object"),
    (without("commit_info"), "commit_info is no object"),
    (without("datetime"), "datetime is missing"),
    (changed(datetime="yesterday"), "datetime is no time"),
    (changed(datetime=20260301), "datetime is no str"),
    (changed(time=5), "commit_info.time is no time"),
    (changed(usable_cores="2"), "usable_cores is no int"),
    (changed(usable_cores=True), "usable_cores is no count"),
    (changed(usable_cores=-2), "usable_cores is no count"),
    (changed(gil="yes"), "gil is no bool"),
    (changed(free_threaded=None), "free_threaded is missing"),
    (changed(cpu=[]), "machine_info.cpu is no object"),
    (changed(node="a\x1b[31mb"), "node is no name"),
    (changed(node="\ud800"), "node is no name"),
    (changed(branch="b" * 1000), "branch is no name"),
    (changed(latency_seconds="near"), "latency_seconds is no number"),
    (changed(ratios={}), "ratios is no list"),
    (changed(ratios=["1.8"]), "ratios is no object"),
    (saved(0, [ratio(RESIZE, "1.8")]), "value is no number"),
    (saved(0, [ratio(RESIZE, True)]), "value is no number"),
    (saved(0, [ratio(RESIZE, float("nan"))]), "value is no number"),
    (saved(0, [ratio(RESIZE, float("inf"))]), "value is no number"),
    (saved(0, [ratio(RESIZE, 0)]), "a ratio of 0"),
    (saved(0, [ratio(RESIZE, -1.5)]), "a ratio of -1.5"),
    (saved(0, [ratio(RESIZE, 1.5, kind="luck")]), "unknown ratio 'luck'"),
    (saved(0, [ratio(RESIZE, 1.5, jobs=0)]), "jobs is no count"),
]
FIELD_IDS = [f"{number} {said}" for number, (_, said) in enumerate(DAMAGED_FIELDS)]


def reason(path: Path) -> str:
    with pytest.raises(Unusable) as raised:
        read(path, path.name)
    return str(raised.value)


@pytest.mark.parametrize(("text", "said"), DAMAGED_TEXTS.items(), ids=range(len(DAMAGED_TEXTS)))
def test_a_file_that_is_no_saved_run_is_passed_over(tmp_path: Path, text: str, said: str) -> None:
    assert said in reason(write(tmp_path, text))


@pytest.mark.parametrize(("told", "said"), DAMAGED_FIELDS, ids=FIELD_IDS)
def test_a_field_of_a_wrong_type_is_named(tmp_path: Path, told: dict[str, Any], said: str) -> None:
    assert said in reason(write(tmp_path, told))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (folder, "a folder"),
        (pipe, "no regular file"),
        (dangling_link, "cannot be read: No such file"),
        (bytes_of_no_text, "no text in UTF-8"),
        (huge, "larger than 64 MiB"),
    ],
)
def test_what_is_no_readable_file_is_passed_over(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    path = write(tmp_path, changed())
    damage(path)
    assert said in reason(path)


def test_a_file_that_may_not_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> str:
        raise PermissionError(13, "Permission denied")  # root, who runs CI, may read everything

    path = write(tmp_path, changed())
    monkeypatch.setattr(Path, "read_text", refuse)
    assert reason(path) == "cannot be read: Permission denied"


def test_every_damaged_file_is_named_and_the_rest_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, changed(), "good.json")
    for number, text in enumerate(DAMAGED_TEXTS):
        write(tmp_path, text, f"damaged{number}.json")
    folder(write(tmp_path, "", "folder.json"))
    assert obey(["history", "--storage", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "threads x serial" in said
    assert f"Passed over: {len(DAMAGED_TEXTS) + 1} of the files" in said
    for name in ("folder", *(f"damaged{number}" for number in range(len(DAMAGED_TEXTS)))):
        assert f"/{name}.json: " in said


def test_a_name_in_the_storage_cannot_command_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, changed())
    write(tmp_path, "", "\x1b[2J[red].json")
    assert obey(["history", "--storage", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert r"\x1b[2J[red].json: empty" in said


def test_a_run_is_read_with_its_times_in_utc(tmp_path: Path) -> None:
    told = changed(time="2026-03-01T02:00:00+02:00", datetime="2026-03-01T01:00:00")
    run = read(write(tmp_path, told), "0001_run.json")
    assert (run.commit, run.dirty, run.branch) == (commit_id(0), False, "main")
    assert run.committed is not None
    assert run.committed.isoformat() == "2026-03-01T00:00:00+00:00"
    assert run.made.isoformat() == "2026-03-01T01:00:00+00:00"
    assert run.ratios == {Ratio("speedup", RESIZE, 32): 1.8}


@pytest.mark.parametrize("unknown", ["unversioned", "unknown"])
def test_a_run_without_version_control_has_no_commit(tmp_path: Path, unknown: str) -> None:
    told = changed(id=unknown, time=None, branch="(unknown)")
    run = read(write(tmp_path, told), "0001_run.json")
    assert (run.commit, run.committed, run.branch) == (None, None, "")


# Of other projects

TEST = "tests/test_shop.py::test_total[10]"


@pytest.mark.parametrize("version", ["4.0.0", "5.1.0"])
def test_a_run_of_another_project_gives_the_seconds_of_its_benchmarks(
    tmp_path: Path, version: str
) -> None:
    told = theirs(3, {TEST: 0.25, "tests/test_shop.py::test_sort": 0.5}, version)
    found = read(write(tmp_path, told), "0001_run.json")
    assert found.ratios == {
        Ratio("seconds", TEST, None): 0.25,
        Ratio("seconds", "tests/test_shop.py::test_sort", None): 0.5,
    }
    assert (found.commit, found.machine.cores, found.conditions) == (commit_id(3), 4, "")
    assert found.made.isoformat() == "2026-03-04T01:00:00+00:00"


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("3.12.1", "CPython 3.12, with the GIL"),
        ("3.13.0", "CPython 3.13, GIL not known"),
        ("3.14.0rc1", "CPython 3.14, GIL not known"),
    ],
)
def test_what_their_files_do_not_say_of_the_gil_is_not_made_up(
    tmp_path: Path, python: str, said: str
) -> None:
    told = theirs(0, {TEST: 0.25}, "5.1.0", python_version=python)
    assert read(write(tmp_path, told), "a").machine.python == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fullname": "a\x1b[31m"}, "fullname is no name"),
        ({"stats": None}, "stats is no object"),
        ({"stats": {"median": 0}}, "a median of 0 seconds"),
        ({"stats": {"median": "fast"}}, "median is no number"),
    ],
)
def test_a_benchmark_of_theirs_that_is_damaged_is_named(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    told = theirs(0, {TEST: 0.25}, "5.1.0")
    told["benchmarks"][0] |= change
    assert said in reason(write(tmp_path, told))


def test_a_run_of_this_suite_gives_the_seconds_of_its_serial_cells(tmp_path: Path) -> None:
    again = serial("resize_images", 9.9) | {"name": "bench_cell[resize_images-serial_again]"}
    told = changed(benchmarks=[serial("resize_images", 1.25), again, {"name": "bench_start"}])
    found = read(write(tmp_path, told), "a").ratios
    assert found[Ratio("serial_seconds", "resize_images-serial", 32)] == 1.25
    assert {ratio.kind for ratio in found} == {"speedup", "serial_seconds"}

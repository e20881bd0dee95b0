"""Runs are saved by machine, with their ratios; with nothing to compare with, a run fails."""

import json
import os
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.bench import saving, settings
from conlab.bench.saving import COMPARE, COMPLAINT, check_options, folder
from conlab.history.saved import Ratio, read
from tests.bench.made import PYTEST, ROOT
from tests.patience import patience

# Whose run it is


def test_no_two_builds_states_of_the_gil_or_numbers_of_cores_share_a_folder() -> None:
    states = [
        {"free_threaded": build, "gil": gil, "cores": cores}
        for build, gil in ((False, True), (True, False), (True, True))
        for cores in (1, 2, 12)
    ]
    names = [folder("Linux-CPython-3.14-64bit", **state) for state in states]  # type: ignore[arg-type]
    assert len(set(names)) == len(states)
    assert all(name.startswith("Linux-CPython-3.14-64bit-") for name in names)


class Session:
    """Stands in for pytest-benchmark's session, as it is when benchmarks have run."""

    def __init__(self, *timed: str, saved: tuple[str, ...] = (), **fields: Any) -> None:
        self.storage = SimpleNamespace(default_machine_id="Linux-CPython-3.14-64bit")
        self.machine_id = "Linux-CPython-3.14-64bit"
        self.benchmarks = [SimpleNamespace(fullname=name, has_error=False) for name in timed]
        self.compared_mapping = {"0001.json": dict.fromkeys(saved)} if saved else {}
        self.compare: Any = True
        self.compare_fail: Any = None
        vars(self).update(fields)


def config(session: Session, **options: Any) -> Any:
    """Pytest's configuration, with these options of pytest-benchmark."""
    return SimpleNamespace(
        stash={},
        option=SimpleNamespace(),
        pluginmanager=SimpleNamespace(get_plugin={"pytest-benchmark": session}.get),
        getoption=lambda name, default=None: options.get(name.removeprefix("benchmark_"), default),
    )


def test_the_folder_follows_the_gil_that_an_import_switched_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "free_threaded", lambda: True)
    folders, session = [], Session()
    for gil in (False, True):
        monkeypatch.setattr(settings, "gil_enabled", lambda gil=gil: gil)
        saving.pytest_benchmark_update_machine_info(config(session), {})
        folders.append(session.storage.default_machine_id)
    assert folders[0] != folders[1]
    assert "nogil" in folders[0]


def test_the_speed_of_the_clock_is_no_part_of_the_machine() -> None:
    info: dict[str, Any] = {"cpu": {"brand_raw": "Fast", "hz_actual": [1, 0], "count": 2}}
    saving.pytest_benchmark_update_machine_info(config(Session()), info)
    assert info["cpu"] == {"brand_raw": "Fast", "count": 2}
    assert info["usable_cores"] == settings.usable_cores()
    assert info["gil"] == settings.gil_enabled()


# Options that have nothing to act on


@pytest.mark.parametrize("option", ["save", "autosave", "compare", "compare_fail"])
def test_saving_and_comparing_need_something_timed(option: str) -> None:
    with pytest.raises(pytest.UsageError, match="needs --benchmark-only beside it"):
        check_options(config(Session(), **{option: "x"}))


def test_failing_by_comparison_needs_a_comparison() -> None:
    with pytest.raises(pytest.UsageError, match="needs --benchmark-compare beside it"):
        check_options(config(Session(), only=True, compare_fail=["mean:5%"]))


def test_what_to_compare_with_waits_for_the_folder() -> None:
    asked = config(Session(), only=True, compare="0001")
    check_options(asked)
    assert asked.option.benchmark_compare == []
    assert asked.stash[COMPARE] == "0001"


# A baseline that lacks what was timed


def finished(session: Session, status: int = 0) -> tuple[int, str]:
    """The exit status, and what is complained of."""
    run = SimpleNamespace(config=config(session), exitstatus=status)
    saving.pytest_sessionfinish(run)  # type: ignore[arg-type]
    return int(run.exitstatus), run.config.stash.get(COMPLAINT, "")


def test_a_comparison_in_which_each_has_its_baseline_passes() -> None:
    assert finished(Session("a", "b", saved=("a", "b", "c"), compare_fail=["x"])) == (0, "")


def test_a_benchmark_without_a_baseline_fails_where_failing_was_asked_for() -> None:
    status, said = finished(Session("a", "new", saved=("a",), compare_fail=["x"]))
    assert (status, said) == (1, "--benchmark-compare: the saved run does not hold new")
    assert finished(Session("a", "new", saved=("a",))) == (0, "")


def test_a_comparison_of_nothing_fails() -> None:
    status, said = finished(Session("new", saved=("a",)))
    assert (status, "none of these benchmarks" in said) == (1, True)
    for nothing_ran in (0, 5):
        status, said = finished(Session(saved=("a",)), nothing_ran)
        assert (status, "no benchmark was timed" in said) == (1, True)


def test_a_run_that_was_interrupted_stays_so() -> None:
    assert finished(Session(saved=("a",)), status=2)[0] == 2


def test_a_run_that_compares_nothing_is_left_alone() -> None:
    assert finished(Session("a", compare=[])) == (0, "")


# Whole runs


@dataclass(frozen=True)
class Ended:
    """A run that ended."""

    status: int
    said: str


def run(storage: Path, *arguments: str) -> Ended:
    """Measure a small cell, and both sides of a pitfall."""
    ended = subprocess.run(
        [
            *PYTEST,
            "--benchmark-only",
            "-q",
            "-p",
            "tests.bench.quick",
            "--workloads=dispatch_tasks",
            "--jobs=64",
            "-k=dispatch_tasks or gather_orphans",
            "tests/bench_matrix.py",
            "tests/bench_fixes.py",
            f"--benchmark-storage={storage}",
            *arguments,
        ],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(110),
    )
    return Ended(ended.returncode, ended.stdout + ended.stderr)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage with one run, each round in it."""
    folder = tmp_path_factory.mktemp("storage")
    ended = run(folder, "--models=threads", "--benchmark-autosave", "--benchmark-save-data")
    assert ended.status == 0, ended.said
    return folder


def only_file(storage: Path) -> Path:
    (file,) = storage.glob("*/*.json")
    return file


def test_a_run_is_saved_in_the_folder_of_its_machine(storage: Path) -> None:
    state = "gil" if settings.gil_enabled() else "nogil"
    assert only_file(storage).parent.name.endswith(f"-{state}-{settings.usable_cores()}cores")


def test_saved_ratios_are_those_of_the_seconds_beside_them(storage: Path) -> None:
    told = json.loads(only_file(storage).read_text("utf-8"))
    seconds = {}
    for benchmark in told["benchmarks"]:
        name = benchmark["name"].removesuffix("]").partition("[")[2]
        rounds = benchmark["stats"]["data"]
        visits = benchmark["extra_info"].get("visits")
        seconds[name] = statistics.geometric_mean(visits) if visits else statistics.median(rounds)
        assert not visits or min(rounds) <= min(visits) <= max(visits) <= max(rounds)
    serial = seconds["dispatch_tasks-serial"]
    expected = {
        Ratio("speedup", f"dispatch_tasks-{label}", 64): serial / seconds[f"dispatch_tasks-{label}"]
        for label in ("threads", "threads_by_64")
    }
    expected[Ratio("serial_seconds", "dispatch_tasks-serial", 64)] = statistics.median(
        next(
            benchmark["stats"]["data"]
            for benchmark in told["benchmarks"]
            if benchmark["name"] == "bench_cell[dispatch_tasks-serial]"
        )
    )
    found = dict(read(only_file(storage), "0001_run.json").ratios)
    fixes = {ratio: found.pop(ratio) for ratio in list(found) if ratio.jobs is None}
    floors = {ratio: found.pop(ratio) for ratio in list(found) if ratio.kind == "floor_share"}
    assert found == pytest.approx(expected)
    assert fixes
    for ratio, value in fixes.items():
        broken, fixed = (seconds[name] for name in (f"{ratio.of}-broken", f"{ratio.of}-fixed"))
        assert value == pytest.approx(broken / fixed)
    for ratio, value in floors.items():
        (law,) = {b["extra_info"]["work_law_seconds"] for b in told["benchmarks"]
                  if b["name"] == f"bench_cell[{ratio.of}]"}  # fmt: skip
        assert value == pytest.approx(law / seconds[ratio.of])


def test_a_cell_that_the_saved_run_lacks_fails_a_comparison(storage: Path) -> None:
    compare = ("--benchmark-compare", "--benchmark-compare-fail=mean:1000000%")
    ended = run(storage, "--models=threads,coroutines", *compare)
    assert ended.status == 1
    assert "--benchmark-compare: the saved run does not hold" in ended.said
    assert "bench_cell[dispatch_tasks-coroutines]" in ended.said
    assert "(0001_" in ended.said, "the others are compared all the same"


@pytest.mark.parametrize("damage", ["", "{"])
def test_a_missing_or_damaged_baseline_fails_before_anything_is_measured(
    tmp_path: Path, storage: Path, damage: str
) -> None:
    if damage:
        file = tmp_path / only_file(storage).parent.name / "0001_run.json"
        file.parent.mkdir()
        file.write_text(damage)
    ended = run(tmp_path, "--models=threads", "--benchmark-compare")
    assert ended.status == 4
    assert "no saved run of this machine" in ended.said
    assert "a run with --benchmark-autosave makes one" in ended.said
    assert ("Failed to load" in ended.said) == bool(damage)
    assert "dispatch_tasks:" not in ended.said

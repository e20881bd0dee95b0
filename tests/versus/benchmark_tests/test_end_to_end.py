"""A project that knows nothing of the lab, compared by ``pytest --versus`` alone.

Its functions count the time that they take, so that a machine's load changes nothing. Its conftest
has options of the names that the lab's have; its settings share tests among processes and skip
benchmarks.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.bench.made import PYTEST, ROOT
from tests.patience import patience
from tests.versus.benchmark_tests.test_trees import git

CODE = """
    import sys
    import time

    if sys.argv[0].endswith("worker.py"):
        passed = [0.0]
        time.perf_counter = lambda: passed[0]
    else:
        passed = [0.0]

    def take(seconds=0.01):
        passed[0] += seconds
        return seconds

    def other():
        return take(0.01)
    """
CONFTEST = """
    import pytest

    def pytest_addoption(parser):
        parser.addoption("--seed", type=int, default=3, help="ours")
        parser.addoption("--alpha", action="store_true", help="ours")
        parser.addoption("--budget", action="store_true", help="ours")

    @pytest.fixture(scope="session")
    def seed(request):
        assert not request.config.getoption("--alpha")
        return request.config.getoption("--seed")
    """
TESTS = """
    import pytest
    from shop import other, take

    def test_take(benchmark, seed):
        assert benchmark(take) > 0
        assert seed == 5

    def test_other(benchmark):
        benchmark.pedantic(other, rounds=3)

    def test_skipped(benchmark):
        pytest.skip("not today")

    def test_unused(benchmark):
        pass

    def test_plain():
        raise AssertionError("no benchmark")
    """
GONE = """

    def test_gone(benchmark):
        benchmark(take)
    """
SETTINGS = """
    [tool.pytest.ini_options]
    addopts = "-n 2 --benchmark-skip"
    pythonpath = ["lib"]
    testpaths = ["tests"]

    [tool.conlab.versus]
    clocks = ["wall"]
    """
NEW = """

    def test_added(benchmark):
        from shop import added
        benchmark(added)
    """


@dataclass(frozen=True)
class Ended:
    """A comparison that ended: its status, what it printed and what it wrote."""

    status: int
    said: str
    told: dict[str, Any]


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text))


def compare(root: Path, report: Path, *arguments: str) -> Ended:
    """Run pytest there, as its reader would, with the fewest pairs that can say anything."""
    few = ("-p", "tests.versus.benchmark_tests.few_pairs")
    command = [*PYTEST, "-pno:cov", *few, "--conlab-alpha=0.9", "--versus", *arguments]
    ended = subprocess.run(
        [*command, f"--benchmark-json={report}"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120", "TMPDIR": str(report.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(110),
    )
    told = json.loads(report.read_text("utf-8")) if report.exists() else {}
    return Ended(ended.returncode, ended.stdout + ended.stderr, told)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A project of which one function takes half as long again, and whose tests changed too."""
    root = tmp_path_factory.mktemp("shop")
    write(root, {"lib/shop.py": CODE, "tests/conftest.py": CONFTEST, "pyproject.toml": SETTINGS})
    write(root, {"tests/test_shop.py": TESTS + GONE})
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "before")
    changed = CODE.replace("seconds=0.01", "seconds=0.015") + "\n    added = other\n"
    text = TESTS.replace("> 0\n", "> 0.001\n") + NEW
    write(root, {"lib/shop.py": changed, "tests/test_shop.py": text})
    report = tmp_path_factory.mktemp("report") / "report.json"
    ended = compare(root, report, "HEAD", "--seed=5", "--conlab-budget=250")
    assert [each.name for each in report.parent.iterdir()] == ["report.json"]  # nothing is left
    return ended


def cells(ended: Ended) -> dict[str, Any]:
    found = ended.told["concurrency_lab"]["comparison"]["cells"]
    return {cell["cell"].partition("::")[2]: cell for cell in found}


def test_a_slowdown_is_found_in_tests_that_know_nothing_of_it(compared: Ended) -> None:
    assert compared.status == 1, compared.said
    said = "tests/test_shop.py::test_take got slower: +50.0% (+50.0% to +50.0%)"
    assert said in " ".join(compared.said.split())
    assert "Traceback" not in compared.said


def test_what_did_not_change_is_said_not_to_have(compared: Ended) -> None:
    assert cells(compared)["test_other"]["verdict"] == "no change that matters"


def test_a_pedantic_benchmark_is_called_no_more_often_than_it_says(compared: Ended) -> None:
    for pair in cells(compared)["test_other"]["pairs"]:
        assert [len(side) for side in pair["wall"]] == [2, 2]  # and one to warm up


def test_what_cannot_be_compared_is_named_and_counted_in_the_last_line(compared: Ended) -> None:
    found = cells(compared)
    assert found["test_skipped"]["absent"] == "working tree skips it: not today"
    assert found["test_unused"]["absent"] == "it does not call its benchmark on working tree"
    *_, summary, last = compared.said.strip().splitlines()
    assert last == "2 of 2 cells decided, 1 gone, 1 new, 2 left out"
    for counted in ("1 failed, 1 passed", "2 left out", "1 new"):
        assert counted in summary
    assert "test_plain" not in found


def test_a_new_test_of_new_code_is_new_and_fails_nothing(compared: Ended) -> None:
    said = cells(compared)["test_added"]
    assert said["failure"] is None
    assert "new: HEAD" in said["absent"]
    assert "cannot run it: ImportError: cannot import name 'added'" in said["absent"]


def test_a_test_whose_own_text_changed_is_told(compared: Ended) -> None:
    said = " ".join(compared.said.split())
    assert "the text of tests/test_shop.py::test_take is another than in HEAD" in said


def test_a_package_that_both_sides_would_import_from_one_place_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    tests = "import shop\n\n\ndef test_it(benchmark):\n    benchmark(int, 1)\n"
    conftest = f"import sys\nsys.path.insert(0, {str(root / 'lib')!r})\n"
    write(root, {"lib/shop.py": "", "conftest.py": conftest, "test_shop.py": tests})
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "before")
    ended = compare(root, tmp_path / "report.json", "HEAD")
    assert ended.status == pytest.ExitCode.USAGE_ERROR, ended.said
    assert "its tests import lib/shop.py of" in ended.said
    assert "both sides would run the same code" in ended.said
    assert "Traceback" not in ended.said

"""Whole comparisons by ``pytest --benchmark-only --versus``, in a process each.

The jobs count the time that they take, so that a machine's load changes nothing; all else is real.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest

from conlab import scratch
from tests.bench.made import PYTEST, ROOT
from tests.models.jobs import wait_until
from tests.patience import patience
from tests.versus.conftest import CLOCKED, Made


@dataclass(frozen=True)
class Ended:
    """A comparison that ended: its status, what it printed and what it wrote."""

    status: int
    said: str
    told: dict[str, Any]
    junit: str = ""


# The jobs count their time themselves. CPU seconds are the machine's own: between identical sides
# they may raise an alarm, with the alpha that these tests have.
COUNTED = "--clocks=wall,memory"


def command(*arguments: str) -> list[str]:
    """A comparison with the fewest pairs that can say anything."""
    usual = ("--benchmark-only", "-p", "tests.versus.quick", "--models=serial", "--alpha=0.9")
    return [*PYTEST, *usual, *arguments, "tests/bench_matrix.py"]


def compare(folder: Path, *arguments: str) -> Ended:
    """Run a comparison from the root of the clone; its temporary files go into the folder."""
    report = folder / "report.json"
    temporary = folder / "temporary"
    temporary.mkdir()
    ended = subprocess.run(
        command(*arguments, f"--benchmark-json={report}"),
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "120", "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(110),
    )
    assert list(temporary.iterdir()) == []
    told = json.loads(report.read_text("utf-8")) if report.exists() else {}
    junit = folder / "junit.xml"
    xml = junit.read_text("utf-8") if junit.exists() else ""
    return Ended(ended.returncode, ended.stdout + ended.stderr, told, xml)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, bool]:
    """Two workloads, one of which takes 50% longer in the tree than in its commit."""
    root = tmp_path_factory.mktemp("planted")
    made = Made(root, root / "grown_job.py")
    steady = root / "steady_job.py"
    for file in (made.file, steady):
        file.write_text(dedent(CLOCKED))
    made.git("init", "--quiet")
    made.git("add", ".")
    made.git("commit", "--quiet", "--message", "before")
    made.file.write_text(dedent(CLOCKED).replace("0.01", "0.015"))
    before = made.state()
    folder = tmp_path_factory.mktemp("report")
    files = (f"--workload={file}" for file in (made.file, steady))
    junit = f"--junitxml={folder / 'junit.xml'}"
    ended = compare(folder, *files, "--versus=HEAD", "--seed=17", COUNTED, junit)
    return ended, made.state() == before


@pytest.fixture(scope="module", autouse=True)
def _no_bytecode() -> Iterator[None]:
    """Importing the reader's file leaves its folder as it was, as far as tests can say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        yield


def test_a_planted_slowdown_is_found_and_the_run_fails(planted: tuple[Ended, bool]) -> None:
    ended, _ = planted
    assert ended.status == 1, ended.said
    assert "grown_job-serial got slower: +50.0% (+50.0% to +50.0%)" in ended.said
    assert "1 failed, 1 passed" in ended.said
    assert "Traceback" not in ended.said


def test_what_did_not_change_passes_in_the_same_run(planted: tuple[Ended, bool]) -> None:
    ended, _ = planted
    table = ended.said.partition("Did it get slower?")[2]
    row = next(line for line in table.splitlines() if line.startswith("steady_job-serial"))
    assert "no change that matters wall +0.0% (+0.0% to +0.0%)" in " ".join(row.split())
    assert "seed 17" in table
    assert "working tree: it has uncommitted changes" in table


def test_progress_is_shown_in_lines_where_there_is_no_terminal(planted: tuple[Ended, bool]) -> None:
    ended, _ = planted
    progress = ended.said.partition("Comparing with HEAD")[2].partition("Did it get slower?")[0]
    assert "grown_job-serial: slower, +50.0%" in progress
    assert "steady_job-serial: no change that matters" in progress


def test_every_number_is_in_the_json(planted: tuple[Ended, bool]) -> None:
    ended, _ = planted
    told = ended.told["concurrency_lab"]["comparison"]
    cells = {cell["cell"]: cell for cell in told["cells"]}
    assert {name: cell["verdict"] for name, cell in cells.items()} == {
        "grown_job-serial": "slower",
        "steady_job-serial": "no change that matters",
    }
    for cell in cells.values():
        assert len(cell["pairs"]) == cell["wall"]["pairs"]
        assert all(len(rounds) >= 2 for pair in cell["pairs"] for rounds in pair["wall"])
        assert cell["other_clocks"]["memory"] is not None
        assert all(each > 0 for pair in cell["pairs"] for side in pair["cpu"] for each in side)
    assert [side["name"] for side in told["sides"]][1] == "working tree"
    assert told["seed"] == 17


def test_junit_carries_verdict_estimate_interval_and_pairs(planted: tuple[Ended, bool]) -> None:
    cases = ElementTree.fromstring(planted[0].junit).iter("testcase")
    found = {
        case.attrib["name"]: {
            one.attrib["name"]: one.attrib["value"] for one in case.iter("property")
        }
        for case in cases
    }
    assert len(found) == 2
    slower = found["bench_cell[grown_job-serial]"]
    assert (slower["verdict"], slower["estimate"], slower["jobs"]) == (
        "slower",
        "+0.5000",
        "1 of 1",
    )
    assert {"low", "high", "pairs"} <= slower.keys()
    assert found["bench_cell[steady_job-serial]"]["verdict"] == "no change that matters"


def test_the_repository_is_as_it_was(planted: tuple[Ended, bool]) -> None:
    assert planted[1]


def test_identical_sides_pass(repository: Made, tmp_path: Path) -> None:
    ended = compare(tmp_path, f"--workload={repository.file}", "--versus=clocked..clocked", COUNTED)
    assert ended.status == 0, ended.said
    assert "1 passed" in ended.said


def test_what_the_budget_was_too_short_to_tell_is_counted_as_that(
    repository: Made, tmp_path: Path
) -> None:
    surely = ("--alpha=1e-12", "--budget=1")  # the first look would come after 40 pairs and more
    ended = compare(tmp_path, f"--workload={repository.file}", "--versus=clocked..clocked", *surely)
    assert ended.status == 6, ended.said
    assert "1 cannot tell" in ended.said.splitlines()[-2]
    assert ended.said.splitlines()[-1] == "0 of 1 cell decided"
    before = ended.said.partition("Did it get slower?")[0]
    assert "The budget is too short for any verdict: a first look takes 4" in before
    assert re.search(r"about \+0\.0% +1 of 1 .*\n +slower in 0 of \d+ pairs?", ended.said)


def test_a_workload_that_the_base_has_not_is_new_and_passes(
    repository: Made, tmp_path: Path
) -> None:
    ended = compare(tmp_path, f"--workload={repository.file}", "--versus=nothing")
    assert ended.status == 0, ended.said
    assert "new: square_numbers-serial: nothing (" in ended.said
    assert "has no file jobs/square_numbers.py" in ended.said
    assert ended.said.splitlines()[-1] == "0 of 0 cells decided, 1 new"


def test_a_failing_side_fails_the_run_and_a_missing_one_is_a_usage_error(
    repository: Made, tmp_path: Path
) -> None:
    ended = compare(tmp_path, f"--workload={repository.file}", "--versus=raises")
    assert ended.status == 1, ended.said
    assert "every job failed, the first with ValueError: no chance" in ended.said
    assert "Traceback" not in ended.said
    (tmp_path / "temporary").rmdir()
    ended = compare(tmp_path, f"--workload={repository.file}", "--versus=no-such")
    assert ended.status == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: 'no-such' is no revision that git knows" in ended.said
    assert "Traceback" not in ended.said


# Cut short


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent to a process by a signal")
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, pytest.ExitCode.INTERRUPTED), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
    ids=["ctrl-c", "terminated", "killed"],
)
def test_nothing_runs_on_when_it_is_cut_short(
    repository: Made, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    temporary, hanging = tmp_path / "temporary", tmp_path / "hanging"
    temporary.mkdir()
    process = subprocess.Popen(
        command(f"--workload={repository.file}", "--versus=hangs..hangs"),
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary), "HANGS_AT": str(hanging)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(hanging.exists)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        said, _ = process.communicate(timeout=patience(60))
    finally:
        process.kill()
    assert len(workers) == 1
    wait_until(lambda: not any(is_alive(one) for one in workers))
    assert process.returncode == status, said
    if number == signal.SIGKILL:
        assert list(temporary.iterdir()) != []
        scratch.sweep.__wrapped__(str(temporary))  # as the next run does
    assert list(temporary.iterdir()) == []


def is_alive(process: psutil.Process) -> bool:
    """Say whether it runs; whose parent is gone may stay a zombie as long as init likes."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

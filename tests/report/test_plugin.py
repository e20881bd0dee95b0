"""`pytest --report`: a run becomes a page; what cannot be one is said before it is measured."""

import json
import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.bench.made import PYTEST, ROOT
from tests.patience import patience

pytestmark = pytest.mark.skipif(find_spec("pygal") is None, reason="pygal is not installed")

CELLS = "tests/bench_matrix.py"


def ran(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*PYTEST, "-q", "-p", "tests.bench.quick", *arguments],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=patience(100),
        check=False,
    )


def test_a_run_with_levels_becomes_a_page_with_its_curves(tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    chosen = ("--workloads", "dispatch_tasks", "--models", "threads", "--jobs", "4,8")
    ended = ran("--benchmark-only", *chosen, "--report", str(page), CELLS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"The page of this run: {page}" in ended.stdout
    html = page.read_text("utf-8")
    assert 'id="workload-dispatch_tasks"' in html
    assert "dispatch_tasks by jobs" in html
    assert "did not come to its end" not in html
    assert "How dispatch_tasks grows with jobs" in ended.stdout


def test_the_page_of_an_interrupted_run_says_so_and_names_what_was_not_measured(
    tmp_path: Path,
) -> None:
    page, figures = tmp_path / "run.html", tmp_path / "run.json"
    chosen = ("--workloads", "dispatch_tasks", "--models", "serial,threads", "--jobs", "4")
    wanted = ("--report", str(page), f"--benchmark-json={figures}")
    ran("--benchmark-only", *chosen, *wanted, "-p", "tests.report.interrupting", CELLS)
    cells = {"dispatch_tasks": ["threads", "threads_by_64"]}
    left = {"why": "interrupted", "not_measured": cells, "others": 0}
    assert json.loads(figures.read_text("utf-8"))["concurrency_lab"]["broken_off"] == left
    html = page.read_text("utf-8")
    assert "This run did not come to its end (interrupted)" in html
    assert "Not measured: dispatch_tasks (threads, threads_by_64)." in html


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--report", "page.html", CELLS], "--report needs --benchmark-only beside it"),
        (
            ["--benchmark-only", "--report", "nowhere/page.html", CELLS],
            "--report .*nowhere/page.html: there is no folder",
        ),
        (
            ["--benchmark-only", "--workers", "1,2", "--versus", "HEAD", CELLS],
            "--workers: --versus compares at one value, and here are several",
        ),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_measured(
    arguments: list[str], sentence: str
) -> None:
    ended = ran(*arguments)
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert re.search(sentence, ended.stderr + ended.stdout)

"""``--cluster ADDRESS``: a scheduler that somebody else started, whose worker may lack things."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.made import PYTEST, ROOT
from tests.patience import patience

LIMIT = 100  # seconds
CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(1, processes=False, protocol="tcp", dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()  # until nobody needs it any more
"""


@contextmanager
def cluster(folder: Path, python_path: str) -> Iterator[str]:
    """A scheduler and its worker in one process, started in ``folder``; gives its address."""
    script = folder / "cluster.py"
    script.write_text(CLUSTER)
    with subprocess.Popen(
        [sys.executable, str(script)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": python_path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(patience(LIMIT))


def run(address: str) -> "subprocess.CompletedProcess[str]":
    """Run one cell of the suite there."""
    options = ["--workloads=dispatch_tasks", "--models=cluster", "--jobs=3", f"--cluster={address}"]
    command = [*PYTEST, "--benchmark-only", "-p", "tests.bench.quick", *options]
    return subprocess.run(
        [*command, "tests/bench_matrix.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(LIMIT),
    )


@pytest.fixture(autouse=True)
def dask() -> None:
    pytest.importorskip("distributed", reason="Dask's distributed has no wheel for this build")


def test_workers_that_find_the_workloads_do_the_jobs(tmp_path: Path) -> None:
    with cluster(tmp_path, str(ROOT)) as address:
        ended = run(address)
    assert ended.returncode == 0, ended.stdout
    assert "dispatch_tasks: 3 jobs" in ended.stdout
    assert "\ncluster" in ended.stdout


def test_workers_that_do_not_find_the_workloads_are_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "workloads.py").write_text("# somebody else's module of that name\n")
    with cluster(tmp_path, str(tmp_path)) as address:
        ended = run(address)
    assert ended.returncode == 1
    assert f"--cluster {address}: it cannot import dispatch_tasks; start scheduler" in ended.stdout
    assert "error" not in ended.stdout.splitlines()[-1]  # it has failed, and nothing else has
    assert "Traceback" not in ended.stdout + ended.stderr

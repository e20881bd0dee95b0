"""``--cluster ADDRESS``: a scheduler that somebody else started, whose worker may lack things."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.made import PYTEST, ROOT
from tests.models import jobs
from tests.patience import patience
from workloads.models import BATCH
from workloads.models import cluster as model

LIMIT = 100  # seconds
CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    apart = sys.argv[1] == "apart"
    workers = {"n_workers": 2 if apart else 1, "processes": apart, "protocol": "tcp"}
    with LocalCluster(**workers, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()  # until nobody needs it any more
"""


@contextmanager
def cluster(folder: Path, python_path: str) -> Iterator[str]:
    """A scheduler and its worker in one process, started in ``folder``; gives its address."""
    with cluster_process(folder, python_path, "together") as (address, _process):
        yield address


@contextmanager
def cluster_process(
    folder: Path, python_path: str, workers: str
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The same with the process; or with two workers ``"apart"``, in processes of their own."""
    script = folder / "cluster.py"
    script.write_text(CLUSTER)
    with subprocess.Popen(
        [sys.executable, str(script), workers],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": python_path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip(), process
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


# A scheduler or a worker that is lost midway


JOBS = 2 * BATCH  # not all of them have been sent when the first results come


@pytest.mark.timeout(600)  # an outer net, for a machine however busy
def test_of_a_scheduler_that_is_killed_the_results_that_came_are_kept(tmp_path: Path) -> None:
    with (
        cluster_process(tmp_path, str(ROOT), "together") as (address, process),
        model.pool(None, in_flight=4, workers=2, cluster=address) as run,
    ):
        results = run(jobs.square, range(JOBS))
        kept = [next(results) for _ in range(model.CHUNK)]
        process.kill()
        process.wait()
        rest = list(results)
    assert kept == [number * number for number in range(model.CHUNK)]
    assert len(kept) + len(rest) == JOBS
    assert rest[-1] == model.SCHEDULER_LOST
    came = [result for result in rest if result != model.SCHEDULER_LOST]
    assert came == [number * number for number in range(model.CHUNK, model.CHUNK + len(came))]


@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows stops no process")
def test_a_worker_elsewhere_that_is_stopped_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scheduler would wait for it for five minutes, and is told to give it up before."""
    monkeypatch.setattr(model, "SILENT_LIMIT", patience(1))  # the others are only slow
    tasks = [(number, os.getpid(), tmp_path) for number in range(20)]
    with (
        cluster_process(tmp_path, str(ROOT), "apart") as (address, _process),
        model.pool(None, in_flight=4, workers=2, cluster=address) as run,
    ):
        assert list(run(jobs.stop_worker, tasks)) == list(range(20))
    assert (tmp_path / "stopped").exists()

"""Ctrl-C, a killed worker, a killed parent: what was begun is tidied up, nothing stays behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from conlab.bench.discovery import Model
from tests.models.contract import WORKERS, at_once, opened, work
from tests.patience import patience
from workloads.models.failure import Failure

LIMIT = 60.0  # seconds that a busy machine may take
WITHOUT_GIL = not getattr(sys, "_is_gil_enabled", lambda: True)()
# A thread cannot be ended from outside; without a GIL, the hybrid computes in threads.
DIES_WITH_ITS_JOBS = ("threads", "interpreters", *(["hybrid"] if WITHOUT_GIL else []))
HAVE_WORKERS = ("processes", "cluster", *([] if WITHOUT_GIL else ["hybrid"]))

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no process group to send a signal to"
)


@pytest.fixture(autouse=True)
def present(model: Model) -> None:
    if reason := model.module.absent():
        pytest.skip(reason)


@pytest.fixture
def program(model: Model, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The program with its pool at work, in a session of its own, ended at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.models.interrupted", model.name, str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        busy = WORKERS if model.name in ("processes", "cluster", "hybrid") else at_once(model)
        wait_until(lambda: len(under_way(tmp_path)) >= busy or process.poll() is not None)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def under_way(folder: Path) -> list[Path]:
    return list(folder.glob("*.part"))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + patience(LIMIT)
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def runs(process: psutil.Process) -> bool:
    """Whether it is still there and no zombie, in one look: it may end between two."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def session(leader: int) -> list[psutil.Process]:
    """The processes of the program's session that still run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(process.pid) == leader and runs(process):
                found.append(process)
    return found


def test_ctrl_c_ends_the_program_and_leaves_nothing(
    model: Model, program: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    os.killpg(program.pid, signal.SIGINT)  # as a terminal does
    said = ""
    if model.name in DIES_WITH_ITS_JOBS:
        assert program.stderr
        said = program.stderr.readline()
        assert said.startswith("Interrupted: waiting for")
        (tmp_path / "go").touch()
    said += program.communicate(timeout=patience(LIMIT))[1]
    assert program.returncode == 130, said
    assert "Traceback" not in said
    wait_until(lambda: not session(program.pid))
    if model.name != "cluster":  # its jobs run in threads of workers that had to be killed
        assert under_way(tmp_path) == []
    begun_after = 0 if model.name not in DIES_WITH_ITS_JOBS else at_once(model)
    assert len(list(tmp_path.glob("*.done"))) <= begun_after


def test_a_killed_parent_takes_its_workers_along(program: "subprocess.Popen[str]") -> None:
    program.kill()
    program.wait(patience(LIMIT))
    wait_until(lambda: not session(program.pid))


def test_a_worker_killed_between_two_runs_costs_nothing(model: Model) -> None:
    if model.name not in HAVE_WORKERS:
        pytest.skip(f"{model.name}: its jobs are done in the calling process")
    with opened(model) as run:
        before = set(psutil.Process().children(recursive=True))
        pids = set(run(work(model, "pid_of_worker"), range(50)))
        victim = next(process for process in before if process.pid in pids)
        victim.kill()
        wait_until(lambda: not runs(victim))
        assert list(run(work(model, "square"), range(20))) == [n * n for n in range(20)]


@pytest.mark.timeout(600)  # an outer net: a worker of a cluster takes seconds to start
def test_a_killed_worker_costs_at_most_the_jobs_under_way(model: Model) -> None:
    if model.name not in HAVE_WORKERS:
        pytest.skip(f"{model.name}: its jobs are done in the calling process")
    with opened(model) as run:
        results = list(run(work(model, "kill_worker"), range(40)))
        lost = [number for number, result in enumerate(results) if isinstance(result, Failure)]
        assert 7 in lost
        # Dask fails what a worker's other threads did; a crew loses the one job.
        assert len(lost) <= (WORKERS * at_once(model) if model.name == "cluster" else 1)
        assert all(results[n] == n for n in range(40) if n not in lost)
        assert list(run(work(model, "square"), range(3))) == [0, 1, 4]


@pytest.mark.timeout(600)
def test_a_stopped_worker_of_a_cluster_costs_nothing(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reports no more, is given up, and its jobs are done by another."""
    if model.name != "cluster":
        pytest.skip(f"{model.name}: this is for the watchdog of the bench to see")
    from workloads.models import cluster

    assert cluster.DASK["distributed.scheduler.worker-ttl"] == f"{cluster.SILENT_LIMIT} s"
    monkeypatch.setitem(cluster.DASK, "distributed.scheduler.worker-ttl", f"{patience(2):.1f} s")
    with opened(model) as run:
        tasks = [(n, os.getpid(), tmp_path) for n in range(20)]
        assert list(run(work(model, "stop_worker"), tasks)) == list(range(20))
    assert (tmp_path / "stopped").exists()
    stopped = int((tmp_path / "stopped").read_text())
    wait_until(lambda: not (psutil.pid_exists(stopped) and runs(psutil.Process(stopped))))


def test_a_job_whose_worker_was_ended_because_of_another_runs_again(
    model: Model, tmp_path: Path
) -> None:
    if model.name not in HAVE_WORKERS or model.name == "cluster":
        pytest.skip(f"{model.name}: the death of one worker ends no other")
    with opened(model) as run:
        results = list(run(work(model, "die_beside_another"), [(n, tmp_path) for n in range(2)]))
    assert results[0] == "done at the second attempt"
    assert isinstance(results[1], Failure)
    assert results[1].type == "WorkerDied"

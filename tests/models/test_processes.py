"""What only the processes' model promises."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.models import jobs
from workloads.models import hybrid, processes
from workloads.models.interrupts import Deferral

NO_SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
IN_TIME = pytest.mark.timeout(300)  # an outer net, for a machine however busy


@NO_SIGNALS
def test_an_idle_worker_ends_when_told_although_no_signal_ends_its_wait() -> None:
    """Its pool joins it, without a limit, when another worker was killed."""
    with processes.pool(None, workers=2, start_method="forkserver") as run:
        (pid,) = run(jobs.tell_idle_worker_to_end, [0])
        jobs.wait_until(lambda: not psutil.pid_exists(pid))
        assert list(run(jobs.square, range(3))) == [0, 1, 4]


# A worker that dies or stops while the pool starts


@contextmanager
def started(folder: Path, then: Callable[[list[psutil.Process]], Any]) -> Iterator[Any]:
    """Start a pool whose two workers wait in their client, ``then`` do something to them."""

    def act() -> None:
        jobs.wait_until(lambda: len(list(folder.glob("*.waits"))) == 2)
        found = sorted(int(path.stem) for path in folder.glob("*.waits"))
        then([psutil.Process(pid) for pid in found])

    other = threading.Thread(target=act)
    other.start()
    try:
        client = partial(jobs.client_that_waits, folder)
        with processes.pool(client, workers=2, start_method="forkserver") as run:
            yield run
    finally:
        other.join()


def gone(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@NO_SIGNALS
@IN_TIME
@pytest.mark.parametrize("victim", ["the first", "the last", "their forkserver"])
def test_a_worker_that_dies_while_the_pool_starts_is_noticed_at_once(
    victim: str, tmp_path: Path
) -> None:
    """And not when it has not been ready for START_LIMIT, which would be another sentence."""
    workers: list[psutil.Process] = []

    def kill(found: list[psutil.Process]) -> None:
        workers.extend(found)
        parent = found[0].parent()
        assert parent
        {"the first": found[0], "the last": found[1], "their forkserver": parent}[victim].kill()

    with (
        pytest.raises(BrokenProcessPool, match=r"^a worker process died while the pool started$"),
        started(tmp_path, kill),
    ):
        pass
    jobs.wait_until(lambda: all(map(gone, workers)))
    with processes.pool(None, workers=2, start_method="forkserver") as run:
        assert list(run(jobs.square, range(3))) == [0, 1, 4]


@NO_SIGNALS
@IN_TIME
def test_a_worker_that_is_stopped_while_the_pool_starts_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers: list[psutil.Process] = []

    def stop(found: list[psutil.Process]) -> None:
        workers.extend(found)
        found[0].suspend()
        jobs.wait_until(lambda: found[0].status() == psutil.STATUS_STOPPED)
        (tmp_path / "go").touch()  # for the other one

    def wait_no_longer(_self: Any, _future: Any, limit: float) -> None:
        assert limit == processes.START_LIMIT
        jobs.wait_until(lambda: any(tmp_path.glob("*.entered")))

    monkeypatch.setattr(Deferral, "wait_for", wait_no_longer)
    with pytest.raises(BrokenProcessPool) as caught, started(tmp_path, stop):
        pass
    stopped = " (stopped)" if sys.platform == "linux" else ""
    assert str(caught.value).startswith("worker process ")
    assert f"{workers[0].pid}{stopped}" in str(caught.value)
    assert str(caught.value).endswith(" did not stand ready within 60 s")
    jobs.wait_until(lambda: all(map(gone, workers)))


# A worker that is stopped later


@NO_SIGNALS
@IN_TIME
def test_a_worker_that_is_stopped_and_continued_costs_nothing(tmp_path: Path) -> None:
    def stop_for_a_while() -> None:
        (pid,) = waited_for(tmp_path, "*.part")
        worker = psutil.Process(pid)
        worker.suspend()
        jobs.wait_until(lambda: worker.status() == psutil.STATUS_STOPPED)
        (tmp_path / "go").touch()
        worker.resume()

    other = threading.Thread(target=stop_for_a_while)
    with processes.pool(None, workers=2, start_method="forkserver") as run:
        other.start()
        results = list(run(jobs.say_pid_and_wait, [(n, tmp_path) for n in range(3)]))
        other.join()
    assert results == [0, 1, 2]


def waited_for(folder: Path, pattern: str) -> list[int]:
    jobs.wait_until(lambda: any(folder.glob(pattern)))
    return [int(path.stem) for path in folder.glob(pattern)][:1]


@NO_SIGNALS
@IN_TIME
def test_a_worker_that_is_stopped_before_its_pool_ends_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with processes.pool(None, workers=2, start_method="forkserver") as run:
        (pid,) = set(run(jobs.pid_of_worker, [0]))
        worker = psutil.Process(pid)
        worker.suspend()
        jobs.wait_until(lambda: worker.status() == psutil.STATUS_STOPPED)
        monkeypatch.setattr(processes, "END_LIMIT", 0.5)
    assert gone(worker)


@NO_SIGNALS
@IN_TIME
@pytest.mark.parametrize("module", [processes, hybrid], ids=["processes", "hybrid"])
def test_a_pool_knows_which_job_each_worker_is_doing(module: Any, tmp_path: Path) -> None:
    if module is hybrid and not hybrid.has_gil():
        pytest.skip("without a GIL, the hybrid computes in threads")
    seen: list[tuple[int, dict[int, Any]]] = []
    job = (7, tmp_path)

    def look() -> None:
        (pid,) = waited_for(tmp_path, "*.part")
        jobs.wait_until(lambda: bool(module.doing()))
        seen.append((pid, module.doing()))
        (tmp_path / "go").touch()

    other = threading.Thread(target=look)
    other.start()
    settings: dict[str, Any] = {"workers": 2, "start_method": "forkserver"}
    if module is processes:
        with processes.pool(None, **settings) as run:
            assert list(run(jobs.say_pid_and_wait, [job])) == [7]
    else:
        with hybrid.pool(None, in_flight=2, loop="asyncio", **settings) as run:
            work = (jobs.fetch_same, jobs.say_pid_and_wait_fetched)
            assert list(run(work, [job])) == [7]
    other.join()
    ((pid, doing),) = seen
    assert doing == {pid: job}
    assert module.doing() == {}


# Helpers that are killed between two pools


@NO_SIGNALS
@IN_TIME
def test_helpers_that_were_killed_between_two_cells_are_started_again() -> None:
    """In a process of its own, whose helpers nobody else needs."""
    program = """
        import warnings
        from multiprocessing import forkserver, resource_tracker

        import psutil

        from conlab.bench import costs
        from tests.models import jobs
        from workloads.models import processes

        def squares():
            with processes.pool(None, workers=2, start_method="forkserver") as run:
                return list(run(jobs.square, range(3)))

        def pids():
            one, other = forkserver._forkserver, resource_tracker._resource_tracker
            return one._forkserver_pid, other._pid

        if __name__ == "__main__":
            warnings.simplefilter("error")
            costs.start_helpers("forkserver")
            assert squares() == [0, 1, 4]
            killed = [psutil.Process(pid) for pid in pids()]
            for helper in killed:
                helper.kill()
                jobs.wait_until(lambda: helper.status() == psutil.STATUS_ZOMBIE)
            costs.start_helpers("forkserver")
            assert squares() == [0, 1, 4]
            assert not set(pids()) & {helper.pid for helper in killed}
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


# Where no semaphore can be made


def test_processes_are_absent_where_no_semaphore_can_be_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import _multiprocessing  # type: ignore[import-not-found]  # typeshed has it not

    def refuse(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    assert processes.absent() is None
    monkeypatch.setattr(_multiprocessing, "SemLock", refuse)
    reason = processes.absent()
    assert reason
    assert reason.startswith("needs semaphores, and none can be made here: ")
    assert "Read-only file system" in reason
    assert hybrid.absent() == (reason if hybrid.has_gil() else None)


def in_other_mounts(setup: str, program: str) -> "subprocess.CompletedProcess[str]":
    """Run a program where something else is mounted; skip the test if this may not be."""
    unshare = ["unshare", "--mount", "sh", "-c"]
    if subprocess.run([*unshare, setup], capture_output=True, check=False).returncode:
        pytest.skip("no other mounts can be made here")
    return subprocess.run(
        [*unshare, f'{setup}; exec "$@"', "sh", sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no /dev/shm")
@IN_TIME
@pytest.mark.parametrize(
    "setup",
    [
        "mount -t tmpfs -o ro tmpfs /dev/shm",
        "mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3",
    ],
    ids=["read-only", "not there"],
)
def test_every_model_is_absent_or_works_where_dev_shm_is(setup: str) -> None:
    ended = in_other_mounts(
        setup,
        """
        from conlab.bench import discovery
        from tests.models.contract import opened, work

        if __name__ == "__main__":
            for model in discovery.models():
                reason = model.module.absent()
                if not reason:
                    with opened(model) as run:
                        assert list(run(work(model, "square"), range(3))) == [0, 1, 4]
                print(model.name, reason, sep=": ")
        """,
    )
    assert ended.returncode == 0, ended.stderr
    said = dict(line.split(": ", 1) for line in ended.stdout.splitlines())
    assert said["threads"] == said["coroutines"] == "None"
    assert said["processes"].startswith("needs semaphores, and none can be made here: ")
    if hybrid.has_gil():
        assert said["hybrid"] == said["processes"]
    assert said["cluster"].startswith("needs ")

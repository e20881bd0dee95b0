"""A cell at a standstill is broken off and says why; the run goes on and nothing is left behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from conlab.bench import contention, costs, measuring, watchdog
from conlab.bench.discovery import Cell, Model, Workload
from conlab.bench.inputs import Inputs
from conlab.bench.measuring import Matrix
from conlab.bench.own_job.bench_own_job import said
from conlab.bench.running import CellFailed, OpenCell
from conlab.bench.watchdog import Watchdog
from tests.bench.made import PROCESSES, SERIAL, Stopwatch, model, settings, workload
from tests.models import jobs
from tests.patience import patience
from workloads.models import cluster, hybrid
from workloads.models.failure import attempt

LIMIT = 60.0  # seconds that a busy machine may take
pytestmark = pytest.mark.timeout(600)  # an outer net, for a machine however busy


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short and few rounds, and little patience."""
    monkeypatch.setattr(measuring, "BUDGET", 0.0)
    monkeypatch.setattr(measuring, "WATCH", 0.0)
    monkeypatch.setattr(watchdog, "FLOOR", 1.0)


def matrix_of(found: Workload, *models: Model) -> Matrix:
    chosen = settings(workloads=(found,), models=(SERIAL, *models))
    return Matrix(chosen, Inputs(chosen, small=True))


@pytest.fixture
def floor_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long serial took, which a busy machine decides, adds nothing to what is waited for."""
    monkeypatch.setattr(watchdog, "FACTOR", 0)


def for_ever() -> Iterator[Any]:
    """Results that never come; Ctrl-C may."""
    never = threading.Event()
    while not never.wait(0.1):
        pass
    yield


class Looks:
    """Stands in for how long a thread was kept from a core: ``each`` second more at each look."""

    def __init__(self, each: float) -> None:
        self.each = each
        self.count = 0
        self.ready = 0.0
        self.last = 0  # after which there is none until ``go_on``
        self.may_look = threading.Event()
        self.may_look.set()

    def __call__(self) -> dict[int, float]:
        assert self.may_look.wait(patience(LIMIT))
        self.count += 1
        self.ready += self.each
        if self.count == self.last:
            self.may_look.clear()
        return {1: self.ready}

    def wait_for_more(self, more: int) -> None:
        """Return when there were so many more, two at least; the next comes when it may."""
        self.may_look.clear()  # but one may be under way
        self.last = self.count + more
        self.go_on()
        jobs.wait_until(lambda: self.count == self.last)

    def go_on(self) -> None:
        self.may_look.set()


STOPS = pytest.mark.skipif(sys.platform == "win32", reason="Windows stops no process")


@STOPS
@pytest.mark.parametrize(
    "under",
    [PROCESSES, Model("hybrid", hybrid), Model("cluster", cluster)],
    ids=lambda under: under.name,
)
def test_a_stopped_worker_ends_its_cell_and_no_other(
    under: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (reason := under.module.absent()) or (under.name == "hybrid" and not hybrid.has_gil()):
        pytest.skip(reason or "without a GIL, the hybrid computes in threads")
    tasks = [(number, os.getpid(), tmp_path) for number in range(20)]
    found = workload(
        jobs=lambda: iter(tasks),
        work=jobs.stop_worker,
        fetch_async=jobs.fetch_same,
        compute=jobs.stop_worker_fetched,
    )
    matrix = matrix_of(found, under)
    others = costs.children_left(None)  # the session's origin, should it have one by now
    looks = Looks(1.0)  # no time counts until the worker is stopped, however long that takes
    monkeypatch.setattr(contention, "seconds_ready_in_tree", looks)
    stopping = threading.Thread(target=lambda: count_from_now(looks, tmp_path / "stopped"))
    stopping.start()
    with pytest.raises(CellFailed) as caught:
        matrix.measure(Cell(found, under), Stopwatch())
    pid = int((tmp_path / "stopped").read_text())
    start, _, end = str(caught.value).partition(": worker process ")
    assert start.startswith(f"my_job-{under.name}: it gave no result for ")
    assert end.startswith(f"{pid} is stopped")
    if under.name != "cluster":
        assert end.startswith(f"{pid} is stopped, its job is (7, {os.getpid()}, ")
    assert costs.children_left(None) == others
    stopping.join()
    looks.each = 1.0
    matrix.measure(Cell(found, under), Stopwatch())  # its worker is not stopped again
    assert [one.cell.model for one in matrix.measured] == [under]


def count_from_now(looks: Looks, stopped: Path) -> None:
    jobs.wait_until(stopped.exists)
    looks.each = 0.0


@pytest.mark.usefixtures("floor_alone")
def test_a_cell_without_workers_is_broken_off_as_by_ctrl_c() -> None:
    ended = []

    def never(_work: Any, _jobs: Iterable[Any]) -> Iterator[Any]:
        try:
            yield from for_ever()
        finally:
            ended.append("tidied up")

    found = workload()
    with pytest.raises(CellFailed, match=r"^my_job-sleepers: it gave no result for 1 s: "):
        matrix_of(found).measure(Cell(found, model("sleepers", never)), Stopwatch())
    assert ended == ["tidied up"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_run_that_is_deaf_to_ctrl_c_is_broken_off_all_the_same() -> None:
    def never(_work: Any, _jobs: Iterable[Any]) -> Iterator[Any]:
        return for_ever()

    found = workload()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(CellFailed):
            matrix_of(found).measure(Cell(found, model("sleepers", never)), Stopwatch())
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("floor_alone")
def test_a_process_that_keeps_the_main_thread_from_hearing_it_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a forkserver does that is stopped: Ctrl-C waits until it has answered."""
    monkeypatch.setattr(watchdog, "GRACE", patience(1.0))
    status: list[int] = []

    def wait_for_a_child(_work: Any, _jobs: Iterable[Any]) -> Iterator[Any]:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            while not status:
                with suppress(KeyboardInterrupt):
                    status.append(child.wait())
        return iter(())

    found = workload()
    with pytest.raises(CellFailed, match=r"^my_job-waiters: it gave no result for 1 s: "):
        matrix_of(found).measure(Cell(found, model("waiters", wait_for_a_child)), Stopwatch())
    assert status == [-signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM]


def test_while_results_come_a_cell_is_not_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(0.0)
    monkeypatch.setattr(contention, "seconds_ready_in_tree", looks)
    monkeypatch.setattr(watchdog, "FLOOR", 0.5)
    runs = []

    def slow(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
        runs.append(work)
        for job in jobs:
            if len(runs) == 2:  # after the first, which asks whether workers can import
                looks.wait_for_more(watchdog.LOOKS // 2)
            yield attempt(work, job)
        looks.go_on()

    found = workload()
    matrix = matrix_of(found)
    matrix.measure(Cell(found, model("snails", slow)), Stopwatch())
    assert looks.count > watchdog.LOOKS
    assert len(matrix.measured) == 1


def test_time_in_which_others_had_the_cores_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = Looks(1.0)  # more than there is between two looks
    monkeypatch.setattr(contention, "seconds_ready_in_tree", looks)
    monkeypatch.setattr(watchdog, "FLOOR", 0.5)
    runs = []

    def slow(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
        runs.append(work)
        if len(runs) == 2:
            looks.wait_for_more(3 * watchdog.LOOKS)
            looks.go_on()
        for job in jobs:
            yield attempt(work, job)

    found = workload()
    matrix = matrix_of(found)
    matrix.measure(Cell(found, model("snails", slow)), Stopwatch())
    assert len(matrix.measured) == 1


def test_that_those_who_look_on_are_kept_from_the_cores_is_no_excuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = Looks(1.0)  # more than there is between two looks
    monkeypatch.setattr(
        contention, "seconds_ready_in_tree", lambda: {threading.get_native_id(): looks()[1]}
    )
    monkeypatch.setattr(watchdog, "FLOOR", 0.5)

    def never(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
        pause = threading.Event()
        while looks.count < 10 * watchdog.LOOKS:
            pause.wait(0.01)
        return (attempt(work, job) for job in jobs)

    found = workload()
    with pytest.raises(CellFailed, match="it gave no result for"):
        matrix_of(found).measure(Cell(found, model("sleepers", never)), Stopwatch())


def test_a_cell_has_many_times_as_long_as_serial_or_its_own_first_run() -> None:
    cell = Cell(workload(), SERIAL)
    watched = Watchdog(cell, 2.0, None)
    open_cell = OpenCell(cell, None, lambda: iter(()))
    assert watched.limit(open_cell) == watchdog.FLOOR + 2.0 * watchdog.FACTOR
    open_cell.longest = 3.0
    assert watched.limit(open_cell) == watchdog.FLOOR + 3.0 * watchdog.FACTOR


@pytest.mark.parametrize("step", range(8))
def test_whoever_is_interrupted_while_it_ends_can_end_it_again(step: int) -> None:
    """Its own interrupt may come just then: nothing is left locked by half a step."""
    cell = Cell(workload(), SERIAL)
    watched, steps = Watchdog(cell, 2.0, None), count()
    watched.watch(OpenCell(cell, None, lambda: iter(())))

    def interrupt(frame: FrameType, _event: str, _value: Any) -> Any:
        frame.f_trace_lines = False  # only where functions begin and end
        if next(steps) == step:
            raise KeyboardInterrupt
        return interrupt

    before = sys.gettrace()
    try:
        sys.settrace(interrupt)
        watched.end()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    ending = threading.Thread(target=watched.end, daemon=True)
    ending.start()
    ending.join(patience(60))
    assert not ending.is_alive()


def test_a_reader_s_own_job_says_it_in_a_sentence_too() -> None:
    assert said(CellFailed("my_job-processes: it gave no result"), "my_job.py") == (
        "my_job-processes: it gave no result"
    )


def test_a_pool_that_breaks_is_said_in_a_sentence() -> None:
    from concurrent.futures.process import BrokenProcessPool

    def breaks(_work: Any, _jobs: Iterable[Any]) -> Iterator[Any]:
        raise BrokenProcessPool("a worker process died while the pool started")

    found = workload()
    with pytest.raises(CellFailed) as caught:
        matrix_of(found).measure(Cell(found, model("vases", breaks)), Stopwatch())
    assert str(caught.value) == "my_job-vases: a worker process died while the pool started"

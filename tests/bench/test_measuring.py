"""Measuring a cell: what is checked, what is counted, and what makes a cell fail."""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.bench import costs, measuring, running, visits
from conlab.bench.discovery import Cell, Model, Workload
from conlab.bench.evidence import job_memory
from conlab.bench.floors import Floor
from conlab.bench.inputs import Inputs
from conlab.bench.measured import Measured
from conlab.bench.measuring import Matrix
from conlab.bench.neighbours import Neighbours
from conlab.bench.running import CellAbsent, Tally
from conlab.bench.sameness import difference
from conlab.bench.settings import usable_cores
from conlab.bench.words import MEBI
from conlab.errors import UserError
from tests.bench.made import (
    SERIAL,
    THREADS,
    Stopwatch,
    beside_the_models,
    crowded,
    model,
    module,
    settings,
    workload,
)
from workloads.models import coroutines
from workloads.models.failure import attempt

COROUTINES = Model("coroutines", coroutines)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few and short rounds: here they need only be there."""
    monkeypatch.setattr(measuring, "BUDGET", 0.0)
    monkeypatch.setattr(measuring, "WATCH", 0.0)
    # It would look through all that pytest keeps, for a figure that no test here asks for.
    monkeypatch.setattr(measuring, "gc", SimpleNamespace(collect=lambda: None))


def matrix_of(found: Workload, *models: Model, **options: Any) -> Matrix:
    chosen = settings(workloads=(found,), models=(SERIAL, *models), **options)
    return Matrix(chosen, Inputs(chosen, small=True))


def measure(
    found: Workload, under: Model = THREADS, disabled: bool = False, **options: Any
) -> Matrix:
    """Measure one cell; give the matrix that it was measured in."""
    matrix = matrix_of(found, under, **options)
    matrix.measure(Cell(found, under), Stopwatch(disabled))
    return matrix


def honest(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
    for job in jobs:
        yield attempt(work, job)


# What is seen of the jobs


def test_the_seconds_that_jobs_took_to_be_made_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count()
    monkeypatch.setattr(running, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    tally = Tally()
    assert list(running.counted(iter("ab"), tally)) == ["a", "b"]
    assert (tally.jobs, tally.making) == (2, 3)  # and the end of them was asked for as well


def test_jobs_that_are_made_before_the_first_is_given_are_counted_as_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Making them takes a thousand seconds by a clock that nothing else moves on by as much."""
    clock = SimpleNamespace(now=0.0)

    def jobs() -> list[int]:
        clock.now += 1000
        return [*range(4)]

    monkeypatch.setattr(
        running, "time", SimpleNamespace(perf_counter=lambda: time.perf_counter() + clock.now)
    )
    (one,) = measure(workload(jobs=jobs), SERIAL).measured
    assert one.evidence.making >= 1000


def test_serial_alone_shows_what_sending_a_job_costs() -> None:
    (serial,) = measure(workload(), SERIAL).measured
    (threads,) = measure(workload(), THREADS).measured
    assert serial.evidence.sent
    assert serial.evidence.sent.size > 0
    assert threads.evidence.sent is None


def test_a_model_whose_jobs_need_more_memory_than_is_free_is_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @contextmanager
    def taken() -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(given_back=1024 * MEBI)

    monkeypatch.setattr(job_memory, "taken", taken)
    monkeypatch.setattr(job_memory, "free", lambda: 1500 * MEBI)
    with pytest.raises(CellAbsent, match=r"2 of its jobs at once would need 2\.0 GiB"):
        measure(workload())
    assert measure(workload(), SERIAL).measured


def test_one_short_run_does_not_decide_whether_jobs_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run is as if it had waited; those after it do not."""
    shares = iter([1.0, 0.0])
    monkeypatch.setattr(costs, "waiting_since", lambda _: next(shares))
    found = workload()
    matrix = matrix_of(found, THREADS)
    matrix.inputs.small = False
    assert not matrix.run_serial(found).waits


# What a cell must do: what serial does


def test_a_right_cell_is_measured_in_three_rounds_or_more() -> None:
    (one,) = measure(workload()).measured
    assert len(one.rounds) >= measuring.FEWEST_ROUNDS
    assert (one.cell.id, one.jobs, one.failed) == ("my_job-threads", 4, 0)


def skips_one(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
    first, *rest = jobs
    return honest(work, rest or [first])  # being asked to import the workload is one job


def runs_nothing(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
    first, *rest = jobs
    return iter(()) if rest else honest(work, [first])


def gives_jobs_back(_work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
    yield from jobs


def turns_around(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
    yield from reversed(list(honest(work, jobs)))


@pytest.mark.parametrize("disabled", [False, True], ids=["timed", "untimed"])
@pytest.mark.parametrize(
    ("run", "where"),
    [
        (skips_one, "3 results, and serial gives 4"),
        (runs_nothing, "0 results, and serial gives 4"),
        (gives_jobs_back, "in result 0: 0\nand serial gives 1"),
        (turns_around, "in result 0: 4\nand serial gives 1"),
    ],
)
def test_a_cell_that_does_other_work_than_serial_fails(
    run: Any, where: str, disabled: bool
) -> None:
    with pytest.raises(AssertionError) as caught:
        measure(workload(work=lambda job: job + 1), model("liars", run), disabled)
    assert str(caught.value) == f"my_job-liars gives other results than serial:\n{where}"


@pytest.mark.parametrize("disabled", [False, True], ids=["timed", "untimed"])
def test_a_cell_that_is_wrong_in_one_round_fails(disabled: bool) -> None:
    runs = []

    def lies_once(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
        runs.append(work)
        # The first run asks whether workers can import, the second is checked before the timing.
        return skips_one(work, jobs) if len(runs) == 3 else honest(work, jobs)

    with pytest.raises(AssertionError, match="other results than serial"):
        measure(workload(), model("liars", lies_once), disabled)


async def forgetful(job: int) -> Any:
    return twice(job)  # no await


async def twice(job: int) -> int:
    return 2 * job


@pytest.mark.filterwarnings("default:coroutine 'twice' was never awaited")
def test_a_coroutine_that_work_async_forgot_to_await_fails() -> None:
    found = workload(work=lambda job: 2 * job, work_async=forgetful)
    with pytest.raises(AssertionError, match="other results than serial"):
        measure(found, COROUTINES)


@pytest.mark.parametrize("drive", [None, lambda run, work, jobs: dict.fromkeys(run(work, jobs))])
def test_a_coroutine_that_work_gave_is_refused_however_results_come_together(drive: Any) -> None:
    found = workload(work=lambda job: twice(job), **({"drive": drive} if drive else {}))
    with pytest.raises(UserError) as caught:
        measure(found)
    assert str(caught.value) == "my_job: work() gave a coroutine that nobody awaited"


def test_a_workload_of_which_every_job_fails_is_refused_with_the_first_failure() -> None:
    with pytest.raises(UserError) as caught:
        measure(workload(work=lambda job: 1 / (job - job)))
    assert str(caught.value) == (
        "my_job: every job failed, the first with ZeroDivisionError: division by zero"
    )


def test_a_workload_without_jobs_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        measure(workload(jobs=list))
    assert str(caught.value) == "my_job: jobs() gave no job; it should yield at least one"


class Incomparable:
    def __eq__(self, _other: object) -> bool:
        raise TypeError("no truth in me")

    __hash__ = None  # type: ignore[assignment]


def test_results_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(UserError) as caught:
        measure(workload(work=lambda _job: Incomparable()))
    assert "cannot be compared by ==, which raised TypeError: no truth in me" in str(caught.value)


def test_failed_jobs_are_counted_and_are_results_like_others() -> None:
    (one,) = measure(workload(work=lambda job: 1 / (job % 2))).measured
    assert (one.jobs, one.failed) == (4, 2)


@pytest.mark.parametrize(
    ("result", "expected", "where"),
    [
        ([1], [1, 2], "1 results, and serial gives 2"),
        ((1, 2), (1, 3), "in result 1: 2\nand serial gives 3"),
        ({"a": None}, {}, "'a' is there, and not in what serial gives"),
        ({}, {"a": None}, "'a' is missing"),
        (({"a": 1}, []), ({"a": 2}, []), "in result 0: at 'a': 1\nand serial gives 2"),
        ([1], (1,), "[1]\nand serial gives (1,)"),
    ],
)
def test_where_results_differ_is_said(result: Any, expected: Any, where: str) -> None:
    assert difference(result, expected) == where


# The floor


def test_a_cell_that_beats_its_floor_fails_and_is_kept_in_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Matrix, "floor", lambda *_: Floor(waiting=60.0))
    matrix = matrix_of(workload(), THREADS)
    with pytest.raises(AssertionError, match=r"its floor is\s60\.0000 s: one of the two is wrong"):
        matrix.measure(Cell(workload(), THREADS), Stopwatch())
    assert len(matrix.measured) == 1


def test_a_cell_within_its_measurement_error_of_the_floor_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Measured, "error", 60.0)
    monkeypatch.setattr(Matrix, "floor", lambda *_: Floor(waiting=50.0))
    measure(workload())


def test_jobs_that_never_wait_have_a_floor_of_nothing() -> None:
    found = workload(work=lambda job: sum(range(200_000)) * job)
    (one,) = measure(found).measured
    assert one.floor == Floor()


def test_jobs_that_wait_for_nobody_knows_what_have_no_floor() -> None:
    (one,) = measure(workload(work=wait_a_little)).measured
    assert one.floor is None


def test_jobs_with_a_client_have_no_floor_unless_the_origin_served_them() -> None:
    @contextmanager
    def client() -> Iterator[str]:
        yield "client"

    (one,) = measure(workload(work=lambda job, _client: job, client=client)).measured
    assert one.floor is None
    assert one.figures()["client"] == "client"


def test_a_floor_knows_that_processes_wait_too() -> None:
    """More workers than --in-flight have more requests at once than that."""
    from workloads.download_files import client, jobs, work

    found = workload("download_files", jobs=jobs, work=work, client=client)
    matrix = matrix_of(found, in_flight=1, workers=4, jobs=4, latency=0.02)
    try:
        floor = matrix.floor(matrix.reference(found))
    finally:
        matrix.inputs.close()
    assert floor is not None
    assert floor.waiting == pytest.approx(0.02)


# How much at once


def wait_a_little(job: int) -> int:
    threading.Event().wait(0.03)
    return job


def test_jobs_of_a_reader_s_own_that_wait_get_all_that_may_be_in_flight() -> None:
    (one,) = measure(workload(work=wait_a_little), in_flight=3, workers=2).measured
    assert one.settings == {"in_flight": 3}


def test_jobs_that_compute_get_as_many_threads_as_workers() -> None:
    found = workload(work=lambda job: sum(range(200_000)) * job)
    (one,) = measure(found, in_flight=3, workers=2).measured
    assert one.settings == {"in_flight": 2}


# What is recorded

LISTED = {  # in the issue
    "jobs_per_second",
    "in_flight",
    "cores_busy",
    "cpu_seconds",
    "memory_peak_bytes",
    "slowest_job_closed_loop",
    "failed_jobs",
    "python",
    "gil",
    "usable_cores",
    "settings",
    "client",
    "sizes",
    "constants",
    "floor_seconds",
}


def test_everything_is_recorded_and_can_be_written_as_json() -> None:
    watch = Stopwatch()
    found = workload(SIZE=7)
    matrix_of(found, THREADS).measure(Cell(found, THREADS), watch)
    assert set(watch.extra_info) >= LISTED
    assert watch.extra_info["constants"] == {"SIZE": 7}
    assert json.loads(json.dumps(watch.extra_info))["model"] == "threads"
    assert watch.group == "my_job"


def test_watched_runs_go_on_until_the_clock_has_ticked_often_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = count()  # one passes at each look at the clock
    monkeypatch.setattr(measuring, "WATCH", 5)
    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
    (one,) = measure(workload()).measured
    assert one.repeats == 5
    assert len(one.job_seconds) == 4 * one.repeats


def test_watched_runs_end_when_too_many_job_times_would_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measuring, "WATCH", 60.0)
    monkeypatch.setattr(measuring, "MOST_WATCHED", 40)
    (one,) = measure(workload()).measured
    assert (one.repeats, len(one.job_seconds)) == (10, 40)


def test_untimed_cells_leave_no_figures() -> None:
    matrix = measure(workload(), disabled=True)
    assert matrix.measured == []


def test_an_absent_cell_is_kept_with_its_reason() -> None:
    matrix = matrix_of(workload())
    with pytest.raises(CellAbsent):
        matrix.measure(Cell(workload(), COROUTINES), Stopwatch())
    ((cell, reason),) = matrix.absent
    assert cell.id == "my_job-coroutines"
    assert reason.startswith("has no work_async")


def test_a_workload_that_workers_cannot_import_makes_the_cell_absent() -> None:
    def cannot(_work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
        return (attempt(fail) for _ in jobs)

    with pytest.raises(CellAbsent, match=r"no module of that name \(in a worker\)"):
        measure(workload(), model("fibers", cannot))


def fail() -> None:
    raise ImportError("no module of that name")


# Starts


class Pools:
    """Counts the pools that are open."""

    def __init__(self) -> None:
        self.opened = self.open = 0

    @contextmanager
    def pool(self, client: Any, *, workers: int) -> Iterator[Any]:  # noqa: ARG002
        self.opened += 1
        self.open += 1
        time.perf_counter()
        yield honest
        self.open -= 1


@pytest.mark.parametrize("disabled", [False, True], ids=["timed", "untimed"])
def test_every_pool_that_was_started_is_stopped(disabled: bool) -> None:
    pools = Pools()
    fibers = Model("fibers", module("fibers", RUNS="work", absent=str, pool=pools.pool))
    matrix = matrix_of(workload(), workers=3)
    matrix.measure_start(fibers, Stopwatch(disabled))
    assert pools.open == 0
    assert pools.opened == (1 if disabled else 1 + measuring.START_ROUNDS)
    assert set(matrix.starts) == (set() if disabled else {"fibers"})


def test_a_start_knows_how_many_jobs_the_pool_has_under_way() -> None:
    pools = Pools()
    fibers = Model("fibers", module("fibers", RUNS="work", absent=str, pool=pools.pool))
    matrix = matrix_of(workload(), workers=3, in_flight=7)
    matrix.measure_start(fibers, Stopwatch())
    matrix.measure_start(THREADS, Stopwatch())
    assert (matrix.starts["fibers"].at_once, matrix.starts["fibers"].computes) == (3, True)
    assert (matrix.starts["threads"].at_once, matrix.starts["threads"].computes) == (7, False)


def test_helpers_run_and_garbage_is_gone_before_memory_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or a cell, the first under processes above all, would be charged with what is not its own."""
    order: list[str] = []
    monkeypatch.setattr(costs, "start_helpers", lambda _method: order.append("helpers"))
    collector = SimpleNamespace(collect=lambda: order.append("garbage"))
    monkeypatch.setattr(measuring, "gc", collector)

    def memory_of_tree(_pid: int | None) -> int:
        order.append("memory")
        return 0

    monkeypatch.setattr(costs, "memory_of_tree", memory_of_tree)
    (measured,) = measure(workload()).measured
    assert order[:3] == ["helpers", "garbage", "memory"]
    assert order.count("helpers") == order.count("garbage") == len(measured.visits)
    assert order.count("memory") == 1  # of the first visit, whose costs are looked at


# Turns


class Watches:
    """A stopwatch for each cell, as pytest-benchmark has one for each benchmark."""

    def __init__(self, matrix: Matrix, *cells: Cell) -> None:
        self.matrix = matrix
        self.visited: list[str] = []
        matrix.chosen = {cells[0].workload.name: list(cells)}
        matrix.visiting = lambda cell, _turn: self.visited.append(cell.label)

    def measure(self, cell: Cell) -> Stopwatch:
        watch = Stopwatch()
        self.matrix.measure(cell, watch)
        return watch


def test_the_cells_of_a_workload_take_turns_whichever_is_asked_for_first() -> None:
    found = workload()
    cells = [Cell(found, SERIAL), Cell(found, THREADS), Cell(found, model("liars", honest))]
    watches = Watches(matrix_of(found, THREADS), *cells)
    watches.measure(cells[1])
    turns = [watches.visited[start : start + 3] for start in range(0, len(watches.visited), 3)]
    assert len(turns) >= visits.FEWEST
    assert all(sorted(turn) == ["liars", "serial", "threads"] for turn in turns)
    for cell in cells[0], cells[2]:
        watches.measure(cell)
    assert len(watches.visited) == 3 * len(turns)  # none was visited once more
    measured = watches.matrix.measured
    assert sorted(one.cell.label for one in measured) == ["liars", "serial", "threads"]
    assert {len(one.visits) for one in measured} == {len(turns)}


def test_the_rounds_of_all_visits_are_handed_over() -> None:
    found = workload()
    cell = Cell(found, THREADS)
    watches = Watches(matrix_of(found, THREADS), cell)
    told = watches.measure(cell)
    (one,) = watches.matrix.measured
    assert told.extra_info["visits"] == one.visits
    assert len(told.stats.stats.data) == len(one.rounds) == visits.FEWEST
    assert told.extra_info["contention"]["cores"] == usable_cores()


def test_a_cell_that_fails_in_a_later_turn_fails_alone_and_when_it_is_asked_for() -> None:
    runs = []

    def lies_late(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
        runs.append(work)  # a visit: import, warm-up, round; the first: one more
        return skips_one(work, jobs) if len(runs) == 6 else honest(work, jobs)

    found = workload()
    wrong, right = Cell(found, model("liars", lies_late)), Cell(found, THREADS)
    watches = Watches(matrix_of(found, THREADS), wrong, right)
    watches.measure(right)
    with pytest.raises(AssertionError, match="other results than serial"):
        watches.measure(wrong)
    assert watches.visited.count("liars") == 2
    assert [one.cell for one in watches.matrix.measured] == [right]


def test_what_was_measured_before_an_interruption_is_kept_and_handed_over() -> None:
    found = workload()
    cell = Cell(found, THREADS)
    watches = Watches(matrix_of(found, THREADS), cell)

    def show(_cell: Cell, turn: int) -> None:
        if turn == 2:
            raise KeyboardInterrupt

    watches.matrix.visiting = show
    watch = Stopwatch()
    with pytest.raises(KeyboardInterrupt):
        watches.matrix.measure(cell, watch)
    (one,) = watches.matrix.measured
    assert len(one.visits) == 1
    assert len(watch.stats.stats.data) == len(one.rounds)


def test_pools_are_stopped_between_visits_and_none_stands_idle_beside_another() -> None:
    open_pools: list[str] = []
    beside: list[list[str]] = []

    def pooled(name: str) -> Model:
        @contextmanager
        def pool(client: Any) -> Iterator[Any]:  # noqa: ARG001  # the contract has it
            beside.append(list(open_pools))
            open_pools.append(name)
            yield honest
            open_pools.remove(name)

        return Model(name, beside_the_models(name, absent=lambda: None, pool=pool))

    found = workload()
    cells = [Cell(found, pooled(name)) for name in ("fibers", "snails")]
    Watches(matrix_of(found), *cells).measure(cells[0])
    assert len(beside) >= 2 * visits.FEWEST
    assert not any(beside)


def test_before_the_first_workload_it_is_looked_at_what_others_take() -> None:
    assert measure(workload()).before is not None
    assert measure(workload(), disabled=True).before is None


def test_quiet_is_waited_for_before_each_workload_and_no_longer_than_asked_for_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = []

    def wait(limit: float, _say: Any) -> Neighbours:
        limits.append(limit)
        clock.now += 6.0
        return Neighbours(crowded(2.0))

    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(measuring, "wait_for_quiet", wait)
    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    matrix = matrix_of(workload(), wait_for_quiet=10.0)
    for _ in range(3):
        matrix.look_at_neighbours()
    assert limits == [10.0, 4.0]

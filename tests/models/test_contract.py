"""What every model promises, one test over all of them."""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from conlab.bench.costs import children_left
from conlab.bench.discovery import Model
from tests.models import jobs
from tests.models.contract import IN_FLIGHT, WORKERS, at_once, opened, work
from workloads.models import AHEAD, BATCH, coroutines, threads
from workloads.models.failure import Failure


@pytest.fixture(autouse=True)
def present(model: Model) -> None:
    if reason := model.module.absent():
        pytest.skip(reason)


def client(model: Model, folder: Path) -> Any:
    twin = jobs.client_async if model.client_hook() == "client_async" else jobs.client
    return partial(twin, folder)


def test_a_client_is_entered_once_a_worker_and_left_at_the_end(
    model: Model, tmp_path: Path
) -> None:
    with opened(model, client(model, tmp_path)) as run:
        used = set(run(work(model, "name_of_client"), range(50)))
    entered = {path.stem for path in tmp_path.glob("*.entered")}
    left = {path.stem for path in tmp_path.glob("*.left")}
    several = model.name in ("processes", "interpreters", "cluster")
    assert used <= entered
    assert len(entered) in (range(1, WORKERS + 1) if several else {1})
    assert left == entered


def test_a_client_that_cannot_be_entered_says_why(model: Model, tmp_path: Path) -> None:
    nowhere = client(model, tmp_path / "nowhere")
    if model.name == "cluster":  # its workers enter the client with their first job
        with opened(model, nowhere) as run:
            (failure,) = run(work(model, "name_of_client"), [1])
        assert failure.type == "FileNotFoundError"
        return
    with pytest.raises(FileNotFoundError, match="nowhere"), opened(model, nowhere):
        pass


def test_nothing_is_left_behind(model: Model) -> None:
    process = psutil.Process()
    with opened(model) as run:  # what is loaded once for all stays
        list(run(work(model, "square"), range(10)))
    children = set(children_left(None))
    threads, sockets = set(threading.enumerate()), len(process.net_connections())
    files = process.num_fds() if sys.platform != "win32" else 0
    with opened(model) as run:
        list(run(work(model, "square"), range(10)))
    assert set(children_left(None)) <= children
    # Dask's threads that watched a worker end by themselves, a moment after it.
    jobs.wait_until(
        lambda: set(filter(threading.Thread.is_alive, threading.enumerate())) <= threads
    )
    assert len(process.net_connections()) <= sockets
    if sys.platform != "win32":
        assert process.num_fds() <= files


@pytest.fixture(scope="module")
def kept() -> Iterator[tuple[dict[str, Any], ExitStack]]:
    """Pools that stay open until the last test of this module, by the names of their models."""
    with ExitStack() as stack:
        yield {}, stack


@pytest.fixture
def run(model: Model, kept: tuple[dict[str, Any], ExitStack]) -> Iterator[Any]:
    """A pool without a client, for each test its own; but one cluster, which takes seconds.

    No test that counts what is left behind may come after its first use.
    """
    pools, stack = kept
    if model.name != "cluster":
        with opened(model) as run:
            yield run
        return
    if model.name not in pools:
        pools[model.name] = stack.enter_context(opened(model))
    yield pools[model.name]


def test_every_job_has_its_result_in_order_and_a_pool_serves_again(model: Model, run: Any) -> None:
    assert list(run(work(model, "square"), range(100))) == [n * n for n in range(100)]
    assert list(run(work(model, "square"), range(3))) == [0, 1, 4]
    assert list(run(work(model, "square"), [])) == []


def test_results_keep_the_order_of_the_jobs_when_the_first_job_ends_last(
    model: Model, run: Any, tmp_path: Path
) -> None:
    if model.name == "serial":
        pytest.skip("serial: its first job can only end first")
    results = run(work(model, "first_ends_last"), [(n, tmp_path) for n in range(6)])
    assert list(results) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("more", [0, 1, 2, IN_FLIGHT, "three batches", "at full size"])
def test_the_others_run_ahead_of_a_slow_job_as_far_as_they_may_and_no_further(
    model: Model, tmp_path: Path, more: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if model.name not in ("threads", "coroutines", "hybrid"):
        pytest.skip(f"{model.name}: its jobs are queued, and never run that far ahead")
    if (model.name, more) == ("hybrid", "at full size"):
        pytest.skip("hybrid: its jobs are kept by the coroutines' model, of full size there")
    shrunk = 1 if more == "at full size" else 8  # thousands of jobs take seconds each time
    ahead, batch = AHEAD // shrunk, BATCH // shrunk
    for module in (coroutines, threads):  # the hybrid's jobs are kept by the coroutines' model
        monkeypatch.setattr(module, "AHEAD", ahead)
        monkeypatch.setattr(module, "BATCH", batch)
    count = ahead + (more if isinstance(more, int) else 3 * batch)
    with opened(model) as run:
        results = run(
            work(model, "first_waits_for_another"), ((n, ahead - 1, tmp_path) for n in range(count))
        )
        assert list(results) == list(range(count))


def test_a_failing_job_is_a_failure_and_costs_no_other(model: Model, run: Any) -> None:
    results = list(run(work(model, "fail_on_odd"), range(20)))
    expected = [Failure("ValueError", f"{n} is odd") if n % 2 else n for n in range(20)]
    assert results == expected
    assert "fail_on_odd" in results[1].traceback


def test_jobs_are_drawn_lazily_from_an_endless_iterator(model: Model, run: Any) -> None:
    drawn = 0

    def endless() -> Iterator[int]:
        nonlocal drawn
        while True:
            drawn += 1
            yield drawn

    results = run(work(model, "square"), endless())
    first = [next(results) for _ in range(5)]
    results.close()
    assert first == [1, 4, 9, 16, 25]
    assert drawn <= 5 + AHEAD + BATCH + IN_FLIGHT
    # and the pool is as good as new
    assert list(run(work(model, "square"), range(3))) == [0, 1, 4]


def test_an_error_of_the_jobs_iterator_reaches_the_caller(model: Model, run: Any) -> None:
    def breaking() -> Iterator[int]:
        yield 1
        raise OSError("the manifest is unreadable")

    with pytest.raises(OSError, match="the manifest is unreadable"):
        list(run(work(model, "square"), breaking()))
    assert list(run(work(model, "square"), range(3))) == [0, 1, 4]


def test_as_many_jobs_are_in_flight_as_allowed_and_no_more(
    model: Model, run: Any, tmp_path: Path
) -> None:
    party = at_once(model)
    seen = list(run(work(model, "meet"), [(n, party, tmp_path) for n in range(4 * party)]))
    assert max(seen) == party

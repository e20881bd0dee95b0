"""A cell's threads are looked at where its jobs run in this process, and left alone elsewhere."""

import threading

from conlab.bench.costs import OURS
from conlab.bench.discovery import Cell, Model
from conlab.bench.evidence.demand import times_of_threads
from conlab.bench.evidence.gathering import gathering, runs_here, stacks_of
from tests.bench.made import PROCESSES, SERIAL, THREADS, workload
from workloads.models import coroutines

COROUTINES = Model("coroutines", coroutines)


def cell(model: Model) -> Cell:
    return Cell(workload(), model)


def test_jobs_in_processes_are_not_looked_at() -> None:
    with gathering(cell(PROCESSES)) as gathered:
        pass
    assert not runs_here(cell(PROCESSES))
    assert (gathered.demand, gathered.standing) == (None, None)


def test_serial_has_nothing_beside_it_to_look_at() -> None:
    with gathering(cell(SERIAL)) as gathered:
        pass
    assert gathered.standing is None
    assert (gathered.demand is not None) == bool(times_of_threads(without=set()))


def test_threads_are_looked_at_while_the_jobs_run_and_no_longer() -> None:
    with gathering(cell(THREADS)) as gathered:
        during = [one.name for one in threading.enumerate()]
    after = [one.name for one in threading.enumerate()]
    assert [name for name in during if name.startswith(OURS)]
    assert not [name for name in after if name.startswith(OURS)]
    assert gathered.standing is not None
    assert gathered.looking >= 0


def test_of_a_loop_the_calling_thread_is_looked_at_and_of_threads_the_others() -> None:
    on_loop, of_threads = stacks_of(cell(COROUTINES)), stacks_of(cell(THREADS))
    assert on_loop
    assert on_loop.on_loop
    assert of_threads
    assert not of_threads.on_loop

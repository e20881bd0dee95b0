"""A job that is parallel already is measured again with its libraries held to one thread."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conlab.bench import one_thread
from conlab.bench.costs import Cost
from conlab.bench.discovery import Cell, Workload, own_workload
from conlab.bench.evidence import parallel_library
from conlab.bench.inputs import Inputs
from conlab.bench.measured import Measured
from conlab.bench.measuring import Matrix
from conlab.bench.ratios import ratios
from conlab.bench.report import Group
from tests.bench.made import SERIAL, THREADS, measured, settings

Write = Callable[[str, str], Path]
JOB = """
    import os
    def jobs(): return range(3)
    def work(n): return os.environ.get("OMP_NUM_THREADS", "all"), print("noise")
"""
PARALLEL, ALONE = 1.9, 1.0  # cores that serial keeps busy


@pytest.fixture
def job(own_file: Write) -> Workload:
    return own_workload(own_file("held_to_one.py", JOB))


def serial(job: Workload, cores: float) -> Measured:
    return replace(measured("serial", 1.0, cores=cores), cell=Cell(job, SERIAL))


@pytest.fixture
def matrix() -> Iterator[Matrix]:
    chosen = settings(jobs=2)
    made = Matrix(chosen, Inputs(chosen, small=True))
    yield made
    made.inputs.close()


def apart(monkeypatch: pytest.MonkeyPatch, *found: Measured) -> list[dict[str, str]]:
    """Let the other process give these; what is asked of it is kept."""
    asked: list[dict[str, str]] = []

    def measured_apart(_file: Path, request: dict[str, str], _limit: float) -> list[Any]:
        asked.append(request)
        return [one_thread.figures_of(one) for one in found]

    monkeypatch.setattr(one_thread, "measured_apart", measured_apart)
    monkeypatch.setattr(parallel_library, "loaded", lambda: "OpenBLAS")
    return asked


def test_the_rows_with_one_thread_stand_beside_the_others(
    job: Workload, matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix.measured = [first := serial(job, PARALLEL)]
    asked = apart(monkeypatch, measured("serial", 1.6), measured("threads", 0.8, cores=1.9))
    one_thread.add(matrix, first.cell)
    assert [one.cell.label for one in matrix.measured] == [
        "serial",
        "serial_one_thread",
        "threads_one_thread",
    ]
    assert matrix.measured[0].evidence.library == "OpenBLAS"
    assert not matrix.measured[0].evidence.own_threads
    assert asked[0]["models"] == "serial,threads"
    assert (asked[0]["jobs"], asked[0]["package"]) == ("2", "workloads")


def test_threads_that_no_variable_holds_back_are_the_jobs_own(
    job: Workload, matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix.measured = [first := serial(job, PARALLEL)]
    apart(monkeypatch, measured("serial", 1.0, cores=PARALLEL))
    one_thread.add(matrix, first.cell)
    assert [one.cell.label for one in matrix.measured] == ["serial"]
    assert matrix.measured[0].evidence.own_threads


def test_nothing_more_is_measured_of_jobs_on_one_core_and_of_other_cells(
    job: Workload, matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = apart(monkeypatch)
    matrix.measured = [
        serial(job, ALONE),
        replace(measured("threads", 1.0, cores=PARALLEL), cell=Cell(job, THREADS)),
        replace(serial(job, PARALLEL), cell=Cell(job, SERIAL), rounds=(1e-5,)),
        replace(serial(job, PARALLEL), cell=Cell(job, SERIAL), cost=Cost(0.01, 0.019)),
    ]
    for one in [*matrix.measured]:
        one_thread.add(matrix, one.cell)
    one_thread.add(matrix, Cell(job, SERIAL))  # it was never measured
    assert asked == []


def test_what_could_not_be_measured_is_left_out(
    job: Workload, matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel_library, "loaded", lambda: "")
    monkeypatch.setattr(one_thread, "VARIABLES", ())
    monkeypatch.setattr(one_thread, "START_LIMIT", 0.0)
    monkeypatch.setattr(one_thread, "ROUNDS", 0)  # too little time for any process to start
    matrix.measured = [first := serial(job, PARALLEL)]
    one_thread.add(matrix, first.cell)
    assert [one.cell.label for one in matrix.measured] == ["serial"]


def test_the_other_process_measures_with_the_variables_set(job: Workload) -> None:
    assert job.module
    request = {"jobs": "2", "models": "serial", "package": "workloads"}
    (found,) = one_thread.measured_apart(Path(str(job.module.__file__)), request, 300.0)
    one = one_thread.measured_of(found, Cell(job, SERIAL, "one_thread"))
    assert (one.cell.label, one.jobs, one.failed) == ("serial_one_thread", 2, 0)
    assert len(one.rounds) >= 3
    assert len(one.job_seconds) == 2 * one.repeats


def test_the_rows_with_one_thread_are_no_figures_for_the_history(job: Workload) -> None:
    held = replace(measured("threads", 0.5), cell=Cell(job, THREADS, "one_thread"))
    made = Group(job.name, (serial(job, ALONE), held), cores=2)
    assert made.speedup(held) == 2.0
    assert [one for one in ratios([made], []) if one["of"] == held.cell.id] == []

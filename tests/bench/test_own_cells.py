"""Cells of a reader's own workload: what leaves one out, and what is kept of a wrong one."""

from typing import Any

import pytest

from conlab.bench import measuring
from conlab.bench.discovery import Cell, own_workload
from conlab.bench.inputs import Inputs
from conlab.bench.measuring import Matrix
from conlab.bench.running import CellAbsent
from conlab.errors import UserError
from tests.bench.conftest import Write
from tests.bench.made import SERIAL, THREADS, Stopwatch, settings

SIMPLE = "def jobs(): return range(4)\ndef work(n): return n\n"
BOUND_TO_ITS_THREAD = """
    import sqlite3
    from contextlib import closing
    def client(): return closing(sqlite3.connect(":memory:"))
    def jobs(): return range(4)
    def work(n, db): return db.execute("select ?", (n,)).fetchone()
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "BUDGET", 0.0)
    monkeypatch.setattr(measuring, "WATCH", 0.0)


def matrix_of(own_file: Write, source: str, **options: Any) -> tuple[Matrix, Cell, Cell]:
    """The run of the file, and its cells under serial and threads."""
    workload = own_workload(own_file("my_job.py", source))
    chosen = settings(workloads=(workload,), models=(SERIAL, THREADS), **options)
    matrix = Matrix(chosen, Inputs(chosen, small=False))
    return matrix, Cell(workload, SERIAL), Cell(workload, THREADS)


def test_a_model_under_which_every_job_fails_is_absent_and_the_others_are_not(
    own_file: Write,
) -> None:
    matrix, serial, threads = matrix_of(own_file, BOUND_TO_ITS_THREAD)
    matrix.measure(serial, Stopwatch())
    with pytest.raises(CellAbsent, match="every job fails under it, the first with ProgrammingErr"):
        matrix.measure(threads, Stopwatch())
    assert [one.cell.label for one in matrix.measured] == ["serial"]
    assert matrix.absent[0][1].endswith("(my_job.py:6, in work())")
    assert len(matrix.absent) == 1
    assert matrix.refused == {}


def test_a_cell_for_which_the_budget_is_too_small_is_absent(own_file: Write) -> None:
    matrix, serial, threads = matrix_of(own_file, SIMPLE, seconds=60.0)
    matrix.measure(serial, Stopwatch())
    matrix.began["my_job"] -= 61.0
    with pytest.raises(CellAbsent, match="--seconds 60 would have been too few for it"):
        matrix.measure(threads, Stopwatch())


def test_nothing_is_kept_of_a_workload_that_a_model_shows_to_be_wrong(own_file: Write) -> None:
    source = "import threading\nWRONG = []\n" + SIMPLE.replace(
        "return n\n", "return n + bool(WRONG)\n"
    )
    matrix, serial, threads = matrix_of(own_file, source)
    matrix.measure(serial, Stopwatch())
    serial.workload.module.WRONG.append(True)  # type: ignore[union-attr]
    with pytest.raises(AssertionError, match="my_job-threads gives other results than serial"):
        matrix.measure(threads, Stopwatch())
    assert matrix.measured == []
    assert matrix.refused["my_job"].startswith(
        "my_job-threads gives other results than serial: in result 0: 1, and serial gives 0; "
    )
    with pytest.raises(CellAbsent, match="why is said once"):
        matrix.measure(serial, Stopwatch())
    assert matrix.absent == []


def test_serial_that_changes_its_results_later_is_said_to_do_so(own_file: Write) -> None:
    source = "WRONG = []\n" + SIMPLE.replace("return n\n", "return n + bool(WRONG)\n")
    matrix, serial, _ = matrix_of(own_file, source)
    matrix.reference(serial.workload)
    serial.workload.module.WRONG.append(True)  # type: ignore[union-attr]
    with pytest.raises(UserError, match="gives other results from run to run: in result 0: 1, and"):
        matrix.measure(serial, Stopwatch())


def test_a_pool_says_what_handing_over_a_job_took(own_file: Write) -> None:
    matrix, serial, threads = matrix_of(own_file, SIMPLE)
    for cell in (serial, threads):
        matrix.measure(cell, Stopwatch())
    assert all(one.handing_over for one in matrix.measured)


def test_where_a_run_is_is_said_at_once_and_shown(own_file: Write) -> None:
    matrix, serial, _ = matrix_of(own_file, SIMPLE)
    said: list[str] = []
    shown: list[str] = []
    matrix.say, matrix.show = said.append, shown.append
    matrix.measure(serial, Stopwatch())
    assert [sentence.partition(" of ")[0] for sentence in said] == ["my_job, 4 jobs"]
    assert {sentence.partition(",")[0] for sentence in shown} == {
        "serial: a run to warm up",
        "serial: round 1 of 1",
    }

"""What stands below the table of a reader's own job, from made figures."""

from dataclasses import replace
from typing import Any

from conlab.bench.inputs import Inputs
from conlab.bench.measured import Measured, Reference
from conlab.bench.measuring import Matrix
from conlab.bench.remarks import remarks
from conlab.bench.report import Group
from conlab.bench.tables import workload_table
from conlab.bench.verdicts import verdict
from tests.bench.made import group, measured, settings


def own(one: Measured) -> Measured:
    """The same of a reader's own job, whose pool took 30 ms to start."""
    cell = replace(one.cell, workload=replace(one.cell.workload, own=True))
    return replace(one, cell=cell, start=0.03, handing_over=20e-6)


def found(*cells: Measured, **changes: Any) -> tuple[Matrix, Group]:
    chosen = settings(**changes)
    return Matrix(chosen, Inputs(chosen, small=True)), group(*map(own, cells))


def once(of: Group) -> Group:
    """The same cells, each timed in one round of one visit."""
    cells = [replace(one, rounds=one.rounds[:1], visits=one.visits[:1]) for one in of.cells]
    return replace(of, cells=tuple(cells))


SERIAL, THREADS = measured("serial", 1.0), measured("threads", 0.5)
POOLS = "What starting a pool, and handing over an empty job, took: threads 30.0 ms and 20 µs."


def test_pools_are_one_line() -> None:
    assert remarks(*found(SERIAL, THREADS)) == [POOLS]


def test_the_suite_s_own_workloads_have_none() -> None:
    matrix, _ = found(SERIAL)
    assert remarks(matrix, group(SERIAL, THREADS)) == []


def test_jobs_that_failed_and_how_results_were_compared_are_said() -> None:
    matrix, of = found(SERIAL, THREADS, compare="near")
    matrix.references["count_words"] = Reference([], 8, 1.0, [], waits=True, note="1 of 8 failed.")
    assert remarks(matrix, of)[:2] == [
        "1 of 8 failed.",
        "Results were compared by near() of the job's file.",
    ]
    matrix, of = found(SERIAL, THREADS, compares=False)
    assert remarks(matrix, of)[0].startswith("Results were not compared (--no-compare)")


def test_a_single_job_is_told_that_it_is_alone_and_its_noise_is_not_known() -> None:
    cells = measured("serial", 1.0, jobs=1), measured("threads", 1.2, jobs=1)
    matrix, of = found(*cells)
    of = once(of)
    assert of.noise is None
    assert remarks(matrix, of)[0].startswith("A single job has none beside it")
    said = " ".join(verdict(of))
    assert "each was visited once, and what visits differ by is not known" in said
    assert "%" not in said.partition("Serial was")[0]
    assert str(workload_table(of).title).startswith("count_words: 1 job, ")


def test_of_a_single_round_no_spread_is_shown_and_no_noise() -> None:
    matrix, of = found(SERIAL, THREADS)
    of = once(of)
    assert of.noise is None
    assert remarks(matrix, of)[0].startswith("A model was timed only once")
    assert "±" not in str(list(workload_table(of).columns[1].cells))

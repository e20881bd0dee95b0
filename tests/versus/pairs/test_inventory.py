"""An inventory runs all jobs, sees each result, and which files were imported where it was done."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.bench.discovery import Cell, Workload
from conlab.bench.running import opened
from conlab.errors import UserError
from conlab.versus.pairs import inventory, witness
from conlab.versus.pairs.inventory import Inventory
from conlab.versus.pairs.witness import Where, below
from tests.bench.made import PROCESSES, SERIAL, THREADS, workload

NOWHERE = Where((), frozenset())
POOLS = {"in_flight": 2, "workers": 1, "start_method": "fork"}


def taken(
    work: Any, model: Any = SERIAL, jobs: int = 5, where: Where = NOWHERE, **options: Any
) -> Inventory:
    made = workload(work=work, jobs=lambda: iter(range(jobs)))
    return of_workload(made, model, where, **options)


def of_workload(
    made: Workload, model: Any, where: Where, most: int | None = None, limit: float = 60.0
) -> Inventory:
    make = made.hook("jobs")
    with opened(Cell(made, model), make, POOLS) as cell:
        return inventory.take(cell, make, most, limit, where)


@pytest.mark.parametrize("under", [SERIAL, THREADS], ids=["serial", "threads"])
def test_each_job_has_its_seconds_and_its_result(under: Any) -> None:
    found = taken(lambda job: job % 2, under)
    assert (found.jobs, found.of, len(found.seconds)) == (5, 5, 5)
    assert min(found.seconds) > 0
    assert len(set(found.digests)) == 2
    assert found.digests[0] == found.digests[2] != found.digests[1]


def test_no_more_jobs_run_than_are_wanted() -> None:
    found = taken(lambda job: job, most=3)
    assert (found.jobs, found.of) == (3, 3)


def test_when_the_time_is_up_no_job_is_begun_and_the_others_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter(range(1000))
    clock = SimpleNamespace(perf_counter=lambda: float(next(now)))
    monkeypatch.setattr(inventory, "time", clock)
    found = taken(lambda job: job, jobs=50, limit=3.5)
    assert (found.jobs, found.of) == (3, 50)


def test_failures_are_results_unless_all_jobs_fail() -> None:
    def fail(job: int) -> int:
        if job:
            raise ValueError("no chance")
        return job

    assert len(set(taken(fail).digests)) == 2
    with pytest.raises(UserError, match="every job failed, the first with ValueError: no chance"):
        taken(lambda _job: fail(1))


def test_no_job_at_all_is_said() -> None:
    with pytest.raises(UserError, match=r"jobs\(\) gave no job"):
        taken(lambda job: job, jobs=0)


JOB = """
def jobs():
    return range(2)


def work(job):
    from only_in_work import N

    return N * job
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_what_is_imported_in_a_pool_s_process_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    (tmp_path / "a_job_with_a_lazy_import.py").write_text(JOB)
    (tmp_path / "only_in_work.py").write_text("N = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(witness, "told", set())
    module = importlib.import_module("a_job_with_a_lazy_import")
    where = Where(below([str(tmp_path)]), frozenset())
    found = of_workload(Workload("a_job_with_a_lazy_import", module), PROCESSES, where)
    assert dict(found.modules) == {
        name: str(tmp_path / f"{name}.py") for name in (module.__name__, "only_in_work")
    }
    assert "only_in_work" not in sys.modules
    del sys.modules[module.__name__]

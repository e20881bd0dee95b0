"""Measures a job anew in a fresh process, its libraries held to one thread each.

Libraries that compute on all cores by themselves (BLAS, OpenMP and their like) read from the
environment how many threads they may use, when they are loaded: it takes a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from conlab.bench import discovery, settings
from conlab.bench.command_line import as_a_script_has
from conlab.bench.costs import Cost
from conlab.bench.discovery import Cell
from conlab.bench.evidence import parallel_library
from conlab.bench.evidence.demand import Demand
from conlab.bench.evidence.gathering import Evidence
from conlab.bench.floors import Floor
from conlab.bench.inputs import Inputs
from conlab.bench.measured import Measured
from conlab.bench.measuring import ENOUGH, Matrix
from conlab.bench.readings.case import row_of
from conlab.bench.readings.figures import HELD
from conlab.bench.readings.parallel_inside import asks_for_more
from conlab.bench.readings.too_short import TOO_SHORT
from conlab.bench.running import CellAbsent

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS", "GOTO_NUM_THREADS", "TBB_NUM_THREADS", "OMP_THREAD_LIMIT",
)  # fmt: skip
MODELS = ("serial", "threads", "processes")
PASSED_ON = ("jobs", "in_flight", "workers", "start_method", "images", "texts", "urls")
START_LIMIT = 120.0  # seconds that the processes may take to start, on however busy a machine
ROUNDS = 60  # runs of serial that the whole may take as long as


def add(matrix: Matrix, cell: Cell) -> None:
    """Measure beside the cell, if it is serial's and parallel already; else do nothing.

    What could not be measured is left out: the rows are there to explain the others.
    """
    serial = next((one for one in matrix.measured if one.cell is cell), None)
    file = getattr(cell.workload.module, "__file__", None)
    if serial is None or cell.label != "serial" or file is None:
        return
    if not is_parallel(serial):
        return
    number = matrix.measured.index(serial)
    evidence = replace(serial.evidence, library=parallel_library.loaded())
    models = {model.name: model for model in matrix.settings.models if model.name in MODELS}
    limit = START_LIMIT + ROUNDS * serial.median
    found = measured_apart(Path(file), request_of(matrix, models), limit)
    if found and is_parallel(measured_of(found[0], cell)):
        evidence = replace(evidence, own_threads=True)
        found = []  # the same rows again would say nothing
    matrix.measured[number] = replace(serial, evidence=evidence)
    for figures in found:
        model = models[figures["model"]]
        matrix.measured.append(measured_of(figures, Cell(cell.workload, model, HELD[1:])))


def is_parallel(serial: Measured) -> bool:
    """Say whether serial's jobs compute on several cores by themselves.

    A run that is too short, or was watched too shortly, says nothing of that.
    """
    if serial.median < TOO_SHORT or serial.cost.wall < ENOUGH:
        return False
    return asks_for_more(row_of(serial, serial.median))


def request_of(matrix: Matrix, models: Iterable[str]) -> dict[str, str]:
    """The options of the run, as they would be written, for these models alone."""
    chosen = {name: getattr(matrix.settings, name, None) for name in PASSED_ON}
    given = {name: str(value) for name, value in chosen.items() if value is not None}
    package = (matrix.settings.models[0].module.__package__ or "").rpartition(".")[0]
    return given | {"models": ",".join(models), "package": package}


def measured_apart(file: Path, request: dict[str, str], limit: float) -> list[dict[str, Any]]:
    """The figures of the cells, measured in a process of its own; none if that failed."""
    variables = dict.fromkeys(VARIABLES, "1")
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryFile("w+") as answer:
        try:
            subprocess.run(
                [sys.executable, "-m", "conlab.bench.one_thread", str(file), json.dumps(request)],
                env=os.environ | variables | {"PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                timeout=limit,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return []
        answer.seek(0)
        last = (answer.read().splitlines() or ["[]"])[-1]  # the job may print, too
    found: list[dict[str, Any]] = json.loads(last)
    return found


def measured_of(figures: dict[str, Any], cell: Cell) -> Measured:
    """The figures that the other process wrote."""
    floor, demand = figures["floor"], figures["demand"]
    return Measured(
        cell=cell,
        settings=figures["settings"],
        rounds=tuple(figures["rounds"]),
        visits=tuple(figures["visits"]),
        jobs=figures["jobs"],
        failed=figures["failed"],
        start=figures["start"],
        stop=figures["stop"],
        job_seconds=tuple(figures["job_seconds"]),
        repeats=figures["repeats"],
        cost=Cost(**figures["cost"]),
        cpu_origin=figures["cpu_origin"],
        memory_before=figures["memory_before"],
        floor=Floor(**floor) if floor else None,
        sizes=figures["sizes"],
        evidence=Evidence(demand=Demand(**demand) if demand else None),
    )


# What follows runs in that process.


class NoFixture:
    """Stands for pytest-benchmark's fixture, to which the rounds are handed that were timed."""

    def __init__(self) -> None:
        self.disabled = False
        self.group = ""
        self.extra_info: dict[str, Any] = {}

    def pedantic(self, target: Callable[[], Any], rounds: int) -> None:
        """Need none of them: the matrix has them."""


def main(file: Path, request: dict[str, str]) -> None:
    """Measure the job in the file under each model, and print the figures as one line."""
    package = request.pop("package")
    job = discovery.own_workload(file)
    asked = SimpleNamespace(getoption=request.get)
    chosen = settings.read_run((job,), asked, package=package)
    matrix = Matrix(chosen, Inputs(chosen, small=False))
    try:
        for cell in [Cell(job, model) for model in chosen.models]:
            try:
                matrix.measure(cell, NoFixture())
            except CellAbsent:
                continue
            if is_parallel(matrix.measured[0]):
                break  # it is no library that obeys these variables
    finally:
        matrix.inputs.close()
    print(f"\n{json.dumps([figures_of(one) for one in matrix.measured])}")


def figures_of(measured: Measured) -> dict[str, Any]:
    """What the other process needs of a cell, as plain data."""
    demand = measured.evidence.demand
    return {
        "model": measured.cell.model.name,
        "settings": measured.settings,
        "rounds": measured.rounds,
        "visits": measured.visits,
        "jobs": measured.jobs,
        "failed": measured.failed,
        "start": measured.start,
        "stop": measured.stop,
        "job_seconds": measured.job_seconds,
        "repeats": measured.repeats,
        "cost": asdict(measured.cost),
        "cpu_origin": measured.cpu_origin,
        "memory_before": measured.memory_before,
        "floor": asdict(measured.floor) if measured.floor else None,
        "sizes": measured.sizes,
        "demand": asdict(demand) if demand else None,
    }


if __name__ == "__main__":
    given, asked = Path(sys.argv[1]), json.loads(sys.argv[2])
    with as_a_script_has(given):
        main(given, asked)

"""The levels of a run: the same cells again with other workers, jobs in flight or numbers of jobs.

``--workers 1,2,4,8`` measures each model that obeys the option once at each value. The last value
is the run's own, of which the tables and the verdict are; each other one is a level, a matrix of
its own. One option is varied at a time, the others keep their last value. Serial is visited in the
turns of each level, so that a speedup is a ratio of times taken in the same minutes.
"""

from dataclasses import replace
from typing import Any

from conlab.bench import discovery
from conlab.bench.discovery import Cell, Model, Workload
from conlab.bench.inputs import Inputs
from conlab.bench.measuring import Matrix
from conlab.bench.settings import Level


def add_levels(matrix: Matrix, *, small: bool) -> None:
    """Give the matrix one of its own for each of its levels; a budget of seconds is divided."""
    levels = matrix.settings.levels
    if not levels:
        return
    seconds = matrix.settings.seconds
    share = None if seconds is None else seconds / (1 + len(levels))
    matrix.settings = replace(matrix.settings, seconds=share)
    for level in levels:
        matrix.levels[str(level)] = _matrix_of(level, matrix, small=small)


def _matrix_of(level: Level, base: Matrix, *, small: bool) -> Matrix:
    varied: dict[str, Any] = {level.option: level.value}
    settings = replace(base.settings, levels=(), **varied)
    inputs = Inputs(settings, small=small) if level.option == "jobs" else base.inputs
    return Matrix(
        settings,
        inputs,
        visiting=lambda cell, turn: base.visiting(cell, turn),
        show=lambda sentence: base.show(sentence),
        refused=base.refused,
    )


def close(matrix: Matrix) -> None:
    """End the inputs of the matrix and of its levels."""
    for each in (*matrix.levels.values(), matrix):
        each.inputs.close()


def cells_of(workload: Workload, matrix: Matrix) -> list[Cell]:
    """The cells of a workload at every level of the matrix; none where a level changes nothing."""
    found = []
    for level in matrix.settings.levels:
        at_level = [
            replace(cell, level=str(level))
            for cell in discovery.cells(workload, matrix.settings.models)
            if cell.model.name == "serial" or obeys(cell.model, level.option, workload)
        ]
        if level.option == "jobs" or any(cell.model.name != "serial" for cell in at_level):
            found += at_level
    return found


def obeys(model: Model, option: str, workload: Workload) -> bool:
    """Say whether the option changes anything for jobs of that workload under the model.

    Of jobs that only compute, as many are in flight as there are workers.
    """
    names = model.settings()
    if option == "jobs":
        return True
    if not workload.computes_only():
        return option in names
    return option == "workers" and bool({"workers", "in_flight"} & set(names))

"""Lists for --workers, --in-flight and --jobs: which cells there are, and what is said of them."""

import io
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from conlab.bench import growth, levels, settings
from conlab.bench.discovery import Cell
from conlab.bench.inputs import Inputs
from conlab.bench.measuring import Matrix
from conlab.bench.settings import Level
from conlab.errors import UserError
from tests.bench import made
from tests.bench.made import PROCESSES, SERIAL, THREADS


def read(**given: str) -> settings.Settings:
    config = SimpleNamespace(getoption=lambda name: given.get(name))
    return settings.read_run((), config, small=True)


def test_the_last_value_is_the_run_s_own_and_the_others_are_levels() -> None:
    found = read(workers="1,2,4", jobs="10, 100")
    assert (found.workers, found.jobs) == (4, 100)
    assert found.levels == (Level("workers", 1), Level("workers", 2), Level("jobs", 10))


def test_one_value_has_no_level() -> None:
    assert read(workers="2", in_flight="3").levels == ()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"workers": "1,x"}, "--workers 1,x: it should be a whole number from 1 to .*, each of"),
        ({"workers": "1,,2"}, "--workers 1,,2: it should be a whole number"),
        ({"jobs": "5,0"}, "--jobs 5,0: it should be a whole number from 1 to 1,000,000, each of"),
        ({"in_flight": "4,4"}, "--in-flight 4,4: it should name each value once"),
        ({"jobs": ",".join(map(str, range(1, 30)))}, "it should name 16 values at most"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read(**given)


@pytest.fixture
def matrix() -> Iterator[Matrix]:
    """A run of a job that waits and of one that computes, at three levels of workers."""
    waits = made.workload("waits", work_async=None, client=lambda: None)
    chosen = made.settings(
        workloads=(waits, made.workload("computes")),
        models=(SERIAL, THREADS, PROCESSES),
        workers=4,
        levels=(Level("workers", 1), Level("workers", 2), Level("in_flight", 8), Level("jobs", 5)),
    )
    found = Matrix(chosen, Inputs(chosen, small=True))
    levels.add_levels(found, small=True)
    yield found
    levels.close(found)


def labels(matrix: Matrix, at: int, level: str) -> list[str]:
    workload = matrix.settings.workloads[at]
    return [cell.label for cell in levels.cells_of(workload, matrix) if cell.level == level]


def test_models_are_measured_again_where_the_level_changes_something_and_serial_beside_them(
    matrix: Matrix,
) -> None:
    assert labels(matrix, 0, "workers=2") == ["serial", "processes"]
    assert labels(matrix, 1, "workers=2") == ["serial", "threads", "processes"]
    assert labels(matrix, 0, "in_flight=8") == ["serial", "threads"]
    assert labels(matrix, 1, "in_flight=8") == []
    assert labels(matrix, 0, "jobs=5") == ["serial", "threads", "processes"]


def test_each_level_has_settings_of_its_own(matrix: Matrix) -> None:
    assert matrix.levels["workers=2"].settings.workers == 2
    assert matrix.levels["jobs=5"].settings.jobs == 5
    assert matrix.levels["jobs=5"].settings.workers == 4
    assert matrix.levels["workers=1"].inputs is matrix.inputs


def test_a_cell_at_a_level_has_an_id_of_its_own(matrix: Matrix) -> None:
    cell = Cell(matrix.settings.workloads[1], THREADS, level="workers=2")
    assert cell.id == "computes-threads@workers=2"
    assert cell.label == "threads"
    assert matrix.at_level(cell) is matrix.levels["workers=2"]


def measured(matrix: Matrix, level: str, times: dict[str, tuple[float, ...]]) -> None:
    """Let cells of the computing job have been measured at a level, with these visits."""
    target = matrix.levels.get(level, matrix)
    by_name = {model.name: model for model in matrix.settings.models}
    for name, visits in times.items():
        one = made.measured(name, visits[0], name="computes")
        cell = Cell(matrix.settings.workloads[1], by_name[name], level=level)
        target.measured.append(replace(one, cell=cell, visits=visits, rounds=visits))


def grown(matrix: Matrix) -> growth.Growth:
    measured(matrix, "", {"serial": (1.0, 1.0, 1.0), "processes": (0.3, 0.25, 0.2)})
    measured(matrix, "workers=1", {"serial": (1.0, 1.2, 1.0), "processes": (1.0, 1.0, 1.25)})
    measured(matrix, "workers=2", {"serial": (1.0, 1.0, 1.0), "processes": (0.5, 0.5, 0.5)})
    (found,) = [one for one in growth.grown(matrix) if one.option == "workers"]
    return found


def test_a_speedup_is_over_serial_of_the_same_turns(matrix: Matrix) -> None:
    points = grown(matrix).models["processes"]
    assert [point.level for point in points] == [1, 2, 4]
    assert points[0].speedups == (1.0, 1.2, 0.8)
    assert [point.speedup for point in points] == [1.0, 2.0, 4.0]


def test_the_best_point_is_one_that_was_measured(matrix: Matrix) -> None:
    best = grown(matrix).best
    assert best is not None
    assert (best[0], best[1].level) == ("processes", 4)


def test_why_no_law_is_fitted_is_said(matrix: Matrix) -> None:
    (sentence,) = growth.laws(grown(matrix))
    assert sentence.startswith("processes: no scalability law is fitted to 3 levels")


def test_the_summary_has_a_column_for_each_level(matrix: Matrix) -> None:
    file = io.StringIO()
    console = Console(file=file, width=120)
    for part in growth.tables([grown(matrix)]):
        console.print(part)
    said = file.getvalue()
    assert "How computes grows with workers (speedup, over all turns)" in said
    assert "1.00x (0.80 to 1.20)" in said
    assert "Best measured: processes with 4 workers, 4.00 times serial." in said


def test_the_figures_of_a_level_can_be_written_as_json(matrix: Matrix) -> None:
    found = grown(matrix)
    figures: dict[str, Any] = found.figures()
    assert figures["option"] == "workers"
    assert [one["level"] for one in figures["models"]["processes"]] == [1, 2, 4]
    assert figures["sentences"] == growth.laws(found)

"""Gives a benchmark its cells and keeps what they measure: the hooks of any run of cells."""

from collections.abc import Generator
from typing import Any

import pytest

from conlab.bench import discovery, levels, one_thread, summary
from conlab.bench.broken_off import broken_off
from conlab.bench.discovery import Cell
from conlab.bench.measuring import Matrix

MATRIX = pytest.StashKey[Matrix]()
FINISHED = pytest.StashKey[set[str]]()  # the node ids that came to an end
BROKEN_OFF = pytest.StashKey[dict[str, Any]]()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the origin and remove what the jobs wrote."""
    if MATRIX in config.stash:
        levels.close(config.stash[MATRIX])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give ``cell`` every cell, and ``model`` every model."""
    matrix = metafunc.config.stash[MATRIX]
    chosen = matrix.settings
    if "cell" in metafunc.fixturenames:
        cells = [
            cell
            for workload in chosen.workloads
            for cell in (
                *discovery.cells(workload, chosen.models),
                *levels.cells_of(workload, matrix),
            )
        ]
        metafunc.parametrize("cell", cells, ids=[cell.id for cell in cells])
    if "model" in metafunc.fixturenames:
        metafunc.parametrize("model", chosen.models, ids=[model.name for model in chosen.models])


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Note that it ended; beside serial, if its jobs compute on several cores, measure why."""
    item.config.stash.setdefault(FINISHED, set()).add(item.nodeid)
    cell = getattr(item, "callspec", None) and item.callspec.params.get("cell")  # type: ignore[attr-defined]
    if isinstance(cell, Cell) and not cell.level:
        one_thread.add(item.config.stash[MATRIX], cell)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell the matrix which cells are to be measured: those of a workload take turns."""
    matrix = session.config.stash[MATRIX]
    for item in session.items:
        if isinstance(item, pytest.Function) and {"cell", "matrix"} <= set(item.fixturenames):
            cell: Any = item.callspec.params["cell"]
            matrix.at_level(cell).chosen.setdefault(cell.workload.name, []).append(cell)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before pytest-benchmark's own, which saves there
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Leave out a benchmark that was broken off before its first round: it has nothing to save."""
    stash = session.config.stash
    stash[BROKEN_OFF] = broken_off(session, stash.get(FINISHED, set()))
    benchmarks: Any = session.config.pluginmanager.get_plugin("pytest-benchmark")
    if benchmarks:
        benchmarks.benchmarks = [one for one in benchmarks.benchmarks if one]
    return (yield)


@pytest.fixture(scope="session")
def matrix(pytestconfig: pytest.Config) -> Matrix:
    """The run's matrix, where each cell leaves its figures."""
    return pytestconfig.stash[MATRIX]


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Add what only the whole run could tell: speedups, per cent of the floor, the machine."""
    summary.complete(output_json, config.stash[MATRIX])
    if left := config.stash.get(BROKEN_OFF, None):
        output_json["concurrency_lab"]["broken_off"] = left

"""Every workload under every model: timed by ``--benchmark-only``, else each cell once, checked."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from conlab.bench.checking import OtherResults
from conlab.bench.discovery import Cell
from conlab.bench.measuring import SAID_ONCE, Matrix
from conlab.bench.running import CellAbsent, CellFailed
from conlab.errors import UserError


def bench_cell(cell: Cell, matrix: Matrix, benchmark: Any, request: pytest.FixtureRequest) -> None:
    if benchmark.disabled and cell.model.name == "cluster" and not cell.absent():
        matrix = request.getfixturevalue("on_one_cluster")
    try:
        matrix.measure(cell, benchmark)
    except CellAbsent as reason:
        pytest.skip(str(reason))
    except (UserError, CellFailed, OtherResults) as mistake:
        if cell.workload.name in matrix.refused:
            pytest.skip(SAID_ONCE)
        if isinstance(mistake, OtherResults):
            raise
        pytest.fail(str(mistake), pytrace=False)


@pytest.fixture(scope="module")
def on_one_cluster(matrix: Matrix) -> Iterator[Matrix]:
    """The run on one cluster for all cells: to start one takes seconds, and here nothing is timed.

    How a cluster starts and ends is for bench_start_up.py and the tests of the models to see.
    """
    from workloads.models import cluster

    distributed = pytest.importorskip("distributed")
    settings = matrix.settings
    if settings.cluster != "local":
        yield matrix
        return
    with cluster.pool(
        None, in_flight=settings.in_flight, workers=settings.workers, cluster="local"
    ):
        address = distributed.default_client().scheduler.address
        yield dataclasses.replace(matrix, settings=dataclasses.replace(settings, cluster=address))

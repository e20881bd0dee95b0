"""Every workload under every model: timed by ``--benchmark-only``, else each cell once, checked."""

from typing import Any

import pytest

from conlab.bench.discovery import Cell
from conlab.bench.measuring import Matrix
from conlab.bench.running import CellAbsent
from conlab.errors import UserError


def bench_cell(cell: Cell, matrix: Matrix, benchmark: Any) -> None:
    try:
        matrix.measure(cell, benchmark)
    except CellAbsent as reason:
        pytest.skip(str(reason))
    except UserError as mistake:
        pytest.fail(str(mistake), pytrace=False)

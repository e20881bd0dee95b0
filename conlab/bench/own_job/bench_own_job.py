"""The benchmark file of that run: a reader's own job under each model."""

from typing import Any

import pytest

from conlab.bench.discovery import Cell
from conlab.bench.measuring import Matrix
from conlab.bench.running import CellAbsent
from conlab.errors import UserError


def bench_cell(cell: Cell, matrix: Matrix, benchmark: Any) -> None:
    """Time the cell, or say in a sentence why that cannot be."""
    try:
        matrix.measure(cell, benchmark)
    except CellAbsent as reason:
        pytest.skip(str(reason))
    except (UserError, AssertionError) as mistake:
        pytest.fail(str(mistake), pytrace=False)

"""The benchmark file of that run: a reader's own job under each model."""

from typing import Any

import pytest

from conlab.bench.discovery import Cell
from conlab.bench.measuring import Matrix
from conlab.bench.running import CellAbsent
from conlab.errors import UserError


def bench_cell(cell: Cell, matrix: Matrix, benchmark: Any) -> None:
    """Time the cell, or say in a sentence why that cannot be."""
    reason: Exception
    try:
        matrix.measure(cell, benchmark)
    except (CellAbsent, UserError, AssertionError) as error:
        reason = error
    else:
        return
    if isinstance(reason, CellAbsent):
        pytest.skip(str(reason))
    pytest.fail(str(reason), pytrace=False)  # outside the handler, or pytest tells of both

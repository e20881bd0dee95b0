"""The benchmark file of that run: a reader's own job under each model."""

import traceback
from typing import Any

import pytest

from conlab.bench import own_lines
from conlab.bench.checking import one_line
from conlab.bench.discovery import Cell
from conlab.bench.measuring import Matrix
from conlab.bench.running import CellAbsent, CellFailed
from conlab.errors import UserError


def bench_cell(cell: Cell, matrix: Matrix, benchmark: Any) -> None:
    """Time the cell, or say in a sentence why that cannot be."""
    reason: BaseException
    try:
        matrix.measure(cell, benchmark)
    except (Exception, SystemExit) as error:
        reason = error
    else:
        return
    if isinstance(reason, CellAbsent) or cell.workload.name in matrix.refused:
        pytest.skip(str(reason))
    file = getattr(cell.workload.module, "__file__", None)
    pytest.fail(said(reason, str(file)), pytrace=False)  # not in the handler: it would tell of both


def said(error: BaseException, file: str) -> str:
    """The sentence of an error of ours; of the job's own, what it is and where in its file."""
    if isinstance(error, UserError | CellFailed | AssertionError):
        return one_line(error)
    if lines := own_lines.of_error(error, file):
        return f"{lines[-1].partition(': ')[0]}: {own_lines.said(error)}"
    return "".join(traceback.format_exception(error))

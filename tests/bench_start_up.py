"""What it takes to start each model's pool, and to stop it: never hidden inside another timing."""

from typing import Any

import pytest

from conlab.bench.discovery import Model
from conlab.bench.measuring import Matrix
from conlab.bench.running import CellAbsent


def bench_start(model: Model, matrix: Matrix, benchmark: Any) -> None:
    if reason := model.module.absent():
        pytest.skip(reason)
    try:
        matrix.measure_start(model, benchmark)
    except CellAbsent as reason:
        pytest.skip(str(reason))

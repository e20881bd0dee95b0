"""Wires the bench into the clone's pytest: its options, what is run, the summary at the end."""

from typing import Any

import pytest

from conlab.bench import saving, settings, summary
from conlab.bench.cells import MATRIX
from conlab.bench.inputs import Inputs
from conlab.bench.measuring import Matrix
from conlab.errors import UserError

PEERS = "bench_peers.py"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's options to pytest's."""
    settings.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the options, and switch timing off unless benchmarks are what was asked for."""
    timed = config.getoption("benchmark_only", False)
    saving.check_options(config)
    if timed:
        config.option.benchmark_columns = ["min", "median", "iqr", "rounds"]
    else:
        config.option.benchmark_disable = True
        if config.getoption("peers"):
            raise pytest.UsageError("--peers measures: it needs --benchmark-only beside it")
    try:
        chosen = settings.read(config, small=not timed)
        inputs = Inputs(chosen, small=not timed)
    except UserError as mistake:
        raise pytest.UsageError(str(mistake)) from None
    config.stash[MATRIX] = Matrix(chosen, inputs)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what measures apart from what tests, and peers out unless they are asked for."""
    timed = config.getoption("benchmark_only", False)
    peers = timed and config.getoption("peers")
    kept = [
        item
        for item in items
        if (item.path.name.startswith("bench_") or not timed) and (item.path.name != PEERS or peers)
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
    for item in items if timed else []:
        # How long a cell takes is for --jobs and the reader's data to say; its jobs have limits.
        item.add_marker(pytest.mark.timeout(0))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the tables, the verdicts and the rules of thumb."""
    matrix = config.stash.get(MATRIX, None)
    if matrix and (matrix.measured or matrix.starts or matrix.compared or matrix.grown):
        writer = terminalreporter._tw
        writer.write(summary.text(matrix, writer.fullwidth, writer.hasmarkup))

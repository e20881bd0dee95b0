"""What any run of cells does besides: it leaves out what was broken off before it was timed."""

from types import SimpleNamespace
from typing import Any

import pytest
from pytest_benchmark.stats import Stats

from conlab.bench import cells


def test_a_benchmark_that_was_broken_off_before_its_first_round_is_not_saved() -> None:
    timed, broken_off = Stats(), Stats()  # type: ignore[no-untyped-call]  # it has no annotations
    timed.update(0.1)  # type: ignore[no-untyped-call]
    plugin = SimpleNamespace(benchmarks=[timed, broken_off])
    manager = SimpleNamespace(get_plugin={"pytest-benchmark": plugin}.get)
    config = SimpleNamespace(pluginmanager=manager, stash=pytest.Stash())
    session: Any = SimpleNamespace(config=config, exitstatus=0, shouldfail=False, shouldstop=False)
    next(cells.pytest_sessionfinish(session))
    assert plugin.benchmarks == [timed]

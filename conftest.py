"""The suite's own options and wiring, nothing else."""

import pytest

from conlab.bench.settings import usable_cores

# One that another imports comes before it, or pytest could not rewrite its assertions.
pytest_plugins = [
    "conlab.bench.cells",
    "conlab.bench.saving",
    "conlab.bench.plugin",
    "conlab.versus.plugin",
    "conlab.calibration.quotation",
]

MOST_PROCESSES = 8  # that share the tests: more would wait for the longest file


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist, which acts on what is set here
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Share the whole of the tests among the cores; what is named, timed or watched is not."""
    option = config.option
    undecided = getattr(option, "numprocesses", 0) is None and not hasattr(config, "workerinput")
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    watched = option.usepdb or option.trace or option.capture == "no"
    processes = min(usable_cores(), MOST_PROCESSES)
    if undecided and whole and not watched and not option.benchmark_only and processes > 1:
        option.numprocesses = processes
        option.dist = "loadfile"  # the tests of a file share what was made for them

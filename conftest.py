"""The suite's own options and wiring, nothing else."""

import pytest

from conlab.bench.settings import usable_cores

# One that another imports comes before it, or pytest could not rewrite its assertions.
pytest_plugins = [
    "conlab.bench.cells",
    "conlab.bench.saving",
    "conlab.bench.unsaved",
    "conlab.bench.plugin",
    "conlab.versus.plugin",
    "conlab.report.plugin",
    "conlab.calibration.quotation",
]

PROCESSES_A_CORE = 2  # that share the tests: half of their time they wait for a child
MOST_PROCESSES = 8  # more would wait for the longest file


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist, which acts on what is set here
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Share the whole of the tests among the cores; what is named, timed or watched is not."""
    option = config.option
    undecided = getattr(option, "numprocesses", 0) is None and not hasattr(config, "workerinput")
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    watched = option.usepdb or option.trace or option.capture == "no"
    cores = usable_cores()
    if undecided and whole and not watched and not option.benchmark_only and cores > 1:
        option.numprocesses = min(cores * PROCESSES_A_CORE, MOST_PROCESSES)
        option.dist = "loadfile"  # the tests of a file share what was made for them
        # By the number of its tests, a file of four that take half a minute would be the last.
        option.loadscopereorder = False

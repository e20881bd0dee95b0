"""Wires the bench into the clone's pytest: its options, what is run, the summary at the end."""

import faulthandler
import os
import signal
from collections.abc import Generator
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from conlab import ending, scratch
from conlab.bench import saving, settings, summary
from conlab.bench.cells import MATRIX
from conlab.bench.inputs import Inputs
from conlab.bench.measuring import Matrix
from conlab.errors import UserError
from conlab.terminal import plain

PEERS = "bench_peers.py"
SCRATCH = pytest.StashKey[Path]()
WORKER = ".worker"  # ends the name of a file there, which begins with a process id
ENDED = pytest.StashKey[tuple[int, bool]]()  # the exit status, and whether by an interruption


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
    until_the_end = ExitStack()
    until_the_end.enter_context(ending.as_by_ctrl_c())
    config.add_cleanup(until_the_end.close)
    within = getattr(config, "workerinput", {}).get("scratch")  # this is one of pytest-xdist's
    config.stash[SCRATCH] = Path(scratch.hold_helpers_files(within))
    if within:
        (config.stash[SCRATCH] / f"{os.getpid()}{WORKER}").touch()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist, which may be killed, where to write."""
    node.workerinput["scratch"] = str(node.config.stash[SCRATCH])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the matrix say what it waits for, past pytest's capture."""
    plugins = session.config.pluginmanager
    terminal: Any = plugins.get_plugin("terminalreporter")
    capture: Any = plugins.get_plugin("capturemanager")

    def say(sentence: str) -> None:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            terminal.ensure_newline()
            terminal.write_line(plain(sentence))

    if terminal:
        session.config.stash[MATRIX].say = say


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let pytest dump no stacks while it is timed: the first cell of a workload takes its turns."""
    if item.config.getoption("benchmark_only", False):
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(tryfirst=True)
def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Begin to end after Ctrl-C itself; pytest says so of a ``-x``, too."""
    if excinfo.type is KeyboardInterrupt:
        ending.end_within(ending.LIMIT, ending.status(pytest.ExitCode.INTERRUPTED))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Exit as one does who was told to, if so; the processes of pytest-xdist heard of nothing."""
    if ending.heard:
        for worker in session.config.stash[SCRATCH].glob(f"*{WORKER}"):
            with suppress(ProcessLookupError):
                os.kill(int(worker.stem), signal.SIGTERM)
    yield
    interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
    if interrupted:
        session.exitstatus = ending.status(session.exitstatus)
    session.config.stash[ENDED] = session.exitstatus, interrupted


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> Generator[None, None, None]:
    """Do not wait for jobs that were left behind in their threads."""
    yield
    if ENDED in config.stash:
        ending.let_go(*config.stash[ENDED])


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the tables, the verdicts and the rules of thumb."""
    matrix = config.stash.get(MATRIX, None)
    if matrix and (matrix.measured or matrix.starts or matrix.compared or matrix.grown):
        writer = terminalreporter._tw
        writer.write(summary.text(matrix, writer.fullwidth, writer.hasmarkup))

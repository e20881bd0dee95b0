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
from conlab.bench import levels, saving, settings, summary
from conlab.bench.cells import MATRIX
from conlab.bench.inputs import Inputs
from conlab.bench.measuring import Matrix
from conlab.errors import UserError
from conlab.terminal import LiveTail, plain

PEERS = "bench_peers.py"
CELLS = "bench_matrix.py"
SCRATCH = pytest.StashKey[Path]()
REFUSED = pytest.StashKey[set[str]]()  # the workloads of which it was said
ENDS = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED
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
        if chosen.levels and config.getoption("versus", None):
            option = chosen.levels[0].option.replace("_", "-")
            raise UserError(f"--{option}: --versus compares at one value, and here are several")
        matrix = config.stash[MATRIX] = Matrix(chosen, Inputs(chosen, small=not timed))
        levels.add_levels(matrix, small=not timed)
    except UserError as mistake:
        raise pytest.UsageError(str(mistake)) from None
    if timed and config.stash[MATRIX].is_own:
        config.option.benchmark_quiet = True  # its table is not that of the job
        if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            config.args = [str(config.rootpath / "tests" / CELLS)]
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
def pytest_runtestloop(session: pytest.Session) -> None:
    """Try the reader's own workloads before anything is measured.

    Raises pytest.UsageError where nothing else is there to be run; else what is wrong is said, and
    the others run.
    """
    config = session.config
    let_say_and_show(config)
    if config.option.collectonly or getattr(config.option, "numprocesses", None):
        return
    matrix = config.stash[MATRIX]
    called = [getattr(item, "callspec", None) for item in session.items]
    cells = [each.params.get("cell") for each in called if each]
    names = {cell.workload.name for cell in cells if cell}
    for workload in matrix.settings.workloads:
        if not workload.own or workload.name not in names:
            continue
        try:
            matrix.reference(workload)
        except UserError as mistake:
            matrix.refuse(workload, mistake)
    if matrix.refused and len(cells) == len(session.items) and not names - set(matrix.refused):
        config.stash[REFUSED] = set(matrix.refused)
        raise pytest.UsageError("\n".join(matrix.refused.values()))
    say_refused(config)


def let_say_and_show(config: pytest.Config) -> None:
    """Let the matrix say and show what it does, past pytest's capture."""
    matrix = config.stash[MATRIX]
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if not reporter:
        return
    capturing: Any = config.pluginmanager.get_plugin("capturemanager")
    tail = LiveTail(reporter._tw._file)

    def say(sentence: str) -> None:
        with capturing.global_and_fixture_disabled() if capturing else nullcontext():
            tail.clear()
            reporter.ensure_newline()
            reporter.write_line(plain(sentence))

    def show(sentence: str) -> None:
        with capturing.global_and_fixture_disabled() if capturing else nullcontext():
            tail.show(sentence)

    matrix.say = say
    if tail.shown and config.getoption("benchmark_only", False):
        matrix.show = show


def say_refused(config: pytest.Config) -> None:
    """Say of each workload that is refused what is wrong with it, once."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    said = config.stash.setdefault(REFUSED, set())
    for name, sentence in config.stash[MATRIX].refused.items():
        if name not in said and reporter:
            said.add(name)
            reporter.ensure_newline()
            reporter.write_line(f"ERROR: {sentence}", red=True)


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
    matrix = session.config.stash.get(MATRIX, None)
    if matrix and matrix.refused and session.exitstatus in ENDS:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
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
    if matrix:
        say_refused(config)
    if matrix and (matrix.measured or matrix.starts or matrix.compared or matrix.grown):
        writer = terminalreporter._tw
        writer.write(summary.text(matrix, writer.fullwidth, writer.hasmarkup))

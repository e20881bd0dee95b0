"""What holds for all tests."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import pytest_timeout

from conlab.scratch import scratch_folder
from tests.patience import patience

TESTS = Path(__file__).resolve().parent

# What hypothesis draws is the same each time, and takes as long as a busy machine makes it take.
hypothesis.settings.register_profile(
    "on any machine",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("on any machine")

# Files that take long. Were one of them begun among the last, one process would run on while the
# others have nothing left to do.
LONG = (
    "explorer/strangers/test_strangers.py",
    "docs/test_gate.py",
    "explorer/threads/test_verdicts.py",
    "explorer/search/test_processes.py",
    "versus/test_end_to_end.py",
    "versus/pairs/test_measuring.py",
    "versus/benchmark_tests/test_trees.py",
    "bench/test_existing_cluster.py",
    "pitfalls/test_law.py",
    "versus/benchmark_tests/test_end_to_end.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: pytest_timeout.Settings) -> object:
    """Give a test its time limit, wider where others want the cores as well."""
    wider = settings._replace(timeout=patience(settings.timeout))
    return pytest_timeout.pytest_timeout_set_timer(item, wider)


@pytest.hookimpl(tryfirst=True)  # a plugin that puts them in a random order has the last word
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the tests, begin with the files that take long."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place(item.path))


def place(file: Path) -> int:
    """Where among the long files it comes; those that are none keep their order behind them."""
    name = file.relative_to(TESTS).as_posix() if file.is_relative_to(TESTS) else ""
    return LONG.index(name) if name in LONG else len(LONG)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse cases in the order of a set: the processes that share the tests would not agree."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        cases = mark.kwargs.get("argvalues", mark.args[1] if len(mark.args) > 1 else ())
        if isinstance(cases, set | frozenset):
            where = metafunc.definition.nodeid
            raise pytest.UsageError(f"{where}: its cases are a set, whose order is left to chance")


@pytest.fixture(scope="session", autouse=True)
def children_hear_signals() -> Iterator[None]:
    """Undo what a shell's background or nohup does: what pytest starts would be deaf as well."""
    hearing: dict[signal.Signals, Callable[..., object] | signal.Handlers] = {
        signal.SIGINT: signal.default_int_handler
    }
    if sys.platform != "win32":
        hearing[signal.SIGHUP] = signal.SIG_DFL
    before = {number: signal.getsignal(number) for number in hearing}
    for number, heard in hearing.items():
        if before[number] is signal.SIG_IGN:
            signal.signal(number, heard)
    yield
    for number, was in before.items():
        signal.signal(number, was)


@pytest.fixture(scope="session", autouse=True)
def children_measure_by_themselves() -> None:
    """Hide from them that this process may share the tests with others: they would not time."""
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
        del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def the_terminal_is_eighty_columns_wide() -> Iterator[None]:
    """Have lines end where they do in CI, however wide the terminal of these tests may be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_is_noted_in_the_home() -> Iterator[None]:
    """Have `conlab study` note what was studied in a folder of the tests, where it can be told."""
    with scratch_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield

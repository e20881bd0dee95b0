"""What holds for all tests."""

import os
import signal
from collections.abc import Iterator

import pytest
import pytest_timeout

from tests.patience import patience


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: pytest_timeout.Settings) -> object:
    """Give a test its time limit, wider where others want the cores as well."""
    wider = settings._replace(timeout=patience(settings.timeout))
    return pytest_timeout.pytest_timeout_set_timer(item, wider)


@pytest.fixture(scope="session", autouse=True)
def children_hear_ctrl_c() -> Iterator[None]:
    """Undo what a shell does that starts pytest in the background: its children would be deaf."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def children_measure_by_themselves() -> None:
    """Hide from them that this process may share the tests with others: they would not time."""
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
        del os.environ[name]

"""Several children at a time: most wait, and the tests of a module only read the results."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

AT_ONCE = 4  # children; those that hang on purpose use no core

Results = dict[tuple[Any, ...], "Future[Any]"]


@pytest.fixture(scope="module")
def all_at_once(request: pytest.FixtureRequest) -> Callable[..., Results]:
    """A function that does a piece of work for every parameter set selected in this module.

    It returns when all are done, so that nothing runs beside a test that runs the explorer.
    """

    def do(work: Callable[..., Any], *names: str) -> Results:
        selected = {
            tuple(str(item.callspec.params[name]) for name in names): item.callspec.params
            for item in request.session.items
            if isinstance(item, pytest.Function)
            and item.module is request.module
            and hasattr(item, "callspec")
            and set(names) <= set(item.callspec.params)
        }
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return {
                key: pool.submit(work, *(params[name] for name in names))
                for key, params in selected.items()
            }

    return do


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that skipped every test it selected has shown nothing, so it does not pass."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.exitstatus != pytest.ExitCode.OK:
        return
    shown = reporter.stats.get("passed") or reporter.stats.get("cannot tell")
    if reporter.stats.get("skipped") and not shown:
        reporter.write_line("every test was skipped: nothing was shown", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

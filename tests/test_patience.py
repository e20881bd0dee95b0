"""The time limits of the tests are wider on a busy machine, so that slow is not taken for stuck."""

import os

import pytest
import pytest_timeout

from tests.patience import patience


@pytest.fixture
def three_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    load = 3.0 * (os.cpu_count() or 1)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)


@pytest.mark.usefixtures("three_for_each_core")
def test_patience_grows_with_what_wants_the_cores() -> None:
    assert patience(10) == 40


def test_without_a_figure_for_the_load_patience_is_as_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getloadavg", raising=False)
    assert patience(10) == 10


@pytest.mark.usefixtures("three_for_each_core")
def test_so_does_the_limit_of_every_test(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def take(_item: pytest.Item, settings: pytest_timeout.Settings) -> bool:
        given.append(settings.timeout)
        return True  # the timer is set

    monkeypatch.setattr(pytest_timeout, "pytest_timeout_set_timer", take)
    settings = pytest_timeout.Settings(10, "signal", False, False)
    request.config.hook.pytest_timeout_set_timer(item=request.node, settings=settings)
    assert given == [40]

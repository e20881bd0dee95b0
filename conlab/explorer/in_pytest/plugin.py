"""The hooks of pytest that run the tests which ask to be explored; registered with the first."""

import functools
from collections.abc import Generator
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.explorer.in_pytest.exploring import Report, explored, refused
from conlab.explorer.in_pytest.fixtures import Fixtures
from conlab.explorer.in_pytest.settings import Settings
from conlab.explorer.in_pytest.together import run_together

NAME = "conlab-in-pytest"
PROPERTY = "explored"  # of a report, which goes through pytest-xdist and into JUnit's XML
KEY: pytest.StashKey[Fixtures] = pytest.StashKey()


def choose(item: pytest.Item, settings: Settings) -> None:
    """Have a test explored when its turn comes."""
    if not isinstance(item, pytest.Function):
        return
    fixtures = item.stash[KEY] = Fixtures(item)
    item.runtest = functools.partial(_run, item, settings, fixtures)  # type: ignore[method-assign]


def refuse(item: pytest.Item, error: UserError) -> None:
    """Have a test fail because what it asks for makes no sense."""
    item.runtest = functools.partial(_fail, str(error))  # type: ignore[method-assign]


def _fail(text: str) -> None:
    pytest.fail(text, pytrace=False)


def _run(item: pytest.Function, settings: Settings, fixtures: Fixtures) -> None:
    run = run_together if settings.together else explored
    try:
        report = run(item, settings, fixtures)
    except UserError as error:
        report = refused(error, fixtures)
        fixtures.forget()
    item.user_properties.append((PROPERTY, f"{report.kind}: {report.sentence}"))
    _end(report, settings)


def _end(report: Report, settings: Settings) -> None:
    """Let the test end as its report says; who did not ask for a verdict need not get one."""
    if report.kind == "fails":
        pytest.fail(report.text, pytrace=False)
    if report.kind != "passes":
        if settings.on_request:
            pytest.fail(report.sentence, pytrace=False)
        pytest.skip(report.sentence)


class Hooks:
    """What is around the set-up of such a test, and of its fixtures."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Have only the wide fixtures set up."""
        fixtures = item.stash.get(KEY, None)
        if fixtures is None:
            return (yield)
        with fixtures.only_wide():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: Any, request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        """Know which fixture is made within an execution, and make async ones, too."""
        fixtures = request._pyfuncitem.stash.get(KEY, None)
        if fixtures is None or not fixtures.running:
            return (yield)
        return (yield from fixtures.made(fixturedef, request))

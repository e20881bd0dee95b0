"""Executes the test itself: the program of an exploration, whose exceptions are its failures."""

import contextlib
import inspect
import unittest
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.explorer.in_pytest.failures import Skipped
from conlab.explorer.in_pytest.fixtures import Fixtures

NO_LOCATION = 0xF8  # of an entry that says so; its three lowest bits are for how many units, less 1
MOST_UNITS = 8


class Execution:
    """One test, executed again and again: with fixtures and an instance of its own each time."""

    def __init__(self, item: pytest.Function, fixtures: Fixtures) -> None:
        """``skipped`` is by which exception the test said that it does not run here.

        ``refusal`` says why there can be no verdict, where that turned out in an execution.
        """
        self.item: Any = item
        self.fixtures = fixtures
        self.skipped: BaseException | None = None
        self.refusal: UserError | None = None
        self.is_async = inspect.iscoroutinefunction(item.function)

    def refuse_what_cannot_be(self) -> None:
        """Raise UserError for a test that cannot be explored."""
        function = self.item.function
        if getattr(function, "is_hypothesis_test", False):
            raise UserError("Hypothesis draws new inputs each time: call what it tests by hand")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise UserError("it is a generator, of which nothing would run")
        if self._is_unittest() and issubclass(self.item.cls, unittest.IsolatedAsyncioTestCase):
            raise UserError(
                "unittest.IsolatedAsyncioTestCase has an event loop of its own: write an async test"
                " function"
            )
        backend = self.fixtures.values_outside().get("anyio_backend", "asyncio")
        name, options = backend if isinstance(backend, tuple) else (backend, {})
        if name != "asyncio" or options.get("use_uvloop"):
            raise UserError(
                f"the anyio backend {backend!r} is not controlled: only plain asyncio is"
            )
        self.fixtures.refuse_what_cannot_be()

    def program(
        self, run: Callable[[Callable[..., Any], dict[str, Any]], Any]
    ) -> Callable[[], Any]:
        """Return a program without arguments that has ``run`` call the test with its fixtures.

        What the test can reach from outside hangs on it, as the explorer looks for that.
        """
        outside = self.fixtures.values_outside()
        functions = [self.item.function, *self.fixtures.functions()]

        def program() -> Any:
            try:
                with self._fresh(), self._torn_down():
                    arguments = self.fixtures.set_up()
                    with self._of_unittest():
                        return run(self.item.obj, arguments)
            except Skipped as skipped:
                self.skipped = skipped
            except UserError as refusal:
                self.refusal = refusal
            return None

        return _as_if_in(inspect.unwrap(self.item.function), program, outside, functions)

    def call(self, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """Call the test, or run what it returns."""
        if self.is_async:
            return self.fixtures.runner.run(function(**arguments))
        return function(**arguments)

    @contextlib.contextmanager
    def _torn_down(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.fixtures.tear_down()

    @contextlib.contextmanager
    def _fresh(self) -> Iterator[None]:
        """Give the test an instance of its class that no execution has had before."""
        kept = {name: self.item.__dict__.pop(name, None) for name in ("_obj", "_instance")}
        try:
            yield
        finally:
            self.item.__dict__.update(kept)

    @contextlib.contextmanager
    def _of_unittest(self) -> Iterator[None]:
        """Do around the test what `unittest` does: setUp, tearDown, clean-ups."""
        if not self._is_unittest():
            yield
            return
        case = self.item.instance
        with contextlib.ExitStack() as stack:
            stack.callback(case.doCleanups)
            case.setUp()
            stack.callback(case.tearDown)
            yield

    def _is_unittest(self) -> bool:
        cls = self.item.cls
        return isinstance(cls, type) and issubclass(cls, unittest.TestCase)


def _as_if_in(test: Any, program: Callable[[], Any], *reachable: Any) -> Callable[[], Any]:
    """Return the program as a function of the test's module, from which `reachable` is reached.

    So the test's project is what is stepped and set back, and nothing of ours. It has no lines: a
    witness shows none of it.
    """

    def run() -> Any:
        return program() if reachable else None

    code = run.__code__.replace(
        co_filename=test.__code__.co_filename,
        co_firstlineno=test.__code__.co_firstlineno,
        co_name=test.__code__.co_name,
        co_qualname=test.__code__.co_qualname,
        co_linetable=_without_lines(len(run.__code__.co_code) // 2),
    )
    return FunctionType(code, test.__globals__, test.__name__, None, run.__closure__)


def _without_lines(units: int) -> bytes:
    """Return a table of locations, as Objects/locations.md has it, in which so many have none."""
    return bytes(
        NO_LOCATION | min(MOST_UNITS, units - at) - 1 for at in range(0, units, MOST_UNITS)
    )

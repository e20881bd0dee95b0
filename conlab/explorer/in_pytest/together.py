"""Runs the body of a test several times at once: is the code that it tests safe to call so?

A test was not written to be run twice. So a failure counts only if no serial order of the bodies
shows it, nor any order of their calls in which each call is one step: then it comes from what is
within a call.
"""

import asyncio
import contextvars
import functools
import inspect
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import pytest

from conlab.errors import UserError
from conlab.explorer.exploration import explore, shared_things
from conlab.explorer.in_pytest.execution import Execution
from conlab.explorer.in_pytest.exploring import (
    Report,
    files_of,
    options_of,
    report_of,
    settled,
)
from conlab.explorer.in_pytest.failures import ENDS, BodyFailure, Skipped, raised_by
from conlab.explorer.in_pytest.fixtures import Fixtures
from conlab.explorer.in_pytest.settings import Settings
from conlab.explorer.outcomes import Deadlocked, Raised
from conlab.explorer.verdict import Exploration
from conlab.explorer.wording import from_here

# Fixtures that say what happens in the whole process, or change it.
CAPTURES = frozenset(["capfd", "capfdbinary", "caplog", "capsys", "capsysbinary", "capteesys"])
OF_ONE = CAPTURES | {"monkeypatch", "pytester", "recwarn"}
FOLDERS = frozenset(["tmp_path", "tmpdir"])  # of which each body gets one of its own
SHARE = 4  # of the seconds, one part in so many for each of the searches before the real one
MOST_NAMED = 6  # shared things
MOST_FILES = 3
MOST_SERIAL = 100  # schedules of each serial order
Phase = Literal["serial", "calls", "exceptions", "assertions"]


def run_together(item: pytest.Function, settings: Settings, fixtures: Fixtures) -> Report:
    """Explore so many bodies of a test at once.

    Raises UserError where there can be no verdict, and the exception by which the test is skipped.
    """
    return Together(item, settings, fixtures).report()


class Together:
    """The exploration of one test's bodies, in its phases."""

    def __init__(self, item: pytest.Function, settings: Settings, fixtures: Fixtures) -> None:
        self._item = item
        self._settings = settings
        self._execution = Execution(item, fixtures)
        self._names = [f"body-{number + 1}" for number in range(settings.together)]
        self._files = files_of(item, settings)
        self._test = inspect.unwrap(item.function).__code__.co_filename
        self._phase: Phase = "serial"
        self._expected: dict[tuple[Any, ...], str] = {}  # failures that whole calls show
        self._all_calls = True  # whether all orders of whole calls were run
        self._asserted = False  # whether a body's own assertion failed within calls

    def report(self) -> Report:
        """Explore, phase by phase."""
        self._execution.refuse_what_cannot_be()
        asked: list[str] = self._item._fixtureinfo.argnames  # type: ignore[assignment]
        for name in asked:
            if name in OF_ONE:
                raise UserError(
                    f"its fixture {name!r} is for the whole process: {self._count()} bodies cannot"
                    " share it, nor have one each"
                )
        reason = self._fails_one_after_the_other()
        if reason:
            return Report("refused", f"cannot run twice: {reason}")
        with settled(self._execution):
            shared = shared_things(self._program(None), self._names, stepped=self._files)
        if not shared:
            files = ", ".join(map(from_here, self._files[:MOST_FILES]))
            beyond = len(self._files) - MOST_FILES
            more = f" and {beyond} more" if beyond > 0 else ""
            return Report(
                "no verdict",
                f"no verdict: the {self._count()} bodies shared nothing that is stepped ({files}"
                f"{more}). What each makes for itself is shared if a fixture makes it; what was"
                " installed is stepped with --explore-step NAME",
            )
        return self._at_once(shared)

    def _fails_one_after_the_other(self) -> str:
        """Run all serial orders, and say how one of them fails."""
        orders = list(itertools.permutations(range(self._settings.together)))
        for order in orders:
            exploration = self._explore("serial", order)
            if exploration.failing and exploration.witness is not None:
                outcome = exploration.witness.outcome
                died = exploration.witness.died
                how = str(died[0] if died else outcome).partition("\n")[0]
                return f"one after the other, it {how}"
        return ""

    def _at_once(self, shared: Sequence[str]) -> Report:
        """Run them at once, under every schedule."""
        began = time.monotonic()
        seconds = self._settings.seconds
        if not self._execution.is_async:
            calls = self._explore("calls", seconds=seconds / SHARE)
            self._all_calls = calls.exhausted
            if calls.failing and calls.witness is not None:
                how = str(calls.witness.outcome).partition("\n")[0]
                return Report(
                    "refused", f"cannot run at once: even where each call is one step, it {how}"
                )
        searching = time.monotonic()
        left = max(1.0, seconds - (searching - began))
        found = self._explore("exceptions", seconds=left)
        within = self._shared(shared)
        if found.failing:
            return report_of(self._item, found, f"{self._what(found)}; {within}")
        if self._asserted:
            # The same search meets it again, sooner than that one ended; but where that was a
            # moment, a busy machine may take many times as long.
            as_long = max(seconds, 2 * (time.monotonic() - searching))
            asserted = self._explore("assertions", seconds=as_long)
            if asserted.failing:
                return report_of(self._item, asserted, f"{self._what(asserted)}; {within}")
            return Report(
                "no verdict",
                "no verdict: an assertion of the test failed in a schedule that was not met again"
                f" in {as_long:.0f} s; --explore-seconds allows more",
            )
        report = report_of(self._item, found)
        aside = f"; {self._set_aside()}" if self._expected else ""
        return replace(report, sentence=f"{report.sentence}; {within}{aside}")

    def _what(self, found: Exploration) -> str:
        """Say in one sentence of which kind the failure is."""
        assert found.witness is not None
        outcome = found.witness.outcome
        bodies = f"{self._count()} bodies at once, and in no serial order"
        if not self._all_calls:
            bodies += " that was run"
        match outcome:
            case Raised() if self._phase == "assertions":
                return f"the test's own assertion fails with {bodies}"
            case Raised(type=kind):
                return f"{kind} from the code under test with {bodies}"
            case Deadlocked():
                return f"a deadlock with {bodies}"
        return f"it {outcome} with {bodies}"

    def _shared(self, shared: Sequence[str]) -> str:
        named = ", ".join(shared[:MOST_NAMED])
        more = f" and {len(shared) - MOST_NAMED} more" if len(shared) > MOST_NAMED else ""
        return f"shared: {named}{more}"

    def _set_aside(self) -> str:
        """Say what fails, but for another reason than what is within a call."""
        told = "; ".join(self._expected.values())
        return f"set aside, as it fails where each call is one step: {told}"

    def _count(self) -> int:
        return self._settings.together

    # -- the program -----------------------------------------------------------------------------

    def _explore(
        self,
        phase: Phase,
        order: Sequence[int] | None = None,
        *,
        seconds: float | None = None,
    ) -> Exploration:
        self._phase = phase
        options = options_of(self._settings, self._files) | {"seconds": seconds}
        if phase in ("serial", "calls"):
            options |= {"count_on": 0, "cancellations": 0, "sample": None}
        if phase == "serial":  # of which there is one schedule, if a body starts no threads
            options |= {"schedules": MOST_SERIAL}
        if phase == "calls":
            options |= {"stepped": [self._test], "undivided": "calls"}
        with settled(self._execution):
            return explore(self._program(order), **options)

    def _program(self, order: Sequence[int] | None) -> Callable[[], Any]:
        run = self._run_tasks if self._execution.is_async else self._run_threads
        return self._execution.program(lambda function, own: run(order, function, own))

    def _run_threads(
        self, order: Sequence[int] | None, function: Any, arguments: dict[str, Any]
    ) -> None:
        errors: dict[str, BaseException] = {}

        def body(name: str, context: contextvars.Context, own: dict[str, Any]) -> None:
            error = raised_by(functools.partial(context.run, function, **own))
            if error is not None:
                errors[name] = error

        threads = []
        for name in self._names:
            # Its context is a copy of that in which the fixtures were made, and sees what they set.
            each = name, contextvars.copy_context(), self._own(name, arguments)
            threads.append(threading.Thread(target=body, args=each, name=name))
        if order is None:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        else:
            for number in order:
                threads[number].start()
                threads[number].join()
        self._judge(errors)

    def _run_tasks(
        self, order: Sequence[int] | None, function: Any, arguments: dict[str, Any]
    ) -> None:
        errors: dict[str, BaseException] = {}

        async def body(name: str) -> None:
            try:
                await function(**self._own(name, arguments))
            except asyncio.CancelledError:
                raise
            except ENDS as error:
                errors[name] = error

        async def together() -> None:
            if order is None:
                await asyncio.wait([asyncio.create_task(body(n), name=n) for n in self._names])
            else:
                for number in order:
                    name = self._names[number]
                    await asyncio.wait([asyncio.create_task(body(name), name=name)])

        self._execution.fixtures.runner.run(together())
        self._judge(errors)

    def _own(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Give the fixtures to a body: shared, but for a folder of its own."""
        own = dict(arguments)
        for fixture in FOLDERS & own.keys():
            own[fixture] = own[fixture] / name
            own[fixture].mkdir() if fixture == "tmp_path" else own[fixture].ensure(dir=True)
        return own

    def _judge(self, errors: dict[str, BaseException]) -> None:
        """Raise the failure that matters in this phase, if there is one."""
        for error in errors.values():
            if isinstance(error, Skipped):
                raise error
        failures = [BodyFailure.of(name, error, self._test) for name, error in errors.items()]
        match self._phase:
            case "serial":
                relevant = failures
            case "calls":
                self._expected |= {each.signature: str(each) for each in failures}
                relevant = []
            case _:
                unexpected = [each for each in failures if each.signature not in self._expected]
                asserted = [each for each in unexpected if each.by_assertion]
                self._asserted |= bool(asserted)
                raised = [each for each in unexpected if not each.by_assertion]
                relevant = asserted if self._phase == "assertions" else raised
        if relevant:
            raise relevant[0].error

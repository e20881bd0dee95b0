"""Explores one test that carries the mark `explore`, and says what came of it."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.explorer.exploration import explore
from conlab.explorer.in_pytest.execution import Execution
from conlab.explorer.in_pytest.failures import without_machinery
from conlab.explorer.in_pytest.fixtures import Fixtures
from conlab.explorer.in_pytest.settings import Settings
from conlab.explorer.outcomes import Raised
from conlab.explorer.programs.scope import files_of_project, scope_of
from conlab.explorer.verdict import Exploration
from conlab.explorer.wording import from_here
from conlab.terminal import plain, text_width


@dataclass(frozen=True, slots=True)
class Report:
    """What came of exploring a test: of which kind, in a sentence, and in full where it fails."""

    kind: str  # passes, fails, refused, no verdict
    sentence: str
    text: str = ""


def explored(item: pytest.Function, settings: Settings, fixtures: Fixtures) -> Report:
    """Explore a test whose body is the program, and whose asserts are the check.

    Raises UserError where there can be no verdict, and the exception by which the test is skipped.
    """
    execution = Execution(item, fixtures)
    execution.refuse_what_cannot_be()
    program = execution.program(execution.call)
    files = files_of(item, settings)
    with settled(execution):
        exploration = explore(program, check=settings.check, **options_of(settings, files))
    return report_of(item, exploration)


def options_of(settings: Settings, files: tuple[str, ...]) -> dict[str, Any]:
    """Give the options of `explore` that a test has asked for."""
    return {
        "stepped": files,
        "reading": settings.reading,
        "bound": settings.bound,
        "limit": settings.limit,
        "schedules": settings.schedules,
        "seconds": settings.seconds,
        "count_on": settings.count_on,
        "cancellations": settings.cancellations,
        "sample": settings.sample,
        "seed": settings.seed,
    }


def files_of(item: pytest.Function, settings: Settings) -> tuple[str, ...]:
    """Give the files that are stepped for a test."""
    files = settings.step_only or files_of_project([item.module, *_conftests(item)])
    return scope_of(item.function, [*files, *settings.step]).stepped


def _conftests(item: Any) -> Iterator[ModuleType]:
    """Give the modules in which the fixtures of a test stand."""
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        module = sys.modules.get(getattr(definitions[-1].func, "__module__", ""))
        if module is not None and module is not item.module:
            yield module


@contextlib.contextmanager
def settled(execution: Execution) -> Iterator[None]:
    """Raise what executions leave: why they refused, or that the test is skipped."""
    try:
        yield
    except UserError:
        _settle(execution)
        raise
    _settle(execution)


def _settle(execution: Execution) -> None:
    if execution.refusal is not None:
        raise execution.refusal
    if execution.skipped is not None:
        raise execution.skipped


def report_of(item: pytest.Item, exploration: Exploration, headline: str = "") -> Report:
    """Say what came of it; in full where it fails, for who knows nothing of explorers."""
    if not exploration.schedules and not exploration.sampled:
        return Report("no verdict", f"no verdict: no schedule came to its end {exploration}")
    if not exploration.failing or exploration.witness is None:
        if exploration.schedules and exploration.bound is None and not exploration.exhausted:
            return Report("no verdict", f"no verdict: {exploration}")
        return Report("passes", str(exploration))
    # By the name under which pytest can be told to run it again.
    witness = replace(exploration.witness, program=item.nodeid)
    lines = [headline or str(exploration)]
    if headline:
        lines.append(str(exploration))
    if exploration.serial_outcomes:
        lines.append(f"the serial orders return only {' or '.join(exploration.serial_outcomes)}")
    if isinstance(witness.outcome, Raised):
        lines += ["", without_machinery(witness.outcome.traceback, exploration.stepped)]
    lines += ["", *witness.lines(text_width())]
    lines += ["", f"stepped: {', '.join(map(from_here, exploration.stepped))}"]
    return Report("fails", lines[0], plain("\n".join(lines), keep="\n"))


def refused(error: UserError, fixtures: Fixtures) -> Report:
    """Say why a test has no verdict; which fixture it was, if it was one."""
    fixture = f"fixture {fixtures.setting_up!r}: " if fixtures.setting_up else ""
    return Report("refused", plain(f"cannot be explored: {fixture}{error}"))

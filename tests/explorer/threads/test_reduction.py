"""The reduction loses no outcome of the programs of this folder: it finds what enumeration does."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conlab.explorer import Deadlocked, Raised, Returned
from conlab.explorer import exploration as explorer
from conlab.explorer.search.enumeration import enumerate_schedules
from conlab.explorer.search.reduction import reduced_schedules
from conlab.explorer.threads.scheduler import RestartSearch
from conlab.explorer.threads.watchdog import supervise
from tests.explorer.threads.test_verdicts import programs

LIMIT = 20_000  # steps of an execution
NAMES = [program.__name__ for program, _, _ in programs.PROGRAMS]
SHARE = NAMES[::8]
NUMBERS = re.compile(r"0x[0-9a-f]+|\d+")


class TooManyError(Exception):
    """There are more schedules than are to be executed."""


def outcomes(
    program: Callable[[], Any], reading: str, bound: int | None, most: int, *, reduction: bool
) -> set[Any] | None:
    """Return how the program's schedules end; None where there are more than ``most``."""
    files = explorer._stepped_files(program, None)
    with explorer._session(program, None, reading, files, LIMIT, 0) as session:

        def search() -> Iterator[Any]:
            executed, end = 0, None

            def execute(schedule: Any) -> None:
                nonlocal executed, end
                executed += 1
                if executed > most or session.tasks.loops:
                    raise TooManyError
                end = _end(session._execute(schedule), session.scheduler.died)

            find: Any = reduced_schedules if reduction else enumerate_schedules
            for _ in find(execute, bound):
                yield end

        def whole() -> set[Any] | None:
            while True:
                try:
                    return set(search())
                except RestartSearch:
                    session.step(True)
                except TooManyError:
                    return None

        return supervise(session.scheduler, whole, lambda: None)


def _end(outcome: Any, died: list[Any]) -> Any:
    """Say how an execution ends, without numbers and tracebacks."""
    lost = sorted((each.thread, each.type, each.message) for each in died)
    match outcome:
        case Returned(value):
            said = NUMBERS.sub("", repr(value)) if "0x" in repr(value) else repr(value)
        case Raised(type=kind, message=message):
            said = f"{kind}: {NUMBERS.sub('', message)}"
        case Deadlocked(waiting=waiting):
            said = str(sorted((w.thread, NUMBERS.sub("", w.waits_for), w.held_by) for w in waiting))
        case _:
            said = "unfinished"
    return said, *lost


def compare(name: str, reading: str, bound: int | None, most: int) -> bool:
    """Assert that nothing is lost; return whether enumeration ends, so that this says anything."""
    program = getattr(programs, name)
    plain = outcomes(program, reading, bound, most, reduction=False)
    if plain is None:
        return False
    assert outcomes(program, reading, bound, 100 * most, reduction=True) == plain
    return True


@pytest.mark.parametrize("bound", [0, 1])
@pytest.mark.parametrize("reading", ["gil", "bytecode"])
def test_a_share_of_the_programs_loses_no_outcome(reading: str, bound: int) -> None:
    compared = [compare(name, reading, bound, 300) for name in SHARE]
    assert sum(compared) >= len(SHARE) // 2


@pytest.mark.oracle
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("bound", [0, 1, 2, 3, None])
@pytest.mark.parametrize("reading", ["gil", "bytecode"])
@pytest.mark.parametrize("name", NAMES)
def test_no_program_loses_an_outcome(name: str, reading: str, bound: int | None) -> None:
    if not compare(name, reading, bound, 5_000):
        pytest.skip("plain enumeration does not end within 5,000 schedules")

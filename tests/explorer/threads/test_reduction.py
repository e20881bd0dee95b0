"""The reduction loses no outcome of the programs of this folder: it finds what enumeration does."""

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from conlab.explorer import Deadlocked, Raised, Returned, explore
from conlab.explorer.programs.scope import scope_of
from conlab.explorer.search.enumeration import enumerate_schedules
from conlab.explorer.search.reduction import reduced_schedules
from conlab.explorer.session import Subject, opened
from conlab.explorer.threads.scheduler import RestartSearch
from conlab.explorer.threads.watchdog import supervise
from tests.explorer.running import run_all
from tests.explorer.search.drawn import drawn
from tests.explorer.threads.test_verdicts import programs

LIMIT = 20_000  # steps of an execution
DRAWN = 10_000  # schedules, where plain enumeration has no end
NAMES = [program.__name__ for program, _, _ in programs.PROGRAMS]
SHARE = NAMES[::8]
NUMBERS = re.compile(r"0x[0-9a-f]+|\d+")


class TooManyError(Exception):
    """There are more schedules than are to be executed."""


def outcomes(
    program: Callable[[], Any], reading: str, bound: int | None, most: int, find: Any
) -> set[Any] | None:
    """Return how the schedules that are found end; None where there are more than ``most``."""
    scope = scope_of(program, None)
    with opened(Subject(program, scope, reading=reading, limit=LIMIT)) as session:

        def search() -> Iterator[Any]:
            executed, end = 0, None

            def execute(schedule: Any) -> None:
                nonlocal executed, end
                executed += 1
                if executed > most or session.tasks.loops:
                    raise TooManyError
                end = end_of(session.execute(schedule), session.scheduler.died)

            for schedule in find(execute, bound):
                if not getattr(schedule, "redundant", False):
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


def end_of(outcome: Any, died: list[Any]) -> Any:
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
    plain = outcomes(program, reading, bound, most, enumerate_schedules)
    if plain is None:
        return False
    assert outcomes(program, reading, bound, 100 * most, reduced_schedules) == plain
    return True


def compare_with_drawn(name: str, reading: str, bound: int | None, most: int) -> bool:
    """Assert that schedules drawn by chance end as some of the reduction, if that has an end."""
    program = getattr(programs, name)
    reduced = outcomes(program, reading, bound, most, reduced_schedules)
    if reduced is None:
        return False
    some = outcomes(program, reading, bound, DRAWN + 1, partial(drawn, schedules=DRAWN))
    assert some is not None
    assert some - reduced == set()
    return True


@pytest.mark.parametrize("bound", [0, 1])
@pytest.mark.parametrize("reading", ["gil", "bytecode"])
def test_a_share_of_the_programs_loses_no_outcome(reading: str, bound: int) -> None:
    compared = [compare(name, reading, bound, 300) for name in SHARE]
    assert sum(compared) >= len(SHARE) // 2


def test_a_loop_that_waits_has_an_end_and_the_verdict_says_how_far_it_was_let_turn() -> None:
    def program() -> None:
        done: list[int] = []

        def poll() -> None:
            while not done:
                time.sleep(1)

        polling = threading.Thread(target=poll)
        polling.start()
        done.append(1)
        polling.join()

    for reduction in (True, False):
        verdict = explore(program, bound=None, reading="bytecode", reduction=reduction)
        assert verdict.exhausted
        assert "no wait ended by time over 5 times in a row while others could" in str(verdict)
    assert "ended by time" not in str(explore(program, bound=2, reduction=False))


def test_what_is_not_known_is_named_and_depends_on_everything() -> None:
    def program() -> list[int]:
        tally: Counter[str] = Counter()
        run_all(lambda: tally.update("a"), lambda: tally.update("a"))
        return [*tally.values()]

    verdict = explore(program, check=[2].__eq__, reading="bytecode", reduction=True)
    assert "Counter.update" in verdict.unknown
    assert verdict.schedules >= 2  # the two orders of what they do, at least
    assert not verdict.failing


def test_an_iterator_shared_by_the_name_of_a_builtin_is_not_taken_for_it() -> None:
    def program() -> list[int]:
        shared = iter([1, 2])

        def zip(_: object) -> Any:  # noqa: A001 - that is the point
            return shared

        def take(got: list[int]) -> None:
            for each in zip(()):
                got.append(each)
                break

        first: list[int] = []
        second: list[int] = []
        run_all(lambda: take(first), lambda: take(second))
        return first + second

    verdict = explore(program, check=[1, 2].__eq__, reading="bytecode", reduction=True)
    assert verdict.failing


def test_a_program_with_an_event_loop_is_enumerated() -> None:
    async def program() -> None:
        await asyncio.gather(asyncio.sleep(1), asyncio.sleep(1))

    reduced, plain = (explore(program, bound=1, reduction=each) for each in (True, False))
    assert not reduced.reduced
    assert reduced == plain


@pytest.mark.oracle
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("bound", [0, 1, 2, 3, None])
@pytest.mark.parametrize("reading", ["gil", "bytecode"])
@pytest.mark.parametrize("name", NAMES)
def test_no_program_loses_an_outcome(name: str, reading: str, bound: int | None) -> None:
    if not compare(name, reading, bound, 5_000) and not compare_with_drawn(
        name, reading, bound, 20_000
    ):
        pytest.skip("no search ends: not the plain one in 5,000 schedules, nor this in 20,000")

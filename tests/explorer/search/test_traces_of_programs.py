"""The reduction within a bound meets each trace that plain enumeration within that bound meets.

Both number the traces of real programs alike here, so a trace that one lacks is a step of which
it is not known what it touches.
"""

from collections.abc import Callable
from typing import Any, Literal
from unittest import mock

import pytest

from conlab.explorer import explore
from conlab.explorer.programs.scope import scope_of
from conlab.explorer.search import enumeration
from conlab.explorer.search.enumeration import enumerate_schedules
from conlab.explorer.search.happens_before import HappensBefore
from conlab.explorer.search.reduction import reduced_schedules
from conlab.explorer.search.traced import TracedSchedule
from conlab.explorer.session import Session, Subject, opened
from conlab.explorer.threads.scheduler import RestartSearch
from conlab.explorer.threads.watchdog import supervise
from tests.explorer.search.abstract import EverySchedule
from tests.explorer.search.sharing_locks import (
    give_back_twice,
    give_back_what_another_takes,
    take_again,
    two_items,
    two_items_sorted,
    wait_no_time,
)
from tests.explorer.search.sharing_objects import who_frees
from tests.explorer.search.sharing_pools import (
    one_and_its_end,
    submitted_at_the_end,
    two_and_their_end,
    two_mapped,
    two_that_nobody_ends,
)

Reading = Literal["bytecode", "gil"]
MOST = 2_000  # schedules of plain enumeration
READINGS: tuple[Reading, ...] = ("bytecode", "gil")


class EveryWithinBound(EverySchedule):
    """One of plain enumeration, whose steps touch what they do in a reduced search with a bound."""

    __slots__ = ()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.bounded = True


def traces_of(session: Session, bound: int, find: Callable[..., Any]) -> set[int]:
    def execute(schedule: TracedSchedule) -> None:
        session.execute(schedule)
        order = HappensBefore()
        if isinstance(schedule, EveryWithinBound):
            for step in schedule.steps:
                order.add(step)

    while True:
        found = set()
        try:
            for count, schedule in enumerate(find(execute, bound)):
                assert count < MOST
                found.add(schedule.trace)
        except RestartSearch:
            session.step(True)
        else:
            return found


def missed(program: Callable[[], Any], reading: Reading, bound: int) -> tuple[int, int]:
    """Return how many traces there are within a bound, and how many the reduction lacks."""
    with opened(Subject(program, scope_of(program, None), reading=reading)) as session:

        def both() -> tuple[int, int]:
            while True:
                disproved = set(session.scheduler.disproved)
                reduced = traces_of(session, bound, reduced_schedules)
                with mock.patch.object(enumeration, "Schedule", EveryWithinBound):
                    plain = traces_of(session, bound, enumerate_schedules)
                if disproved == session.scheduler.disproved:  # both have assumed the same
                    assert reduced <= plain
                    assert len(plain) > 1 or not bound  # or there would be nothing to miss
                    return len(plain), len(plain - reduced)

        return supervise(session.scheduler, both, lambda: None)


LOOK_AT_A_LOCK: list[Callable[[], Any]] = [
    wait_no_time,
    take_again,
    give_back_what_another_takes,
    give_back_twice,
    two_items,
]


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("program", LOOK_AT_A_LOCK)
def test_no_trace_is_missed_where_another_releases_a_lock(
    program: Callable[[], Any], reading: Reading
) -> None:
    assert [missed(program, reading, bound)[1] for bound in range(2)] == [0, 0]


@pytest.mark.parametrize("bound", [1, None])
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("program", [wait_no_time, take_again])
@pytest.mark.parametrize("value", [True, False])
def test_a_lock_that_another_releases_is_found_free_and_found_taken(
    program: Callable[[], bool], reading: Reading, bound: int | None, value: bool
) -> None:
    verdict = explore(program, check=[not value].__contains__, reading=reading, bound=bound)
    assert verdict.failing


@pytest.mark.parametrize("bound", [1, None])
@pytest.mark.parametrize("reading", READINGS)
def test_what_another_takes_is_released_or_was_not_yet_taken(
    reading: Reading, bound: int | None
) -> None:
    for one in ("", "release unlocked lock"):
        verdict = explore(
            give_back_what_another_takes, check=[one].__contains__, reading=reading, bound=bound
        )
        assert verdict.failing


@pytest.mark.parametrize("reduction", [True, False])
@pytest.mark.parametrize("reading", READINGS)
def test_a_lock_that_two_release_is_released_by_one(reading: Reading, reduction: bool) -> None:
    once = [["release unlocked lock"]].__contains__
    verdict = explore(give_back_twice, check=once, reading=reading, bound=2, reduction=reduction)
    assert verdict.exhausted
    assert not verdict.failing


POOLS: list[Callable[[], Any]] = [
    one_and_its_end,
    two_and_their_end,
    two_mapped,
    two_that_nobody_ends,
    submitted_at_the_end,
]


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("program", POOLS)
def test_no_trace_of_a_pool_is_missed(program: Callable[[], Any], reading: Reading) -> None:
    assert missed(program, reading, 1)[1] == 0


def test_what_one_thread_touches_is_none_of_what_another_is_in() -> None:
    """A sort in one thread iterates over what another thread puts meanwhile."""
    assert missed(two_items_sorted, "bytecode", 2)[1] == 0


@pytest.mark.parametrize("reduction", [True, False])
@pytest.mark.parametrize("reading", READINGS)
def test_a_pool_takes_what_is_submitted_until_the_program_ends(
    reading: Reading, reduction: bool
) -> None:
    verdict = explore(submitted_at_the_end, reading=reading, bound=1, reduction=reduction)
    assert verdict.failing
    assert "taken" in str(verdict.witness)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("last", ["one", "two"])
def test_either_thread_may_be_the_last_that_lets_go_of_an_object(
    last: str, reading: Reading
) -> None:
    verdict = explore(who_frees, check=[[last]].__contains__, reading=reading)
    assert verdict.failing
    assert verdict.exhausted

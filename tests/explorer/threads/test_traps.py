"""What reductions are known to get wrong: each trap has the outcomes of plain enumeration."""

import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from conlab.explorer import explore
from conlab.explorer.search.enumeration import enumerate_schedules
from conlab.explorer.search.reduction import reduced_schedules
from tests.explorer.running import run_all
from tests.explorer.threads import reflecting_traps, traps
from tests.explorer.threads.test_reduction import outcomes

MOST = 1_500  # schedules of a plain enumeration
TRAPS = [
    trap
    for module in (traps, reflecting_traps)
    for name, trap in inspect.getmembers(module, inspect.isfunction)
    if not name.startswith("_")
]


def compare(trap: Any, reading: str, bound: int | None) -> None:
    plain = outcomes(trap, reading, bound, MOST, enumerate_schedules)
    reduced = outcomes(trap, reading, bound, 5 * MOST, reduced_schedules)
    assert reduced is not None
    if plain is None:  # what it leaves, a lower bound compares
        assert bound is None or bound == 2
        plain = outcomes(trap, reading, 1, MOST, enumerate_schedules)
        assert plain is not None
        assert plain <= reduced
    else:
        assert reduced == plain


@pytest.mark.parametrize("bound", [1, None])
@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_loses_no_outcome(trap: Any, bound: int | None) -> None:
    compare(trap, "bytecode", bound)


@pytest.mark.oracle
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("bound", [0, 1, 2, None])
@pytest.mark.parametrize("reading", ["gil", "bytecode"])
def test_no_trap_does_in_any_reading(reading: str, bound: int | None) -> None:
    for trap in TRAPS:
        compare(trap, reading, bound)


SLEEPING = {traps.two_sleepers, traps.names_in_the_order_of_making}


@pytest.mark.parametrize("trap", [trap for trap in TRAPS if trap not in SLEEPING])
def test_a_trap_has_several_outcomes(trap: Any) -> None:
    found = outcomes(trap, "bytecode", 1, 5 * MOST, reduced_schedules)
    assert found is not None
    assert len(found) >= 2


def test_the_ends_of_two_sleeps_are_no_race() -> None:
    verdict = explore(traps.two_sleepers, reading="bytecode", bound=None, reduction=True)
    assert verdict.exhausted
    assert verdict.schedules == 1


def test_who_reads_the_clock_is_before_or_after_the_end_of_a_sleep() -> None:
    verdict = explore(traps.a_reader_of_the_clock, bound=None, timeouts=False)
    assert verdict.exhausted
    assert verdict.schedules == 2


def test_generators_of_their_own_are_no_race() -> None:
    """Nor are context managers, of which each call makes one: only their lock is."""

    def program() -> int:
        lock, count = threading.Lock(), [0]

        @contextmanager
        def locked() -> Iterator[None]:
            with lock:
                yield

        def numbers(last: int) -> Iterator[int]:
            yield from range(last)

        def work() -> None:
            for _ in numbers(2):
                pass
            with locked():
                count[0] += 1

        run_all(work, work, work)
        return count[0]

    verdict = explore(program, check=[3].__contains__, reading="bytecode", reduction=True)
    assert verdict.exhausted
    assert verdict.bound is None
    assert verdict.schedules == 6

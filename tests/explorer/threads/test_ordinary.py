"""The explorer's verdict on ordinary programs is right, and loops that wait have an end in it."""

from collections.abc import Callable
from typing import Any

import pytest

from conlab.explorer import Unfinished, explore
from conlab.explorer.search.enumeration import enumerate_schedules
from conlab.explorer.search.reduction import reduced_schedules
from tests.explorer.threads import ordinary
from tests.explorer.threads.ordinary import BUSY, FAILS, ORDINARY
from tests.explorer.threads.test_reduction import outcomes

LIVELOCKS = [
    ordinary.works_until_nobody_tells_it_to_stop,
    ordinary.both_wait_for_the_other_to_go_first,
]
ENDING = [program for program in BUSY if program not in LIVELOCKS]
Program = Callable[[], Any]


def name(program: object) -> str | None:
    return getattr(program, "__name__", None)


@pytest.mark.parametrize(("program", "right"), [*ORDINARY.items(), *BUSY.items()], ids=name)
@pytest.mark.parametrize("reduction", [False, True], ids=["plain", "reduced"])
def test_verdict_is_right(program: Program, right: str, reduction: bool) -> None:
    # One that fails stops at its first failing schedule; another may have thousands with two.
    bound = 2 if right == FAILS else 1
    verdict = explore(
        program, reading="bytecode", bound=bound, count_on=0, reduction=reduction, limit=2_000
    )
    assert (verdict.failing > 0) == (right == FAILS), verdict.witness or verdict
    assert verdict.failing or verdict.exhausted


@pytest.mark.parametrize("program", LIVELOCKS, ids=name)
@pytest.mark.parametrize("reduction", [False, True], ids=["plain", "reduced"])
def test_a_livelock_is_still_one(program: Program, reduction: bool) -> None:
    verdict = explore(program, reading="bytecode", count_on=0, reduction=reduction, limit=2_000)
    assert verdict.witness is not None
    assert isinstance(verdict.witness.outcome, Unfinished)


@pytest.mark.parametrize("program", ENDING, ids=name)
def test_the_reduction_holds_loops_back_as_enumeration_does(program: Program) -> None:
    plain = outcomes(program, "bytecode", 1, 1_000, enumerate_schedules)
    assert plain is not None
    assert outcomes(program, "bytecode", 1, 10_000, reduced_schedules) == plain

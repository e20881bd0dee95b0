"""In which order reduced searches are made: what is told when, and what of an unfinished search."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from conlab.explorer import Exploration, explore
from conlab.explorer.search import deepening
from conlab.explorer.search.budget import Budget
from conlab.explorer.search.deepening import search_all, search_for_failure
from conlab.explorer.search.plain import PlainSearch
from conlab.explorer.search.reduction import Executed, executions
from conlab.explorer.search.sampling import trace_of
from conlab.explorer.search.schedule import Schedule
from conlab.explorer.search.shrinking import OrderedSchedule
from conlab.explorer.search.traced import TracedSchedule
from tests.explorer.search import large
from tests.explorer.search.abstract import Program, execute

LOST: Program = [[("r", "x"), ("w", "x", 1)] for _ in range(2)]


def loses(program: Program) -> Callable[[Any], bool]:
    return lambda schedule: ("x", len(program)) not in execute(program, schedule)


def test_a_failure_comes_with_the_fewest_preemptions_whatever_found_it_first() -> None:
    program: Program = [[("r", "x"), ("w", "x", 1)], [("r", "x"), ("w", "x", 1)]]

    def fails(schedule: TracedSchedule) -> bool:
        return ("x", 2) not in execute(program, schedule)

    found = search_for_failure(partial(executions, fails), 2, Budget(1_000), 1_000)
    assert found.first is not None
    assert found.first.preemptions == 1
    assert (found.failing, found.schedules, found.bound) == (2, 4, None)


def test_a_search_that_has_enough_says_how_far_it_came() -> None:
    program: Program = [[("inc", "x")] * 4 for _ in range(4)]

    def passes(schedule: TracedSchedule) -> bool:
        execute(program, schedule)
        return False

    found = search_for_failure(partial(executions, passes), 2, Budget(600), 1_000)
    assert (found.exhausted, found.bound, found.failing) == (False, 1, 0)
    assert found.beyond > 0
    assert (
        found.schedules - found.beyond
        == search_all(partial(executions, passes), 1, Budget()).schedules
    )


def test_the_search_without_a_bound_has_its_turns_where_one_within_a_bound_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = {"AT_FIRST": 20, "ONCE_MORE": 0, "WITHIN": 40, "WITHOUT": 20}
    for name, executions_at_a_time in sizes.items():
        monkeypatch.setattr(deepening, name, executions_at_a_time)
    locked: Program = [[("acquire", "L"), ("inc", "x"), ("release", "L")] for _ in range(5)]

    def passes(schedule: TracedSchedule) -> bool:
        execute(locked, schedule)
        return False

    found = search_for_failure(partial(executions, passes), 2, Budget(1_000), 1_000)
    assert (found.schedules, found.bound, found.exhausted) == (120, None, True)


def test_the_first_failure_is_told_of_at_once_and_the_count_goes_on_behind_it() -> None:
    program: Program = [[("r", "x"), ("w", "x", 1)] for _ in range(4)]
    executed = 0
    told: list[int] = []

    def fails(schedule: TracedSchedule) -> bool:
        nonlocal executed
        executed += 1
        return loses(program)(schedule)

    def show(failing: Executed) -> int:
        told.append(executed)
        return failing.preemptions

    found = search_for_failure(partial(executions, fails), 2, Budget(100_000), 1_000, show)
    assert told[0] < 5
    assert executed > 100
    assert found.failing > 1


def test_all_are_counted_whatever_fails_and_each_number_of_preemptions_once() -> None:
    found = search_all(partial(executions, loses(LOST)), 2, Budget())
    assert (found.schedules, found.failing, found.exhausted, found.bound) == (4, 2, True, 2)
    assert found.first is not None
    assert found.first.preemptions == 1
    whole = search_all(partial(executions, loses(LOST)), None, Budget())
    assert (whole.schedules, whole.failing, whole.exhausted, whole.bound) == (4, 2, True, None)
    none = search_all(partial(executions, loses(LOST)), 0, Budget())
    assert (none.schedules, none.failing, none.exhausted) == (1, 0, True)


def test_a_steered_failure_is_counted_though_no_search_has_met_it() -> None:
    program: Program = [[("inc", "x")] * 5 for _ in range(5)]
    order = [(thread, False) for thread in (0, 1, 0, 1, 2, 3, 4)]

    def passes(schedule: TracedSchedule) -> bool:
        execute(program, schedule)
        return False

    steered = OrderedSchedule(order)

    def steer() -> tuple[Executed, int]:
        execute(program, steered)
        trace_of(steered)
        return Executed.of(steered, fails=True), 3

    found = search_for_failure(partial(executions, passes), 2, Budget(1_000), 20, steer=steer)
    assert found.failing == 1
    assert found.schedules > 1
    assert found.first is not None
    assert list(found.first.choices) == steered.choices
    assert not found.exhausted


def test_a_plain_search_says_up_to_where_it_is_complete() -> None:
    def passes(schedule: Schedule) -> bool:  # two threads of two steps
        left = [2, 2]
        last = -1
        while able := [thread for thread in (0, 1) if left[thread]]:
            costs: tuple[int, ...] = (0,) * len(able)
            if last in able:
                able.sort(key=lambda thread: thread != last)
                costs = (0, 1)
            last = able[schedule.choose(costs, tuple(left))] if len(able) > 1 else able[0]
            left[last] -= 1
        schedule.finish()
        return False

    search = PlainSearch(passes, None)
    search.go_on(Budget(3), until_failure=True)
    found = search.found()
    assert (found.schedules, found.bound, found.exhausted, found.beyond) == (3, 0, False, 1)
    search.go_on(Budget(), until_failure=True)
    assert (search.found().exhausted, search.found().bound) == (True, None)


def test_what_is_spent_of_a_part_is_spent_of_the_whole() -> None:
    now = 0.0
    whole = Budget(10, seconds=60, clock=lambda: now)
    part = whole.part(1 / 2, executions=3)
    for _ in range(3):
        assert not part.over
        part.spend()
    assert (part.over, whole.over, whole.executions) == (True, False, 7)
    part = whole.part(1 / 2)
    now = 31.0
    assert (part.over, whole.over) == (True, False)
    now = 60.0
    assert whole.over


def test_a_part_ends_with_its_whole() -> None:
    whole = Budget(2)
    part = whole.part()
    whole.spend()
    whole.spend()
    assert part.over


# The whole of it, on programs.


def unfinished(reduction: bool, **options: Any) -> Exploration:
    program = large.philosophers(5 if reduction else 4, gate=True)
    return explore(
        program,
        check=bool,
        reading="bytecode",
        stepped=[large.__file__],
        reduction=reduction,
        **options,
    )


DRAWN = 148  # a third of 450 executions, but for two trials


@pytest.mark.parametrize("reduction", [False, True], ids=["plain", "reduced"])
def test_an_unfinished_search_says_what_it_has_and_is_the_same_each_time(reduction: bool) -> None:
    verdict = unfinished(reduction, schedules=450)
    assert verdict == unfinished(reduction, schedules=450)
    assert (verdict.failing, verdict.exhausted, verdict.bound) == (0, False, 0)
    assert verdict.sampled is not None
    assert verdict.sampled.schedules == DRAWN
    said = str(verdict)
    assert f"passes the {verdict.schedules} schedules that were run, and there are more" in said
    assert "complete up to 0 preemptions" in said
    if not reduction:
        assert f"preemptions, {verdict.beyond} of them with 1 or more" in said
    assert "not exhausted in 450 schedules" in said
    assert f"found nothing in {DRAWN} sampled schedules, which proves nothing" in said


def test_a_budget_in_seconds_ends_the_search() -> None:
    verdict = unfinished(False, seconds=0.2)
    assert not verdict.exhausted
    assert "not exhausted in 0.2 s" in str(verdict)


@pytest.mark.parametrize("reduction", [False, True], ids=["plain", "reduced"])
def test_a_witness_is_told_of_before_the_verdict(reduction: bool) -> None:
    told: list[Any] = []
    verdict = explore(
        large.unlocked(3),
        check=bool,
        reading="bytecode",
        stepped=[large.__file__],
        reduction=reduction,
        found=told.append,
    )
    assert told[-1] is verdict.witness
    needed = [each.preemptions for each in told]
    assert needed == sorted(set(needed), reverse=True)

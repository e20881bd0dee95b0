"""The reduction loses nothing: the same outcomes and the same traces as plain enumeration."""

import itertools
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conlab.explorer.search import reduction, reversals, traced
from conlab.explorer.search.happens_before import (
    EVERYTHING,
    HappensBefore,
    Location,
    TracedStep,
    dependent,
)
from conlab.explorer.search.reduction import reduced_schedules
from conlab.explorer.search.traced import Demand, Fork
from tests.explorer.search.abstract import (
    Program,
    by_enumeration,
    by_reduction,
    every_schedule,
    every_trace,
    execute,
    made,
)
from tests.explorer.search.drawn import DrawnSchedule, drawn

MOST = 3_000  # schedules of plain enumeration
BOUNDS = (0, 1, 2, 3, None)
SHARE, WHOLE = range(60), range(60, 1_060)
HARD: list[Program] = [  # where a thread must wait at the last step that it would race with
    [
        [("get within", "q", 1), ("if even", 0), ("acquire", "M"), ("release", "M")],
        [("r", "x"), ("put", "q"), ("get within", "q", 2)],
        [("get", "q"), ("r", "y")],
        [("get", "q"), ("r", "x")],
    ],
    [
        [("r", "y")],
        [
            *[("w", "y", 1), ("acquire", "M"), ("acquire within", "M", 2, 1), ("release", "M")],
            *[("r", "x"), ("put", "q"), ("release", "M")],
        ],
        [
            *[("acquire", "M"), ("acquire", "L"), ("release", "L"), ("release", "M")],
            ("get within", "q", 2),
        ],
    ],
    [
        [("acquire", "L"), ("inc", "x"), ("all",), ("release", "L")],
        [("if even", 0), ("acquire", "L"), ("r", "x"), ("release", "L")],
    ],
    [
        [("acquire", "L"), ("inc", "x"), ("try", "L", 1), ("release", "L"), ("release", "L")],
        [("if even", 0), ("acquire", "L"), ("r", "x"), ("release", "L")],
    ],
    [  # who is let go while another holds the lock comes to wait, and gives the turn back for free
        [("acquire", "L"), ("release", "L"), ("w", "x", 1)],
        [("r", "x"), ("w", "y", 0), ("acquire", "L"), ("release", "L"), ("r", "x")],
    ],
    [  # a thread that waits when all others sleep has been disabled, and could have been first
        [("start", 2), ("inc", "x"), ("join", 2)],
        [("get", "q"), ("all",)],
        [("put", "q"), ("get", "q")],
    ],
    [  # the racing step begins its turn: so the turn before it counts
        [("put", "q")],
        [("get within", "q", 1), ("w", "x", 1)],
        [("try", "M", 1), ("release", "M"), ("now",)],
        [("get within", "q", 1), ("w", "x", 2)],
    ],
]


def differs(program: Program, bound: int | None) -> str:
    """Say what is lost of a program, or nothing."""
    plain = by_enumeration(program, bound, MOST)
    if plain is None:
        return ""
    outcomes, traces, _ = by_reduction(program, bound)
    if outcomes != plain[0]:
        return f"bound {bound} of {program} loses {plain[0] - outcomes}"
    if bound is None and traces != plain[1]:
        return f"{program} has {len(plain[1])} traces and not {len(traces)}"
    return ""


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_made_program_has_the_outcomes_and_traces_of_plain_enumeration(bound: int | None) -> None:
    assert [lost for seed in SHARE if (lost := differs(made(seed), bound))] == []


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("program", HARD)
def test_so_has_one_whose_threads_wait_where_they_race(program: Program, bound: int | None) -> None:
    assert differs(program, bound) == ""


@pytest.mark.oracle
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("bound", BOUNDS)
def test_a_thousand_made_programs_have_them(bound: int | None) -> None:
    assert [lost for seed in WHOLE if (lost := differs(made(seed), bound))] == []


def lost_of_large(bound: int | None, seeds: range, schedules: int) -> tuple[int, list[Any]]:
    """Draw schedules of programs on which plain enumeration does not end and the reduction does.

    Return of how many programs, and what came of those schedules that the reduction lacks.
    """
    lost: list[Any] = []
    programs = 0
    for program in map(twice, seeds):
        if by_enumeration(program, bound, MOST) is not None:
            continue
        found = list(itertools.islice(every_trace(program, bound), MOST + 1))
        if len(found) <= MOST:
            programs += 1
            known = {outcome for outcome, _ in found}
            lost += [(program, end) for end in ends_of_drawn(program, bound, schedules) - known]
    return programs, lost


def twice(seed: int) -> Program:
    """Make a program of the threads of two."""
    return [*made(seed), *made(seed + 1)][:5]


def ends_of_drawn(program: Program, bound: int | None, schedules: int) -> set[Any]:
    ends = set()

    def run(schedule: DrawnSchedule) -> None:
        ends.add(execute(program, schedule))

    for _ in drawn(run, bound, schedules):
        pass
    return ends


@pytest.mark.parametrize("bound", [3, None])
def test_no_schedule_drawn_of_a_large_program_ends_as_the_reduction_knows_none(
    bound: int | None,
) -> None:
    programs, lost = lost_of_large(bound, range(2, 4), 200)
    assert programs >= 2
    assert lost == []


def test_one_does_if_no_race_is_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fork, "need", lambda *_: None)
    _, lost = lost_of_large(None, range(2, 3), 200)
    assert lost


@pytest.mark.oracle
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("bound", [2, 3, None])
def test_none_of_ten_thousand_does(bound: int | None) -> None:
    programs, lost = lost_of_large(bound, range(60, 260), 10_000)
    assert programs >= 20
    assert lost == []


def test_the_made_programs_are_not_of_one_outcome_each() -> None:
    several = 0
    for seed in SHARE:
        plain = by_enumeration(made(seed), 2, MOST)
        several += plain is not None and len(plain[0]) >= 3
    assert several >= 10


# Break each rule, and see the oracle find it.


def broken_by(monkeypatch: pytest.MonkeyPatch, target: Any, name: str, wrong: Any) -> bool:
    """Whether the share of made programs sees that a rule is another one."""
    monkeypatch.setattr(target, name, wrong)
    programs = itertools.chain(HARD, map(made, SHARE))
    return any(differs(program, bound) for program in programs for bound in BOUNDS)


def test_the_oracle_sees_a_bound_without_conservative_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def only_there(schedule: Any, steps: Any, earlier: int, later: TracedStep) -> Iterator[Demand]:
        if (choice := schedule.choice_of.get(earlier)) is not None:
            enabled = (later.thread,) if later.thread in steps[earlier].instead else ()
            yield Demand(choice, enabled, later.thread)

    assert broken_by(monkeypatch, reversals, "_reverse_within_bound", only_there)


def test_the_oracle_sees_a_bound_without_the_turn_before_one_that_begins_with_the_racing_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def own_turn(schedule: Any, steps: Any, earlier: int, later: TracedStep) -> Iterator[Demand]:
        turn = earlier
        while turn and steps[turn - 1].thread == steps[earlier].thread:
            turn -= 1
        for at in {earlier, turn}:
            if (choice := schedule.choice_of.get(at)) is not None:
                enabled = (later.thread,) if later.thread in steps[at].instead else ()
                yield Demand(choice, enabled, later.thread)

    assert broken_by(monkeypatch, reversals, "_reverse_within_bound", own_turn)


def test_the_oracle_sees_a_bound_without_the_points_before_what_ends_a_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class WithoutThem(HappensBefore):
        def enabling(self, step: TracedStep) -> list[int]:
            in_a_clock = sys._getframe(1).f_code.co_name == "clock_of"
            return super().enabling(step) if in_a_clock else []

    assert broken_by(monkeypatch, reduction, "HappensBefore", WithoutThem)


def test_the_oracle_sees_a_thread_that_is_let_go_though_it_must_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody_else(schedule: Any, steps: Any, earlier: int, later: TracedStep) -> Iterator[Demand]:
        choice = schedule.choice_of.get(earlier)
        if choice is not None and later.thread in steps[earlier].instead:
            yield Demand(choice, (later.thread,), later.thread)

    assert broken_by(monkeypatch, reversals, "_reverse_anyway", nobody_else)


def test_the_oracle_sees_that_only_the_last_step_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def always(*_: object) -> bool:
        return True

    assert broken_by(monkeypatch, HappensBefore, "_could_reverse", always)


def test_the_oracle_sees_that_nobody_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert broken_by(monkeypatch, traced, "dependent", lambda *_: False)


def test_the_oracle_sees_that_a_step_is_taken_to_touch_what_it_touched_the_last_way_it_went(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def as_it_went(step: TracedStep) -> dict[Location, bool]:
        return dict(step.touches)

    assert broken_by(monkeypatch, TracedStep, "touches_in_any_execution", as_it_went)


locations = st.one_of(
    st.just(EVERYTHING),
    st.tuples(st.sampled_from(["name", "content"]), st.sampled_from([None, 0, 1])),
)
touches = st.dictionaries(locations, st.booleans(), max_size=3)


@given(touches, touches)
def test_dependence_is_symmetric(one: Any, other: Any) -> None:
    assert dependent(one, other) == dependent(other, one)


@given(touches, touches)
def test_what_is_dependent_is_ordered_and_nothing_else(one: Any, other: Any) -> None:
    order = HappensBefore()
    first, second = TracedStep(0, touches=dict(one)), TracedStep(1, touches=dict(other))
    order.add(first)
    order.add(second)
    assert first.comes_before(second.clock) == dependent(one, other)


@pytest.mark.parametrize("seed", range(40))
def test_schedules_that_differ_in_the_order_of_independent_steps_end_alike(seed: int) -> None:
    ends: dict[int, Any] = {}
    for outcome, trace in itertools.islice(every_schedule(made(seed), 2), 500):
        assert ends.setdefault(trace, outcome) == outcome


def test_three_threads_with_a_lock_are_six_traces_and_as_many_executions() -> None:
    work = [("acquire", "L"), ("r", "x"), ("w", "x", 1), ("release", "L")]
    outcomes, traces, executed = by_reduction([list(work) for _ in range(3)], None)
    assert (len(outcomes), len(traces), executed) == (6, 6, 6)


def test_traces_that_differ_have_numbers_that_differ() -> None:
    program: Program = [
        [
            ("try", "M", 4), ("w", "y", 2), ("try", "M", 1), ("release", "M"), ("release", "M"),
            ("w", "x", 1), ("inc", "x"),
        ],
        [("all",), ("w", "x", 2)],
        [("r", "x"), ("w", "y", 1), ("inc", "x")],
    ]  # fmt: skip
    orders, numbers = set(), set()
    for schedule in reduced_schedules(lambda schedule: execute(program, schedule), None):
        orders.add(tuple(sorted((s.thread, s.timed_out, *s.clock) for s in schedule.steps)))
        numbers.add(schedule.trace)
    assert len(numbers) == len(orders) == 462  # sums of `hash` modulo 2 ** 64 are 460


def test_each_way_that_a_step_goes_is_a_trace() -> None:
    apart: Program = [[("may inc", "x")], [("inc", "y")]]
    outcomes, traces, executions = by_reduction(apart, None)
    assert len(outcomes) == len(traces) == executions == 2


def test_what_nobody_shares_is_one_trace() -> None:
    program: Program = [[("inc", str(thread))] * 3 for thread in range(4)]
    assert len(by_reduction(program, None)[1]) == 1


def test_a_thread_that_would_sleep_in_a_branch_that_the_bound_cuts_is_not_lost() -> None:
    """Bound 0, a free choice, A reads x then y, B writes y: A may not sleep once B was first."""
    program: Program = [[("inc", "z")], [("r", "x"), ("r", "y")], [("w", "y", 1)]]
    assert differs(program, 0) == ""
    assert len(by_reduction(program, 0)[0]) == 2

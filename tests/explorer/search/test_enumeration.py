"""The search alone, on choices that no thread makes: closed forms, order, divergence, shrinking."""

from collections.abc import Callable, Sequence
from math import comb

import pytest

from conlab.explorer import Diverged
from conlab.explorer.search.enumeration import enumerate_schedules
from conlab.explorer.search.schedule import Schedule
from conlab.explorer.search.shrinking import shrink

SIZES = [(1, 1), (2, 3), (4, 4), (5, 2), (1, 6)]


def bodies(*sizes: int) -> Callable[[Schedule], list[int]]:
    """Run bodies of so many steps each: whoever ran last goes on for nothing, a switch costs 1."""

    def run(schedule: Schedule) -> list[int]:
        left = list(sizes)
        order: list[int] = []
        while any(left):
            able = [number for number, steps in enumerate(left) if steps]
            last = order[-1] if order else -1
            costs: tuple[int, ...] = (0,) * len(able)
            if last in able:
                able.remove(last)
                able.insert(0, last)
                costs = (0,) + (1,) * (len(able) - 1)
            chosen = able[schedule.choose(costs, tuple(order))] if len(able) > 1 else able[0]
            left[chosen] -= 1
            order.append(chosen)
        schedule.finish()
        return order

    return run


def orders_within(a: int, b: int, bound: int) -> int:
    """Count the orders of a and b steps in which few enough switches leave a body unfinished.

    An order is a number of runs by turns; the first body's a steps are cut into half of the runs,
    rounded up, the second body's b steps into the rest. Every switch but the last leaves a body
    that runs again; the last leaves one that has finished.
    """
    return sum(
        comb(first - 1, (runs + 1) // 2 - 1) * comb(second - 1, runs // 2 - 1)
        for first, second in ((a, b), (b, a))
        for runs in range(2, a + b + 1)
        if runs - 2 <= bound
    )


@pytest.mark.parametrize(("a", "b"), SIZES)
def test_two_bodies_have_as_many_schedules_as_there_are_orders_of_their_steps(
    a: int, b: int
) -> None:
    assert sum(1 for _ in enumerate_schedules(bodies(a, b), None)) == comb(a + b, a)


@pytest.mark.parametrize("bound", range(5))
@pytest.mark.parametrize(("a", "b"), SIZES)
def test_each_bound_has_as_many_schedules_as_the_closed_form_says(
    a: int, b: int, bound: int
) -> None:
    assert sum(1 for _ in enumerate_schedules(bodies(a, b), bound)) == orders_within(a, b, bound)


def test_no_schedule_comes_twice_and_preemptions_never_fall() -> None:
    run = bodies(3, 2, 2)
    orders: list[tuple[int, ...]] = []
    preemptions = [
        schedule.preemptions
        for schedule in enumerate_schedules(
            lambda schedule: orders.append(tuple(run(schedule))), None
        )
    ]
    assert len(set(orders)) == len(orders) == 210  # 7! / (3! 2! 2!)
    assert preemptions == sorted(preemptions)


def test_a_replay_that_meets_another_choice_diverges() -> None:
    calls = iter(range(100))

    def run(schedule: Schedule) -> None:
        schedule.choose((0, 1), ("here", next(calls)))
        schedule.choose((0, 1), "there")

    with pytest.raises(Diverged, match=r"choice 1 of a replay was at \('here', 0\)"):
        list(enumerate_schedules(run, 1))


def test_a_replay_that_ends_early_diverges() -> None:
    schedule = Schedule([0, 1])
    schedule.choose((0, 1), "here")
    with pytest.raises(Diverged, match="ended after 1 of its 2 choices"):
        schedule.finish()


def test_a_failing_sequence_is_shrunk_to_the_one_choice_that_matters() -> None:
    def fails(choices: Sequence[int]) -> Schedule | None:
        schedule = Schedule(choices)
        taken = [schedule.choose((0, 1, 1), at) for at in range(6)]
        return schedule if taken[2] == 2 else None

    long = fails([1, 2, 2, 0, 1, 1])
    assert long is not None
    assert shrink(fails, long).choices == [0, 0, 2, 0, 0, 0]

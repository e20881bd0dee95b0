"""The search alone, on choices that no thread makes: closed forms, order, divergence, shrinking."""

from collections.abc import Callable, Sequence
from math import comb

import pytest

from conlab.explorer import Diverged
from conlab.explorer.search import Trail, enumerate_runs, shrink

SIZES = [(1, 1), (2, 3), (4, 4), (5, 2), (1, 6)]


def bodies(*sizes: int) -> Callable[[Trail], list[int]]:
    """Run bodies of so many steps each: whoever ran last goes on for nothing, a switch costs 1."""

    def run(trail: Trail) -> list[int]:
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
            chosen = able[trail.choose(costs, tuple(order))] if len(able) > 1 else able[0]
            left[chosen] -= 1
            order.append(chosen)
        trail.finish()
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
    assert sum(1 for _ in enumerate_runs(bodies(a, b), None)) == comb(a + b, a)


@pytest.mark.parametrize("bound", range(5))
@pytest.mark.parametrize(("a", "b"), SIZES)
def test_each_bound_has_as_many_schedules_as_the_closed_form_says(
    a: int, b: int, bound: int
) -> None:
    assert sum(1 for _ in enumerate_runs(bodies(a, b), bound)) == orders_within(a, b, bound)


def test_no_schedule_comes_twice_and_preemptions_never_fall() -> None:
    run = bodies(3, 2, 2)
    orders: list[tuple[int, ...]] = []
    preemptions = [
        trail.preemptions
        for trail in enumerate_runs(lambda trail: orders.append(tuple(run(trail))), None)
    ]
    assert len(set(orders)) == len(orders) == 210  # 7! / (3! 2! 2!)
    assert preemptions == sorted(preemptions)


def test_a_replay_that_meets_another_choice_diverges() -> None:
    calls = iter(range(100))

    def run(trail: Trail) -> None:
        trail.choose((0, 1), ("here", next(calls)))
        trail.choose((0, 1), "there")

    with pytest.raises(Diverged, match=r"choice 1 of a replayed run was at \('here', 0\)"):
        list(enumerate_runs(run, 1))


def test_a_replay_that_ends_early_diverges() -> None:
    trail = Trail([0, 1])
    trail.choose((0, 1), "here")
    with pytest.raises(Diverged, match="ended after 1 of its 2 choices"):
        trail.finish()


def test_a_failing_sequence_is_shrunk_to_the_one_choice_that_matters() -> None:
    def fails(choices: Sequence[int]) -> Trail | None:
        trail = Trail(choices)
        taken = [trail.choose((0, 1, 1), at) for at in range(6)]
        return trail if taken[2] == 2 else None

    long = fails([1, 2, 2, 0, 1, 1])
    assert long is not None
    assert shrink(fails, long).choices == [0, 0, 2, 0, 0, 0]

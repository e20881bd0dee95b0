"""Schedules drawn by chance: each with the same chance, and the same from the same seed."""

import asyncio
import pickle
import random
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.explorer import Exploration, explore, replay
from conlab.explorer.search.budget import Budget
from conlab.explorer.search.sampling import SampledSchedule, sample, sampled
from conlab.explorer.search.shrinking import OrderedSchedule, straighten
from tests.explorer.running import run_all
from tests.explorer.search.abstract import Program, execute

DRAWS = 6_000
MATTERS = frozenset(["matters"])


def by_turns() -> tuple[Callable[[], list[str]], Callable[[list[str]], bool]]:
    """Two threads write twice each; only one order of the four writes is wrong.

    No plan leads there: who is stopped before a write goes on when the other has ended.
    """

    def program() -> list[str]:
        log: list[str] = []

        def write(name: str) -> None:
            log.append(name)
            log.append(name)

        run_all(lambda: write("a"), lambda: write("b"))
        return log

    return program, lambda log: log != ["a", "b", "a", "b"]


def run(bodies: list[list[str]], schedule: SampledSchedule) -> str:
    """Run bodies of places, one a step, under a schedule; return who took the steps that matter."""
    at = [0] * len(bodies)
    order, last = "", 0
    while able := [thread for thread, body in enumerate(bodies) if at[thread] < len(body)]:
        for thread in able:  # where each stands: the choice names the last one only
            schedule._at[thread] = bodies[thread][at[thread]]
        option = 0
        if len(able) > 1:
            site = (last, bodies[last][at[last]] if last in able else "end")
            option = schedule.choose_thread((0,) * len(able), site, tuple(able), 0)
        last = able[option]
        schedule.begin(last)
        if bodies[last][at[last]] == "matters":
            order += str(last)
        at[last] += 1
    return order


def drawn(bodies: list[list[str]], seed: int = 1) -> Counter[str]:
    """Draw schedules, and count the orders of the steps that matter."""
    chance = random.Random(seed)
    left = {thread: body.count("matters") for thread, body in enumerate(bodies)}
    return Counter(run(bodies, SampledSchedule(chance, left, MATTERS)) for _ in range(DRAWS))


def chi_square(met: Counter[str], orders: int) -> float:
    expected = DRAWS / orders
    missing = (orders - len(met)) * expected
    return missing + sum((times - expected) ** 2 / expected for times in met.values())


@pytest.mark.parametrize(
    ("bodies", "orders", "most"),
    [
        ([["matters"] * 2, ["matters"] * 2], 6, 20.5),  # the one in a thousand that is above this
        ([["matters"] * 3, ["matters"]], 4, 16.3),
        ([["matters"], ["matters"], ["matters"]], 6, 20.5),
        ([["matters", *["other"] * 9, "matters"], ["matters"] * 2], 6, 20.5),
    ],
    ids=["2+2", "3+1", "1+1+1", "2+2 and others"],
)
def test_each_order_of_the_steps_that_matter_has_the_same_chance(
    bodies: list[list[str]], orders: int, most: float
) -> None:
    met = drawn(bodies)
    assert len(met) == orders
    assert chi_square(met, orders) < most


def test_a_thread_in_proportion_is_what_makes_it_uniform(monkeypatch: pytest.MonkeyPatch) -> None:
    def evenly(schedule: SampledSchedule, threads: tuple[int, ...]) -> int:
        return schedule._chance.choice(threads)

    monkeypatch.setattr(SampledSchedule, "_draw", evenly)
    assert chi_square(drawn([["matters"] * 3, ["matters"]]), 4) > 100


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    bodies = [["matters"] * 3, ["other", "matters"]]
    assert drawn(bodies, 7) == drawn(bodies, 7)
    assert drawn(bodies, 7) != drawn(bodies, 8)


def test_the_chance_that_a_next_one_is_new_is_that_of_those_met_once() -> None:
    found = sampled(Counter({11: 1, 12: 1, 13: 5, 14: 3}), seed=0)
    assert (found.schedules, found.differing, found.once) == (10, 4, 2)
    assert found.chance_of_new == 0.2


def test_what_was_met_again_and_again_leaves_no_chance_and_nothing_drawn_leaves_all() -> None:
    assert sampled(Counter({1: 9}), seed=0).chance_of_new == 0
    assert sampled(Counter(), seed=0).chance_of_new == 1


def test_drawing_ends_with_the_first_that_fails_or_with_the_budget() -> None:
    numbers = iter(range(100))

    def draw(chance: random.Random) -> SampledSchedule:
        return SampledSchedule(chance, {}, MATTERS)

    def number(_: SampledSchedule) -> int:
        return next(numbers)

    met, failing, _ = sample(lambda _: False, draw, number, Budget(5), 0)
    assert (met.schedules, failing) == (5, None)
    fails = iter([False, False, True])
    met, failing, numbered = sample(lambda _: next(fails), draw, number, Budget(5), 0)
    assert met.schedules == 3
    assert failing is not None
    assert numbered == {5, 6, 7}


def test_what_a_sampled_schedule_finds_is_a_witness_that_replays() -> None:
    program, holds = by_turns()
    verdict = explore(program, check=holds, reading="bytecode", sample=200, seed=3)
    assert verdict.found_by == "sampling"
    assert verdict.failing == 1
    assert verdict.witness is not None
    assert verdict.witness.preemptions == 2
    assert str(replay(verdict.witness, program, check=holds)) == str(verdict.witness.outcome)


def test_so_does_a_search_without_an_end_and_it_is_the_same_each_time() -> None:
    program, holds = by_turns()

    def verdict() -> Exploration:
        return explore(program, check=holds, reading="bytecode", schedules=60, reduction=False)

    first = verdict()
    assert first.found_by == "sampling"
    assert first == verdict()


def test_the_program_that_nothing_is_found_in_is_not_said_to_pass() -> None:
    program, _ = by_turns()
    verdict = explore(program, reading="bytecode", sample=60, seed=5)
    assert verdict.sampled is not None
    assert 6 <= verdict.sampled.differing < 60
    assert not verdict.exhausted
    assert str(verdict).startswith(
        "found nothing in 60 sampled schedules, which proves nothing:"
        f" {verdict.sampled.differing} of them differ, and the chance that a next one would be new"
        f" is about {verdict.sampled.once / 60:.0%} (reading bytecode, not exhausted)"
    )


def test_what_races_is_drawn_among_much_of_which_nobody_knows_what_it_touches() -> None:
    def program() -> None:
        data: dict[str, int] = {}

        def work() -> None:
            for _ in range(8):
                pickle.dumps(1)  # it could call anything
            data["key"] = 1
            for _ in range(8):
                pickle.dumps(1)
            data.pop("key", None)
            for _ in range(8):
                pickle.dumps(1)
            if "key" in data:
                data["key"]

        run_all(work, work)

    verdict = explore(program, sample=400)
    assert (verdict.found_by, verdict.failing) == ("sampling", 1)
    assert verdict.witness is not None
    assert verdict.witness.preemptions == 3


def test_what_draws_is_not_taken_for_code_of_the_program() -> None:
    def program() -> None:
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(lambda number: number * number, range(4))) == [0, 1, 4, 9]

    verdict = explore(program, reading="bytecode", sample=20)
    assert verdict.sampled is not None
    assert verdict.sampled.schedules == 20
    assert verdict.unknown == ()


def test_tasks_are_sampled_too() -> None:
    async def program() -> list[int]:
        done: list[int] = []
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        for number in (1, 2):
            loop.call_later(1, done.append, number)
        loop.call_later(2, over.set_result, None)
        await over
        return done

    verdict = explore(program, check=[1, 2].__eq__, sample=200)
    assert (verdict.found_by, verdict.failing, verdict.counted) == ("sampling", 1, "departure")


@pytest.mark.parametrize("options", [{"sample": 0}, {"seconds": 0.0}])
def test_what_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"makes? no sense: say"):
        explore(by_turns()[0], **options)


# Shrinking: what chance has drawn switches at every other step.

LOST: Program = [[("inc", "z"), ("r", "x"), ("w", "x", 1), ("inc", "z")] for _ in range(4)]


class Anything(Container[Hashable]):
    def __contains__(self, _: object) -> bool:
        return True


def failing_schedules() -> Iterator[SampledSchedule]:
    for seed in range(20):
        counts = dict.fromkeys(range(4), 4)
        schedule = SampledSchedule(random.Random(seed), counts, Anything())
        if ("x", 4) not in execute(LOST, schedule):
            yield schedule


def test_a_drawn_schedule_is_straightened_to_the_preemption_that_it_needs() -> None:
    tried = 0

    def fails(order: Any) -> OrderedSchedule | None:
        nonlocal tried
        tried += 1
        schedule = OrderedSchedule(order)
        return schedule if ("x", 4) not in execute(LOST, schedule) else None

    before = 0
    schedules = list(failing_schedules())
    for schedule in schedules:
        straight = straighten(fails, schedule)
        before += schedule.preemptions
        assert straight.preemptions <= 2  # for who is first, unless it is thread 0; and one more
        order = [(step.thread, False) for step in straight.steps]
        assert ("x", 4) not in execute(LOST, OrderedSchedule(order))
    assert len(schedules) >= 15
    assert before > 5 * len(schedules)
    assert tried < 40 * len(schedules)


def test_straightening_keeps_to_its_tries() -> None:
    tried = 0

    def fails(_: Any) -> None:
        nonlocal tried
        tried += 1

    schedule = next(failing_schedules())
    assert straighten(fails, schedule, tries=10) is schedule
    assert tried <= 10

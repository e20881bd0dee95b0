"""How long a loop may turn before the others and time go on, and which loops are left alone."""

import threading
import time
from collections.abc import Callable

import pytest

from conlab.explorer import explore
from tests.explorer.running import run_all


def turns_of(work: Callable[[], object]) -> list[list[str]]:
    """Return what comes when, without a preemption, beside a thread that does this work."""
    seen: list[list[str]] = []

    def program() -> list[str]:
        order: list[str] = []

        def work_and_say_so() -> None:
            order.append("begins")
            work()
            order.append("ends")

        run_all(work_and_say_so, lambda: order.append("other"))
        return order

    def check(order: list[str]) -> bool:
        seen.append(order)
        return True

    assert explore(program, check=check, bound=0, reading="bytecode", reduction=False).exhausted
    return seen


def turn(times: int) -> None:
    left = times
    while left > 0:
        left -= 1


def turn_again_and_again_by_calls() -> None:
    for _ in range(80):
        turn(4)


def turn_again_and_again_in_place() -> None:
    for _ in range(80):
        left = 4
        while left > 0:
            left -= 1


def turn_again_and_again_in_another_loop() -> None:
    rounds = 80
    while rounds > 0:
        rounds -= 1
        left = 4
        while left > 0:
            left -= 1


@pytest.mark.parametrize(
    "work",
    [
        lambda: turn(99),
        turn_again_and_again_by_calls,
        turn_again_and_again_in_place,
        turn_again_and_again_in_another_loop,
    ],
    ids=["once", "by calls", "in place", "in another loop"],
)
def test_a_loop_that_works_is_left_alone_and_counted_afresh_when_it_begins(
    work: Callable[[], object],
) -> None:
    assert ["begins", "other", "ends"] not in turns_of(work)


def test_a_loop_that_turns_very_often_lets_the_others_go_first() -> None:
    assert ["begins", "other", "ends"] in turns_of(lambda: turn(200))


def test_a_loop_that_sleeps_at_each_turn_loses_no_time() -> None:
    def program() -> list[float]:
        stop, start, beats = threading.Event(), time.monotonic(), list[float]()

        def beat() -> None:
            while not stop.is_set():
                time.sleep(1)
                beats.append(time.monotonic() - start)

        heart = threading.Thread(target=beat)
        heart.start()
        time.sleep(4.5)
        stop.set()
        heart.join()
        return beats

    verdict = explore(
        program, check=[1, 2, 3, 4, 5].__eq__, bound=0, reading="bytecode", reduction=False
    )
    assert not verdict.failing
    assert verdict.exhausted


def test_a_loop_that_asks_for_the_time_ends_before_a_later_sleep() -> None:
    def program() -> bool:
        worked = False

        def work() -> None:
            nonlocal worked
            turns, end = 0, time.monotonic() + 2
            while time.monotonic() < end:
                turns += 1
            worked = True

        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(20)
        ended = worked
        worker.join()
        return ended

    assert not explore(program, check=bool, bound=0, reading="bytecode", reduction=False).failing
    assert explore(program, check=bool, bound=1, reading="bytecode", reduction=False).failing


@pytest.mark.parametrize("clock", [time.monotonic, time.time, time.perf_counter], ids=str)
def test_time_goes_on_for_who_only_asks_for_it_and_stands_still_otherwise(
    clock: Callable[[], float],
) -> None:
    def program() -> tuple[float, float]:
        start = clock()
        soon = [clock() for _ in range(50)][-1]
        while clock() - start < 3_600:
            pass
        return soon - start, clock() - start

    def check(passed: tuple[float, float]) -> bool:
        soon, late = passed
        return soon == 0 and 3_600 <= late < 7_200

    assert not explore(program, check=check, reading="bytecode", timeouts=False).failing

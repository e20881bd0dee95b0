"""``check="serial"``: what a program returns must be what a serial order of its threads returns."""

import queue
import threading

import pytest

from conlab.errors import UserError
from conlab.explorer import explore
from tests.explorer.serial.counted import Counter, LockedCounter


def two_threads(*functions: object) -> None:
    threads = [threading.Thread(target=function) for function in functions]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def broken() -> tuple[list[int], int]:
    counter, got = Counter(), [0, 0]

    def take(number: int) -> None:
        got[number] = counter.next()

    two_threads(lambda: take(0), lambda: take(1))
    return got, counter.number


def fixed() -> tuple[list[int], int]:
    counter, got = LockedCounter(), [0, 0]

    def take(number: int) -> None:
        got[number] = counter.next()

    two_threads(lambda: take(0), lambda: take(1))
    return got, counter.number


FILES = [__file__, __file__.replace("test_serial", "counted")]


def test_an_outcome_that_no_serial_order_has_is_a_failure() -> None:
    verdict = explore(broken, check="serial", reading="bytecode", stepped=FILES)
    assert verdict.failing
    assert sorted(verdict.serial_outcomes) == ["([1, 2], 2)", "([2, 1], 2)"]


def test_the_outcomes_of_all_serial_orders_are_right() -> None:
    verdict = explore(fixed, check="serial", reading="bytecode", stepped=FILES)
    assert verdict.exhausted
    assert not verdict.failing


def test_a_program_that_returns_nothing_has_nothing_to_compare() -> None:
    with pytest.raises(UserError, match="returns nothing that could be compared"):
        explore(lambda: two_threads(print, print), check="serial", reading="bytecode")


def test_a_program_whose_serial_orders_fail_says_nothing_of_what_is_right() -> None:
    def program() -> int:
        numbers: queue.Queue[int] = queue.Queue()
        two_threads(numbers.get, numbers.get)
        return 1

    with pytest.raises(UserError, match=r"a serial order fails itself.*deadlock"):
        explore(program, check="serial", reading="bytecode")


def test_what_is_never_equal_cannot_be_compared() -> None:
    def program() -> object:
        two_threads(print, print)
        return object()

    with pytest.raises(UserError, match="return what can be compared"):
        explore(program, check="serial", reading="bytecode")

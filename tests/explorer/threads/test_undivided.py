"""Undivided calls: what a stepped file calls is one step, unless it waits."""

import queue
import threading
import time
from pathlib import Path

import pytest

from conlab.errors import UserError
from conlab.explorer import explore
from tests.explorer.threads.two_locked_halves import Box

HERE = Path(__file__)


def two_threads_add_twice() -> int:
    box = Box()

    def add() -> None:
        box.add()
        box.add()

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return box.number


@pytest.mark.parametrize("reduction", [True, False], ids=["reduced", "plain"])
def test_a_lock_inside_of_an_undivided_call_lets_nobody_in(reduction: bool) -> None:
    verdicts = [
        explore(
            two_threads_add_twice,
            check=lambda value: value == 4,
            reading="bytecode",
            stepped=[HERE],
            reduction=reduction,
            schedules=200,
            undivided=undivided,
        )
        for undivided in (None, "calls")
    ]
    assert verdicts[0].failing
    assert verdicts[1].exhausted
    assert not verdicts[1].failing


def test_undivided_calls_come_in_every_order() -> None:
    orders = set()

    def take_note(order: str) -> bool:
        orders.add(order)
        return True

    def program() -> str:
        said: list[str] = []
        threads = [threading.Thread(target=lambda who=who: said.append(who)) for who in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return "".join(said)

    assert explore(
        program, check=take_note, stepped=[HERE], undivided="calls", reading="bytecode"
    ).exhausted
    assert orders == {"abc", "acb", "bac", "bca", "cab", "cba"}


def test_an_undivided_call_that_waits_lets_others_in() -> None:
    def program() -> int:
        numbers: queue.Queue[int] = queue.Queue()
        got: list[int] = []
        thread = threading.Thread(target=lambda: got.append(numbers.get()))
        thread.start()
        numbers.put(7)
        thread.join()
        return got[0]

    verdict = explore(
        program,
        check=lambda value: value == 7,
        stepped=[HERE],
        undivided="calls",
        reading="bytecode",
    )
    assert verdict.exhausted
    assert not verdict.failing


def test_a_sleep_in_an_undivided_call_takes_time_and_lets_nobody_in() -> None:
    def program() -> float:
        began = time.monotonic()
        shared = [0]

        def add() -> None:
            Box.pause_between_read_and_write(shared)

        threads = [threading.Thread(target=add) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - began >= 2
        return shared[0]

    verdict = explore(
        program,
        check=lambda value: value == 2,
        stepped=[HERE],
        undivided="calls",
        reading="bytecode",
    )
    assert verdict.exhausted
    assert not verdict.failing


def test_a_search_of_undivided_calls_by_several_processes_is_refused() -> None:
    with pytest.raises(UserError, match="say processes=1"):
        explore(two_threads_add_twice, undivided="calls", processes=2)

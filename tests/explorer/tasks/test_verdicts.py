"""The explorer's verdict on programs of tasks: right on known answers, with counts known before."""

import asyncio
import importlib.util
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from math import comb, factorial
from pathlib import Path
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.explorer import Deadlocked, Diverged, Raised, Uncontrolled, Unfinished, explore

PROGRAMS_FILE = Path(__file__).with_name("programs.py")
spec = importlib.util.spec_from_file_location("explored_task_programs", PROGRAMS_FILE)
assert spec is not None
assert spec.loader is not None
programs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(programs)


@pytest.mark.parametrize(
    ("program", "check", "expected", "options"),
    [pytest.param(*entry, id=f"{entry[2]}-{entry[0].__name__}") for entry in programs.PROGRAMS],
)
def test_verdict_is_right(
    program: Callable[[], Any],
    check: Callable[[Any], bool] | None,
    expected: str,
    options: dict[str, Any],
) -> None:
    verdict = explore(program, check=check, reading="bytecode", count_on=0, **options)
    assert (verdict.failing > 0) == (expected == "racy"), verdict.witness or verdict
    assert verdict.failing or verdict.exhausted


# -- counts ----------------------------------------------------------------------------------


def sleepers(n: int) -> Callable[[], Any]:
    async def program() -> list[int]:
        order: list[int] = []

        async def sleeper(number: int) -> None:
            await asyncio.sleep(1)
            order.append(number)

        await asyncio.gather(*map(sleeper, range(n)))
        return order

    return program


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_timers_of_one_deadline_come_in_one_order_together_unless_one_departs(n: int) -> None:
    assert explore(sleepers(n), bound=0).schedules == 1
    # One departs: another is the next, at any place; or those behind a place come a moment later.
    assert explore(sleepers(n), bound=1).schedules == 1 + comb(n, 2) + (n - 1)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_timers_of_one_deadline_come_in_every_order(n: int) -> None:
    orders = set()
    explore(sleepers(n), check=lambda order: not orders.add(tuple(order)), bound=n - 1)  # type: ignore[func-returns-value]
    assert len(orders) == factorial(n)


@pytest.mark.parametrize(("turns", "timers"), [(1, 1), (4, 1), (3, 2), (5, 3)])
def test_time_may_pass_at_each_turn_until_any_deadline(turns: int, timers: int) -> None:
    async def program() -> None:
        loop = asyncio.get_running_loop()
        last = loop.create_future()
        for number in range(timers):
            loop.call_later(number + 1, last.set_result if number == timers - 1 else int, 0)
        for _ in range(turns):
            await asyncio.sleep(0)
        await last

    # Before each of the turns, until one of the deadlines; and when the loop sleeps until the
    # first, it may wake after a later one, as it may the second time.
    late = comb(timers, 2)
    assert explore(program, bound=1).schedules == 1 + turns * timers + late


@pytest.mark.parametrize("awaits", [1, 2, 5])
def test_a_task_is_cancelled_before_its_first_step_and_at_each_of_its_awaits(awaits: int) -> None:
    async def program() -> int:
        reached = 0

        async def work() -> None:
            nonlocal reached
            for _ in range(awaits):
                reached += 1
                await asyncio.sleep(0)

        await asyncio.wait([asyncio.create_task(work())])
        return reached

    reached = []
    verdict = explore(
        program,
        check=lambda n: not reached.append(n),  # type: ignore[func-returns-value]
        bound=0,
        count_on=None,
        cancellations=1,
    )
    assert verdict.schedules == 1 + 1 + awaits
    rehearsals, searched = reached[: -verdict.schedules], reached[-verdict.schedules :]
    assert set(rehearsals) == {awaits}  # of the ordinary schedule, before anything is searched
    assert sorted(searched) == sorted([awaits, *range(awaits + 1)])


def test_cancellation_from_outside_that_comes_out_of_the_program_is_no_failure() -> None:
    async def program() -> None:
        await asyncio.create_task(asyncio.sleep(1))

    verdict = explore(program, cancellations=1)
    assert (verdict.failing, verdict.exhausted) == (0, True)
    assert verdict.schedules > 1


# -- how it fails ------------------------------------------------------------------------------


def failure_of(program: Callable[[], Any], **options: Any) -> Any:
    witness = explore(program, **options).witness
    assert witness is not None
    return witness


def test_tasks_that_wait_for_each_other_are_named_with_their_lines() -> None:
    async def both(first: asyncio.Lock, second: asyncio.Lock) -> None:
        async with first:
            await asyncio.sleep(0)
            async with second:
                pass

    async def program() -> None:
        left, right = asyncio.Lock(), asyncio.Lock()
        await asyncio.gather(both(left, right), both(right, left))

    outcome = failure_of(program).outcome
    assert isinstance(outcome, Deadlocked)
    assert outcome.cycle == ("Task-2 (both)", "Task-3 (both)")
    main, two, three = outcome.waiting
    assert (main.waits_for, main.held_by) == ("the tasks of an asyncio.gather", outcome.cycle)
    assert (two.waits_for, two.held_by) == ("an asyncio.Lock (second)", ("Task-3 (both)",))
    line = both.__code__.co_firstlineno + 3
    assert two.where == three.where == f"test_verdicts.py:{line}"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("lock_taken_twice", "for an asyncio.Lock (lock made at programs.py:"),
        ("consumer_without_its_end", "an item of an asyncio.Queue"),
        ("queue_join_without_task_done", "the items to be done of an asyncio.Queue"),
        ("notify_before_wait", "a notification of an asyncio.Condition"),
        ("barrier_one_short", "the others at an asyncio.Barrier"),
        ("tasks_that_await_each_other", "for the end of Task-2 (other)"),
        ("semaphore_not_given_back", "an asyncio.Semaphore (limit made at programs.py:"),
        ("exception_never_retrieved", "Task exception was never retrieved: ValueError('lost')"),
        ("forgotten_await", "coroutine 'forgotten_await.<locals>.save' was never awaited"),
        ("swallows_its_cancellation", "Task-2 (work): swallowed its cancellation: it returned"),
        ("pending_when_the_loop_is_closed", "Task was destroyed but it is pending!"),
        ("callback_raises", "ZeroDivisionError('division by zero')"),
    ],
)
def test_what_is_wrong_is_named(name: str, sentence: str) -> None:
    witness = failure_of(getattr(programs, name), count_on=0)
    assert sentence in " ".join(str(witness).split())


def test_what_a_swallowed_cancellation_is_worth_is_for_a_check_to_say() -> None:
    assert explore(programs.swallows_its_cancellation).failing == 1
    assert explore(programs.swallows_its_cancellation, check=lambda _: True).failing == 0


def test_task_that_only_turns_is_stopped_at_the_limit() -> None:
    async def program() -> None:
        while True:  # noqa: ASYNC110 - what the test is about
            await asyncio.sleep(0)

    assert failure_of(program, limit=300).outcome == Unfinished(300)


def test_exception_of_the_program_is_its_outcome() -> None:
    async def program() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.wait_for(asyncio.sleep(2), 1))

    outcome = failure_of(program).outcome
    assert isinstance(outcome, Raised)
    assert outcome.type == "ExceptionGroup"


# -- what cannot be explored -------------------------------------------------------------------


async def opens_a_connection() -> None:
    await asyncio.open_connection("localhost", 1)


async def starts_a_process() -> None:
    await asyncio.create_subprocess_exec(sys.executable)


async def watches_a_file() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        asyncio.get_running_loop().add_reader(ours, int)


async def handles_a_signal() -> None:
    asyncio.get_running_loop().add_signal_handler(2, int)


async def blocks_in_a_process() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)  # noqa: ASYNC221 - refused


def makes_another_loop() -> None:
    asyncio.run(asyncio.sleep(0))
    asyncio.selector_events.BaseSelectorEventLoop()


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (opens_a_connection, r"Task-1 \(opens_a_connection\) .* \(loop\.(create_conn|getaddr)"),
        (starts_a_process, r"starts another process \(loop\.subprocess_exec\)"),
        (watches_a_file, r"waits for a file descriptor \(loop\.add_reader\)"),
        (handles_a_signal, r"handles a signal \(loop\.add_signal_handler\)"),
        (blocks_in_a_process, "starts another process"),
        (makes_another_loop, "makes a BaseSelectorEventLoop: only the event loops of"),
    ],
)
def test_the_world_outside_is_refused(program: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(Uncontrolled, match=sentence):
        explore(program)


def test_choice_by_the_number_of_the_run_is_a_diverging_replay() -> None:
    runs = iter(range(1_000))

    async def program() -> None:
        await asyncio.gather(*[asyncio.sleep(1) for _ in range(2 + next(runs) % 3)])

    with pytest.raises(Diverged, match="replay"):
        explore(program, bound=3)


def test_number_of_cancellations_that_cannot_be_is_explained() -> None:
    with pytest.raises(UserError, match="-1 cancellations make no sense"):
        explore(sleepers(1), cancellations=-1)


def test_nothing_is_left_behind() -> None:
    def state() -> list[object]:
        names = [asyncio.new_event_loop, asyncio.Lock.acquire, asyncio.events.new_event_loop]
        return [*names, hasattr(asyncio.tasks, "set"), asyncio._get_running_loop()]

    before = state()
    explore(programs.two_locks_two_orders)
    explore(partial(sleepers(2)))
    assert state() == before
    assert asyncio.run(sleepers(2)()) == [0, 1]


# -- time --------------------------------------------------------------------------------------


async def waits_only_to_be_safe() -> bool:
    ready = asyncio.Event()

    async def worker() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        ready.set()

    task = asyncio.create_task(worker())
    try:
        await asyncio.wait_for(ready.wait(), 60)
    except TimeoutError:
        return False
    finally:
        await task
    return True


async def waits_by_a_block() -> bool:
    try:
        async with asyncio.timeout(60):
            for _ in range(3):
                await asyncio.sleep(0)
    except TimeoutError:
        return False
    return True


async def waits_as_long_as_it_takes() -> bool:
    try:
        await asyncio.wait_for(asyncio.sleep(1), 1)
    except TimeoutError:
        return False
    return True


async def waits_for_a_thread() -> bool:
    try:
        await asyncio.wait_for(asyncio.to_thread(time.sleep, 1), 60)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "program",
    [
        waits_only_to_be_safe,
        waits_by_a_block,
        waits_as_long_as_it_takes,
        waits_for_a_thread,
    ],
)
def test_a_timeout_comes_early_only_with_timeouts(program: Callable[[], Any]) -> None:
    witness = failure_of(program, check=bool, bound=1)
    assert witness.needs_timeout
    head = " ".join(str(witness).partition("\n\n")[0].split())
    assert re.search(r"with (1 slow step|1 step so slow|1 time-out|an early timeout)", head)
    without = explore(program, check=bool, bound=1, timeouts=False)
    assert (without.failing, without.exhausted) == (0, True), without.witness


def test_a_timeout_of_what_nobody_ends_comes_all_the_same() -> None:
    async def program() -> bool:
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 60)
        except TimeoutError:
            return True
        return False

    witness = failure_of(program, check=lambda ended: not ended, timeouts=False)
    assert not witness.needs_timeout


def test_a_deadline_by_the_clock_of_the_loop_may_pass() -> None:
    async def program() -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 0.2
        await asyncio.sleep(0.1)
        return loop.time() < deadline

    assert failure_of(program, check=bool).preemptions == 1
    assert not explore(program, check=bool, timeouts=False).failing
    assert not explore(program, check=bool, bound=0).failing

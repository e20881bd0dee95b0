"""The explorer's verdict on programs with known answers: no false alarm, no missed alarm."""

import importlib.util
import threading
from collections.abc import Callable
from functools import partial
from operator import ne
from pathlib import Path
from typing import Any

import pytest

from conlab.explorer import Deadlocked, Raised, Unfinished, explore
from tests.explorer.running import run_all

PROGRAMS_FILE = Path(__file__).with_name("programs.py")
spec = importlib.util.spec_from_file_location("explored_programs", PROGRAMS_FILE)
assert spec is not None
assert spec.loader is not None
programs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(programs)


def increments(threads: int) -> Callable[[], int]:
    def program() -> int:
        count = 0

        def add() -> None:
            nonlocal count
            count += 1

        run_all(*[add] * threads)
        return count

    return program


@pytest.mark.parametrize(
    ("program", "check", "expected"),
    [pytest.param(*entry, id=f"{entry[2]}-{entry[0].__name__}") for entry in programs.PROGRAMS],
)
@pytest.mark.parametrize("reduction", [False, True], ids=["plain", "reduced"])
def test_verdict_is_right(
    program: Callable[[], Any],
    check: Callable[[Any], bool] | None,
    expected: str,
    reduction: bool,
) -> None:
    # A racy one stops at its first failing schedule; a safe one may have thousands with two.
    bound = 2 if expected == "racy" else 1
    verdict = explore(
        program, check=check, reading="bytecode", bound=bound, count_on=0, reduction=reduction
    )
    assert (verdict.failing > 0) == (expected == "racy"), verdict.witness or verdict
    assert verdict.failing or verdict.exhausted


@pytest.mark.parametrize("reading", ["gil", "bytecode"])
@pytest.mark.parametrize("new_lock", [threading.Lock, threading.RLock, threading.Condition])
def test_who_stops_holding_a_lock_stops_all_that_come_for_it(
    new_lock: Callable[[], Any], reading: Any
) -> None:
    def program() -> tuple[int, ...]:
        lock, steps = new_lock(), [0, 0]
        seen: list[tuple[int, ...]] = []

        def hold() -> None:
            with lock:
                pass

        def step(number: int) -> None:
            steps[number] = 1
            with lock:
                pass
            steps[number] = 2

        run_all(hold, partial(step, 0), partial(step, 1), lambda: seen.append(tuple(steps)))
        return seen[0]

    # One preemption stops the first thread; the two others then stop by themselves.
    assert explore(program, check=partial(ne, (1, 1)), reading=reading, bound=1, count_on=0).failing


def test_deadlock_names_the_cycle_and_the_lines() -> None:
    first, second = threading.Lock(), threading.Lock()

    def forwards() -> None:
        with first, second:
            pass

    def backwards() -> None:
        with second, first:
            pass

    verdict = explore(lambda: run_all(forwards, backwards), reading="bytecode")
    assert verdict.witness is not None
    outcome = verdict.witness.outcome
    assert isinstance(outcome, Deadlocked)
    assert set(outcome.cycle) == {"Thread-1 (forwards)", "Thread-2 (backwards)"}
    main, *others = [waiting.where for waiting in outcome.waiting]
    assert "running.py:" in main
    assert all("test_verdicts.py:" in where for where in others)
    assert verdict.witness.preemptions == 1


def test_livelock_is_stopped_at_the_limit() -> None:
    def program() -> None:
        stop = False

        def spin() -> None:
            while not stop:
                pass

        run_all(spin)

    verdict = explore(program, reading="bytecode", limit=500)
    assert verdict.witness is not None
    assert verdict.witness.outcome == Unfinished(500)


def test_exception_of_the_program_is_its_outcome() -> None:
    def program() -> None:
        raise LookupError("nothing there")

    verdict = explore(program)
    assert verdict.witness is not None
    assert isinstance(verdict.witness.outcome, Raised)
    assert str(verdict.witness.outcome) == "raised LookupError: nothing there"


def test_thread_that_dies_fails_the_program_whatever_a_check_says_of_its_value() -> None:
    def die() -> None:
        raise LookupError("nothing there")

    verdict = explore(lambda: run_all(die))
    assert verdict.witness is not None
    assert [failure.type for failure in verdict.witness.died] == ["LookupError"]
    assert explore(lambda: run_all(die), check=lambda value: value is None).failing


def test_no_verdict_is_called_exhausted_when_schedules_were_left() -> None:
    def nothing() -> None:
        pass

    def program() -> None:
        run_all(nothing, nothing, nothing)

    whole = explore(program, bound=0, reduction=False)
    assert whole.exhausted
    assert whole.schedules > 2
    part = explore(program, bound=0, schedules=2, reduction=False)
    assert (part.schedules, part.exhausted) == (2, False)


def test_first_failing_schedule_has_the_fewest_preemptions() -> None:
    def program() -> tuple[int, int]:
        value, seen = 0, (0, 0)

        def up_and_down() -> None:
            nonlocal value
            value = 1
            value = 0

        def look_twice() -> None:
            nonlocal seen
            first = value
            seen = first, value

        run_all(up_and_down, look_twice)
        return seen

    # To see up, one must come between up and down; to see down after it, be interrupted as well.
    for unseen, preemptions in (((1, 1), 1), ((1, 0), 2)):
        verdict = explore(program, check=partial(ne, unseen), reading="bytecode")
        assert verdict.witness is not None
        assert verdict.witness.preemptions == preemptions


def test_bare_increment_is_safe_by_accident() -> None:
    gil = explore(increments(2), check=lambda count: count == 2, reading="gil")
    bytecode = explore(increments(2), check=lambda count: count == 2, reading="bytecode")
    assert (gil.failing, gil.exhausted) == (0, True)
    assert bytecode.failing > 0


def test_state_outside_the_program_is_the_same_before_every_run() -> None:
    lock, seen = threading.Lock(), [0]

    def add() -> None:
        with lock:
            seen[0] += 1

    def program() -> int:
        run_all(add, add)
        return seen[0]

    verdict = explore(program, check=lambda count: count == 2, reading="bytecode")
    assert verdict.schedules > 1
    assert verdict.failing == 0
    assert seen == [0]
    assert type(lock) is type(threading.Lock())

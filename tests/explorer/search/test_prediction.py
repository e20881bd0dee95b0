"""Predictions: what one execution shows that another could do, and what comes of the plans."""

import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest

from conlab.explorer import Deadlocked, Exploration, explore, replay
from conlab.explorer.search.prediction import TrialSchedule, predict
from tests.explorer.running import run_all
from tests.explorer.search import large
from tests.explorer.search.large import benign, philosophers, reorder, twostage, unlocked


def predicted(program: Callable[[], Any], draws: int = 20) -> Exploration:
    """Build what is predicted, draw a few schedules more, and search none."""
    return explore(
        program, check=bool, reading="bytecode", sample=draws, stepped=[large.__file__, __file__]
    )


@pytest.mark.parametrize(
    ("program", "executions", "preemptions"),
    [
        pytest.param(unlocked(8), 10, 1, id="bad_eight"),
        pytest.param(reorder(10, 10), 40, 1, id="reorder_20"),
        pytest.param(twostage(19, 1), 60, 2, id="twostage_20"),
        pytest.param(twostage(99, 1), 60, 2, id="twostage_100", marks=pytest.mark.oracle),
    ],
)
def test_a_bug_among_endlessly_many_schedules_is_found_in_a_few(
    program: Callable[[], bool], executions: int, preemptions: int
) -> None:
    verdict = predicted(program)
    assert verdict.found_by == "prediction"
    assert verdict.executions <= executions
    assert verdict.witness is not None
    assert verdict.witness.preemptions <= preemptions
    assert replay(verdict.witness, program, check=bool) == verdict.witness.outcome
    assert [each.confirmed for each in verdict.predictions].count(True) == 1


@pytest.mark.parametrize("reduction", [False, True])
def test_a_search_is_steered_there_too(reduction: bool) -> None:
    verdict = explore(
        reorder(6, 6),
        check=bool,
        reading="bytecode",
        stepped=[large.__file__],
        reduction=reduction,
        schedules=600,
    )
    assert verdict.failing
    assert verdict.witness is not None
    assert verdict.witness.preemptions == 1


@pytest.mark.parametrize("number", [2, 3, 5])
def test_locks_taken_in_a_circle_are_predicted_and_confirmed(number: int) -> None:
    verdict = predicted(philosophers(number, gate=False))
    assert verdict.found_by == "prediction"
    assert verdict.witness is not None
    assert isinstance(verdict.witness.outcome, Deadlocked)
    (circle,) = [each for each in verdict.predictions if each.kind == "circle"]
    assert circle.confirmed
    assert len(circle.threads) == number


def test_a_gate_lock_keeps_a_circle_apart() -> None:
    verdict = predicted(philosophers(3, gate=True))
    assert [each for each in verdict.predictions if each.kind == "circle"] == []
    assert verdict.failing == 0


def test_one_thread_alone_makes_no_circle_nor_do_threads_one_after_the_other() -> None:
    def program() -> bool:
        one, two = threading.Lock(), threading.Lock()

        def forwards() -> None:
            with one, two:
                pass

        def backwards() -> None:
            with two, one:
                pass

        def both() -> None:
            forwards()
            backwards()

        run_all(both)
        run_all(forwards)
        run_all(backwards)
        return True

    verdict = predicted(program)
    assert [each for each in verdict.predictions if each.kind == "circle"] == []
    assert verdict.failing == 0


def test_who_only_tries_to_take_a_lock_waits_in_no_circle() -> None:
    def program() -> bool:
        one, two = threading.Lock(), threading.Lock()

        def forwards() -> None:
            with one:
                if two.acquire(blocking=False):
                    two.release()

        def backwards() -> None:
            with two:
                if one.acquire(blocking=False):
                    one.release()

        run_all(forwards, backwards)
        return True

    verdict = predicted(program)
    assert [each for each in verdict.predictions if each.kind == "circle"] == []


def test_a_benign_conflict_is_predicted_and_accuses_nobody() -> None:
    verdict = predicted(benign)
    assert verdict.failing == 0
    (race,) = verdict.predictions
    assert (race.kind, race.confirmed) == ("race", False)
    assert all("large.py:" in place for place in race.places)
    assert str(race).startswith("predicted: a race for ")


def locked() -> bool:
    lock = threading.Lock()
    n = [0]

    def count() -> None:
        with lock:
            n[0] += 1

    run_all(count, count, count)
    return n[0] == 3


def handed_over() -> bool:
    box: queue.Queue[list[int]] = queue.Queue()
    n = [0]

    def give() -> None:
        n[0] += 1
        box.put(n)

    def take() -> None:
        box.get()[0] += 1

    run_all(give, take)
    return n[0] == 2


def started_and_joined() -> bool:
    n = [0]

    def count() -> None:
        n[0] += 1

    n[0] += 1
    run_all(count)
    run_all(count)
    return n[0] == 3


@pytest.mark.parametrize("program", [locked, handed_over, started_and_joined])
def test_what_a_lock_a_queue_or_a_join_orders_is_no_race(program: Callable[[], bool]) -> None:
    verdict = predicted(program)
    assert verdict.predictions == ()
    assert verdict.failing == 0


@pytest.mark.parametrize("joined", [False, True])
def test_what_a_start_or_a_join_orders_is_not_planned_in_the_other_order(joined: bool) -> None:
    trial = TrialSchedule()
    for at, (thread, started, ended) in enumerate([(0, 1, -1), (1, -1, 1), (0, -1, -1)]):
        step = trial.begin(thread)
        trial.executes("", "code", at)
        step.touch(("name", "x"), writes=True)
        if started >= 0:
            step.starts.append(started)
        if ended >= 0:
            step.touch(("end", ended), writes=True)
        if at == 2 and joined:
            step.follows.append(("end", 1))
    plans = predict(trial).plans
    assert set(plans) == (set() if joined else {((1, 0), (0, None)), ((0, 1), (1, None))})


def test_the_prediction_names_what_is_raced_for_and_where() -> None:
    verdict = predicted(unlocked(3))
    (race,) = verdict.predictions
    assert str(race).startswith("confirmed: a race for n, Thread-")
    assert list(verdict.predicted()) == [str(race)]

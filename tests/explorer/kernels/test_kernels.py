"""The explorer on the 29 small programs of SCTBench: each bug is found, no correct side accused."""

from math import comb, factorial
from pathlib import Path

import pytest

from conlab.explorer import Deadlocked, Exploration, explore
from tests.explorer.kernels.table import FOLDER, KERNELS, REPOSITORY, Kernel

MOST = 1_000  # executions of a search
FEW = 20  # executions of what cannot be exhausted
SOME = 60  # of what is predicted from two of them
HARDLY_ANY = 2  # of what has a hundred threads

# How many threads or critical sections come in any order, before anything is said of a preemption.
TOO_MANY_ORDERS = {
    "reorder_10": "10! orders of its threads come before the first with a preemption",
    "reorder_20": "20! orders of its threads come before the first with a preemption",
    "twostage_100": "100! orders of its threads come before the first with a preemption",
    "wronglock": "8! orders of its threads come before the first with a preemption",
}
PREDICTED = {"reorder_10", "reorder_20"}  # all the same, where there is budget for some plans
# Traces, counted by hand: the orders in which threads get one lock; of two critical sections each
# for two locks; of turns with a wait or without one.
TRACES = {
    "account": factorial(3),
    "arithmetic_prog": 2**5,
    "carter01": 2,
    "deadlock01": 2,
    "din_phil2": factorial(2),
    "din_phil3": factorial(3),
    "din_phil4": factorial(4),
    "din_phil5": factorial(5),
    "lazy01": factorial(3),
    "phase01": comb(4, 2) ** 2,
    "queue": 2,
    "reorder_3": factorial(3),
    "reorder_4": factorial(4),
    "reorder_5": factorial(5),
    "sync01": 2,
    "sync02": 2**3,
    "twostage": 2,
    "wronglock_3": factorial(4),
}
EXHAUSTED = {*TRACES, "bluetooth_driver", "token_ring"}
NOT_EXHAUSTED = {
    "circular_buffer": "14! / 7!² orders of its critical sections, at 250 a second",
    "din_phil6": "6! orders of its threads, of which a search within a bound executes each often",
    "din_phil7": "7! orders of its threads",
    "fsbench": "13 pairs of threads, each in any order",
    "reorder_10": "10! orders of its threads",
    "reorder_20": "20! orders of its threads",
    "stack": "20! / 10!² orders of its critical sections",
    "twostage_100": "100! orders of its threads",
    "wronglock": "8! orders of its threads",
}
NAMED = {kernel.name: kernel for kernel in KERNELS}


def explored(kernel: Kernel, side: str, bound: int | None, schedules: int = MOST) -> Exploration:
    return explore(
        getattr(kernel, side),
        reading="bytecode",
        bound=bound,
        stepped=kernel.stepped,
        schedules=schedules,
        count_on=0,
        reduction=True,
    )


def few(name: str) -> int:
    return HARDLY_ANY if name == "twostage_100" else FEW


@pytest.mark.parametrize("name", [name for name in NAMED if name not in TOO_MANY_ORDERS])
def test_bug_is_found_with_the_fewest_preemptions(name: str) -> None:
    kernel = NAMED[name]
    witness = explored(kernel, "broken", bound=2).witness
    assert witness is not None
    failures = {failure.type for failure in witness.died}
    if isinstance(witness.outcome, Deadlocked):
        failures.add("deadlock")
    assert failures == {kernel.failure}, witness
    assert witness.preemptions == kernel.preemptions


@pytest.mark.parametrize("name", TOO_MANY_ORDERS)
def test_bug_behind_too_many_orders_is_not_said_to_be_none(name: str) -> None:
    schedules = SOME if name in PREDICTED else few(name)
    verdict = explored(NAMED[name], "broken", bound=2, schedules=schedules)
    assert not verdict.exhausted
    if name in PREDICTED:
        assert verdict.failing
        assert verdict.found_by == "prediction"
    else:  # a schedule that was drawn may show it all the same
        assert not verdict.failing or verdict.found_by == "sampling"


@pytest.mark.parametrize("name", sorted(EXHAUSTED))
def test_correct_side_passes_every_schedule_with_any_number_of_preemptions(name: str) -> None:
    verdict = explored(NAMED[name], "correct", bound=None)
    assert not verdict.failing, verdict.witness
    assert verdict.exhausted
    assert verdict.bound is None
    assert verdict.schedules == TRACES.get(name, verdict.schedules)


@pytest.mark.parametrize("name", NOT_EXHAUSTED)
def test_correct_side_that_is_too_large_to_exhaust_is_not_accused(name: str) -> None:
    verdict = explored(NAMED[name], "correct", bound=2, schedules=few(name))
    assert not verdict.failing, verdict.witness


def test_each_correct_side_is_either_exhausted_or_said_to_be_too_large() -> None:
    assert EXHAUSTED.isdisjoint(NOT_EXHAUSTED)
    assert EXHAUSTED | NOT_EXHAUSTED.keys() == NAMED.keys()
    assert len(KERNELS) == len(NAMED) == 29


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_each_kernel_says_where_it_is_from(kernel: Kernel) -> None:
    text = Path(str(kernel.module.__file__)).read_text()
    assert REPOSITORY in text
    assert f"{FOLDER}/" in text
    assert kernel.source in text

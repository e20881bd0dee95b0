"""The estimated bound is the largest of what the jobs need; there is none where that misleads."""

from conlab.bench.readings import bounds
from tests.bench.readings.cases import alone, case, looks, row


def bound(*rows: object, **changes: object) -> tuple[float, str]:
    found = bounds.bound(case(*rows, **changes))  # type: ignore[arg-type]
    assert found
    return round(found.seconds, 6), found.by


def test_it_is_the_longest_job() -> None:
    assert bound(alone=alone(jobs=(0.05,) * 9 + (0.5,))) == (0.5, bounds.JOB)


def test_it_is_the_sum_of_the_waits_over_those_in_flight() -> None:
    assert bound(in_flight=4) == (0.2475, bounds.WAITS)


def test_it_is_the_sum_of_the_computing_over_the_cores() -> None:
    computing = row("serial", 1.0, cpu=1.0, cores=1.0)
    assert bound(computing, alone=alone(waiting=0.0)) == (0.5, bounds.COMPUTING)


def test_it_is_the_making_of_the_jobs_without_what_stood_ready() -> None:
    made = alone(making=0.8, ready=0.5, jobs=(0.02,) * 10)
    assert bound(alone=made) == (0.4, bounds.MAKING)


def test_there_is_none_where_another_library_waits() -> None:
    two = case(row("coroutines", 0.2), blocking=("requests",), asynchronous=("httpx",))
    assert bounds.bound(two) is None


def test_there_is_none_where_jobs_are_parallel_already() -> None:
    assert bounds.bound(case(row("serial", 1.0, cores=1.9))) is None


def test_there_is_none_where_jobs_wait_for_each_other() -> None:
    locked = row("threads", 1.0, in_flight=7.0, job=0.7, looks=looks(100))
    assert bounds.bound(case(locked)) is None


def test_there_is_none_where_the_floor_is_known() -> None:
    assert bounds.bound(case(origin=True)) is None


def test_there_is_none_without_serial() -> None:
    assert bounds.bound(case(alone=None)) is None

"""That one job bounds the run is read from the jobs' own times, in their order."""

import pytest

from conlab.bench.readings import stragglers
from tests.bench.readings.cases import alone, case, row

LAST = (0.02,) * 30 + (1.0,)


def said(*rows: object, **changes: object) -> str:
    given = {"job_count": 31, "alone": alone(jobs=LAST)} | changes
    found = stragglers.read(case(*rows, row("serial", 1.6), **given))  # type: ignore[arg-type]
    return found.sentence if found else ""


def test_the_longest_job_is_named_with_what_the_others_take() -> None:
    found = said(row("threads", 1.0))
    assert "one takes 1.00 s (half of them take no more than 20.0 ms)" in found
    assert "the fastest, threads, took 1.00 s" in found


def test_where_every_job_starts_at_once_another_order_would_not_help() -> None:
    assert "Starting it first would not help" in said(row("threads", 1.0))


def test_where_jobs_take_turns_starting_the_longest_first_would_help() -> None:
    found = said(row("threads", 1.0), row("processes", 1.3))
    assert "would help: processes would take about 1.00 s instead of 1.30 s." in found


def test_where_it_came_first_another_order_would_not_help() -> None:
    first = alone(jobs=(1.0, *(0.02,) * 30))
    assert "would not help" in said(row("processes", 1.0), alone=first)


def test_of_threads_that_compute_no_order_is_known() -> None:
    computing = alone(jobs=LAST, waiting=0.0)
    assert "threads would" not in said(row("threads", 1.5), alone=computing)


def test_jobs_of_one_length_have_no_straggler() -> None:
    assert said(row("threads", 0.12), alone=alone(), job_count=10) == ""


def test_a_longest_job_that_is_short_beside_the_run_bounds_nothing() -> None:
    jobs = (0.05,) * 100 + (0.5,)
    assert said(row("processes", 3.0), alone=alone(jobs=jobs), in_flight=2) == ""


@pytest.mark.parametrize(
    ("jobs", "places", "seconds"),
    [((1, 1, 1), 1, 3), ((1, 1, 2), 2, 3), ((2, 1, 1), 2, 2), ((1, 2), 5, 2), ((), 2, 0)],
)
def test_a_run_ends_when_its_last_job_does(
    jobs: tuple[float, ...], places: int, seconds: float
) -> None:
    assert stragglers.run_time(jobs, places) == seconds

"""What figures say about each other, on figures made by hand."""

import math
from dataclasses import replace

import pytest

from conlab.bench.costs import Cost
from conlab.bench.floors import Floor
from conlab.bench.leading import ALPHA, FLOOR_OF_NOISE, LOUD
from conlab.bench.measured import Measured
from conlab.bench.readings import bounds
from conlab.bench.readings.case import undisturbed
from conlab.bench.report import Group, groups
from tests.bench.made import group, measured


def with_rounds(label: str, *seconds: float) -> Measured:
    """A cell with one round in each visit."""
    return replace(measured(label, 1.0), rounds=seconds, visits=seconds)


# One cell


def test_the_time_of_a_round_is_the_median() -> None:
    assert with_rounds("serial", 1.0, 9.0, 2.0).median == 2.0


def test_the_spread_is_half_the_distance_between_the_quartiles() -> None:
    assert with_rounds("serial", 1.0, 2.0, 3.0).spread == 0.5
    assert with_rounds("serial", 2.0).spread == 0.0


def test_the_error_is_twice_the_standard_error() -> None:
    assert with_rounds("serial", 1.0, 2.0, 3.0).error == pytest.approx(2 / math.sqrt(3))


def test_the_error_of_one_visit_is_not_known_however_many_rounds_it_had() -> None:
    assert replace(with_rounds("serial", 1.0, 2.0, 3.0), visits=(2.0,)).error == math.inf


def test_figures_are_those_of_one_round_though_several_were_watched() -> None:
    one = replace(
        measured("threads", 0.5, jobs=10),
        repeats=4,
        cost=Cost(wall=2.0, cpu=1.0, peak_memory=300),
        cpu_origin=0.4,
        memory_before=100,
        job_seconds=(0.1,) * 40,
    )
    assert one.cpu == 0.25
    assert one.cpu_with_origin == pytest.approx(0.35)
    assert one.cores_busy == 0.5
    assert one.origin_busy == 0.2
    assert one.in_flight == pytest.approx(2.0)
    assert one.memory_added == 200
    figures = one.figures()
    assert figures["jobs_per_second"] == 20.0
    assert figures["cpu_seconds"] == 0.25
    assert figures["cpu_seconds_of_origin"] == pytest.approx(0.1)


def test_the_slowest_job_is_the_maximum_below_1000_jobs_and_p99_from_there() -> None:
    few = replace(measured("threads", 1.0), job_seconds=(0.1,) * 998 + (7.0,))
    many = replace(few, job_seconds=(0.1,) * 999 + (7.0,))
    assert few.slowest == ("max", 7.0)
    assert many.slowest[0] == "p99"
    assert many.slowest[1] == pytest.approx(0.1)


# Cells against each other


def test_the_speedup_is_serial_s_time_over_the_cell_s() -> None:
    made = group(measured("serial", 3.0), threads := measured("threads", 1.5))
    assert made.speedup(threads) == pytest.approx(2.0)


def test_there_is_no_speedup_without_serial() -> None:
    made = group(threads := measured("threads", 1.5))
    assert made.speedup(threads) is None
    assert made.serial is None


def test_the_visits_of_a_cell_make_its_time_each_as_much_as_another() -> None:
    serial = replace(with_rounds("serial", *(1.0,) * 9, 4.0), visits=(1.0, 4.0))
    made = Group("count_words", (serial, measured("threads", 3.0)), cores=2)
    assert made.time(serial) == pytest.approx(2.0)
    assert made.rows[0] == serial


@pytest.mark.parametrize("noise", [0.05, 0.25, 2.0])
def test_the_noise_is_the_least_lead_that_its_visits_can_tell(noise: float) -> None:
    made = group(measured("serial", 1.0), measured("threads", 1.0), again=1 + noise)
    assert made.noise == pytest.approx(noise)


def test_the_noise_is_never_called_less_than_its_floor() -> None:
    assert group(measured("serial", 1.0), measured("threads", 1.0)).noise == FLOOR_OF_NOISE


def test_the_tables_of_a_run_share_its_rate_of_errors() -> None:
    cells = [measured(label, 1.0, name=name) for name in "ab" for label in ("serial", "threads")]
    one, other = groups(cells, 2)
    assert one.alpha + other.alpha == pytest.approx(ALPHA)


def test_the_noise_is_not_known_where_each_was_visited_once() -> None:
    made = group(measured("serial", 1.0), measured("threads", 2.0), again=None)
    assert made.noise is None
    assert not made.loud


@pytest.mark.parametrize("noise", [0.05, 0.3, 2.0])
def test_no_lead_smaller_than_the_noise_is_called_one(noise: float) -> None:
    within = measured("threads", 1.0 + 0.99 * noise)
    beyond = measured("processes", 1.0 + 1.01 * noise + 0.001)
    # Serial stands far behind, and its visits make the noise.
    serial = measured("serial", 9.0)
    made = group(measured("coroutines", 1.0), within, beyond, serial, again=1 + noise)
    assert [leader.cell.label for leader in made.leaders] == ["coroutines", "threads"]


def test_a_run_is_loud_above_its_limit() -> None:
    cells = measured("serial", 1.0), measured("threads", 1.0)
    assert not group(*cells, again=1 + LOUD - 0.001).loud
    assert group(*cells, again=1 + LOUD + 0.001).loud


def test_the_work_law_is_the_least_cpu_of_any_cell_and_the_origin_over_the_cores() -> None:
    lean = measured("coroutines", 1.0, cores=0.5, origin=0.1)
    made = group(measured("serial", 9.0, cores=0.9, origin=0.1), lean, cores=2)
    assert made.work_law == pytest.approx((0.5 + 0.1) / 2)


def test_the_share_is_of_the_floor_where_waiting_is_the_limit() -> None:
    made = group(cell := measured("threads", 1.0, cores=0.2, floor=Floor(waiting=0.8)))
    assert made.floor_share(cell) == pytest.approx(0.8)


def test_the_share_is_of_the_work_law_where_computing_is() -> None:
    made = group(cell := measured("threads", 1.0, cores=1.0, floor=Floor(waiting=0.1)), cores=2)
    assert made.floor_share(cell) == pytest.approx(0.5)


def test_there_is_no_share_of_a_floor_that_is_not_known() -> None:
    made = group(cell := measured("threads", 1.0, floor=None))
    assert made.floor_share(cell) is None


def test_a_job_takes_the_shortest_time_that_it_took_in_any_row() -> None:
    serial = replace(measured("serial", 1.0, jobs=2), job_seconds=(0.9, 0.3))
    threads = replace(measured("threads", 1.0, jobs=2), job_seconds=(0.5, 0.5, 0.6, 0.4), repeats=2)
    assert undisturbed([serial, threads], 2) == (0.5, 0.3)
    assert undisturbed([serial, replace(threads, jobs=3)], 2) == ()


# The limit: a floor, a work law, or an estimate


def test_jobs_that_wait_have_a_bound_estimated_from_serial_s() -> None:
    threads = replace(measured("threads", 0.5, cores=0.1, floor=None), settings={"in_flight": 5})
    made = group(measured("serial", 2.0, cores=0.1, floor=None), threads)
    limit = made.limit(threads)
    assert limit
    assert limit.by == bounds.WAITS
    assert limit.seconds == pytest.approx(2.0 * 0.9 / 5)
    assert made.share(threads) == pytest.approx(0.72)
    assert made.floor_share(threads) is None  # it is an estimate, and no figure for the history


def test_jobs_that_compute_are_bounded_by_the_longest_of_them() -> None:
    long = (0.01,) * 9 + (0.9,)
    serial = replace(measured("serial", 1.0), job_seconds=long)
    processes = replace(measured("processes", 1.0, cores=1.1), job_seconds=long)
    made = group(serial, processes, again=None)
    assert made.limit(processes) == bounds.Bound(0.9, bounds.JOB)


def test_no_share_is_more_than_all() -> None:
    made = group(cell := measured("threads", 1.0, floor=Floor(1.01)))
    assert made.floor_share(cell) == 1.0
    assert made.void(cell) == ""


def test_a_share_that_cannot_be_is_void_and_says_why() -> None:
    quick = replace(measured("threads", 0.1, cores=9.0), jobs=10)
    made = group(measured("serial", 1.0, cores=0.9), quick, cores=1)
    assert made.floor_share(quick) is None
    assert made.void(quick).startswith("its untimed run took more CPU time than fits")


def test_a_cell_that_is_faster_than_serial_s_waits_allow_is_void() -> None:
    quick = measured("coroutines", 0.1, cores=0.1, floor=None)
    made = group(measured("serial", 1.0, cores=0.1, floor=None), quick)
    assert made.void(quick).startswith("faster than serial's own times allow by its waits")


def test_threads_of_a_library_that_spin_void_the_work_law() -> None:
    serial = measured("serial", 1.0, cores=1.9)
    spinning = measured("threads", 0.5, cores=3.8)
    made = group(serial, spinning, cores=1)
    assert made.void(spinning).startswith("its library's threads spin")


def test_groups_are_by_workload_in_the_order_of_measuring() -> None:
    cells = [measured("serial", 1.0, name=name) for name in ("b_b", "a_a", "b_b")]
    assert [(g.name, len(g.cells)) for g in groups(cells, 2)] == [("b_b", 2), ("a_a", 1)]

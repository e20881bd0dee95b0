"""That jobs wait for each other is read from jobs in flight that gain nothing."""

from conlab.bench.readings import shared
from conlab.bench.readings.reading import Reading
from tests.bench.readings.cases import alone, case, looks, row

LOCKED = row("threads", 1.0, in_flight=7.0, job=0.7, looks=looks(100))


def read(*rows: object, **changes: object) -> Reading:
    found = shared.read(case(*rows, **changes))  # type: ignore[arg-type]
    assert found
    return found


def test_a_lock_that_each_process_has_for_itself_may_be_a_limit_that_is_broken() -> None:
    found = read(LOCKED, row("processes", 0.5, in_flight=2.0))
    assert found.kind == "shared inside a process"
    assert "had 7.0 jobs in flight and gain nothing over serial" in found.sentence
    assert "one at a time (most of the time they stood at my_job.py:7" in found.sentence
    assert "Processes gain their number (2.0 times with 2)" in found.sentence
    assert found.doubt == "what is faster here may be a limit that is broken"


def test_a_lock_that_processes_wait_for_as_well_lies_outside() -> None:
    assert read(LOCKED, row("processes", 1.0, in_flight=2.0)).kind == "shared by all"


def test_a_limit_of_four_is_told_from_a_lock() -> None:
    found = read(row("threads", 0.25, in_flight=8.0, job=0.21), row("processes", 0.5))
    assert found.kind == "shared"
    assert "only 4.0 times as fast as serial" in found.sentence
    assert "about 4 at a time" in found.sentence


def test_without_processes_nothing_is_said_of_them() -> None:
    found = read(LOCKED)
    assert found.kind == "shared"
    assert "rocesses" not in found.sentence


def test_six_at_a_time_on_two_cores_may_be_the_pool_that_asyncio_hands_calls_to() -> None:
    threads = row("threads", 0.04, in_flight=30.0, cores=0.1)
    more = {"job_count": 40, "alone": alone(jobs=(0.025,) * 40)}
    six = row("coroutines", 1 / 5.8, in_flight=14.4, job=0.3, cores=0.05)
    assert "asyncio.to_thread() has 6 threads with 2 cores" in read(six, threads, **more).sentence
    two = row("coroutines", 1 / 2, in_flight=14.4, job=0.3, cores=0.05)
    assert "to_thread" not in read(two, threads, **more).sentence


def test_a_half_that_knows_nothing_of_the_lock_is_named() -> None:
    found = read(row("coroutines", 1.0, in_flight=7.0, job=0.7), row("threads", 0.11, in_flight=9))
    assert found.kind == "shared in one half"
    assert "Threads get past it" in found.sentence


def test_serial_that_is_faster_than_threads_gets_past_nothing() -> None:
    slow = row("threads", 2.5, in_flight=7.0, job=0.7)
    assert read(slow, row("processes", 1.0)).kind == "shared by all"


def test_where_the_threads_stood_is_not_said_if_they_stood_everywhere() -> None:
    scattered = row("threads", 1.0, in_flight=7.0, job=0.7, looks=looks(100, at_most=30))
    assert "stood" not in read(scattered).sentence


def test_jobs_that_wait_each_for_itself_share_nothing() -> None:
    assert shared.read(case(row("threads", 0.11, in_flight=9.5))) is None


def test_one_long_job_among_short_ones_is_nothing_shared() -> None:
    assert shared.read(case(row("threads", 0.6, in_flight=1.6))) is None


def test_jobs_that_compute_take_turns_at_the_gil_and_not_at_a_lock() -> None:
    computing = alone(waiting=0.0)
    assert shared.read(case(LOCKED, alone=computing)) is None


def test_jobs_that_compute_half_of_their_time_gain_no_more_than_twice() -> None:
    half = row("threads", 0.55, in_flight=9.0, job=0.5, cpu=0.5, cores=0.9)
    assert shared.read(case(half, row("serial", 1.0, cpu=0.5), alone=alone(waiting=0.5))) is None


def test_threads_that_stood_ready_on_a_busy_machine_did_not_wait_for_each_other() -> None:
    kept = row("threads", 0.4, in_flight=8.0, job=0.4, ready=5.0)
    assert shared.read(case(kept)) is None
    kept = row("coroutines", 0.4, in_flight=8.0, job=0.4, ready=0.6)
    assert shared.read(case(kept)) is None


def test_threads_that_stood_ready_may_have_held_the_gil_while_others_waited_for_it() -> None:
    kept = row("threads", 0.4, in_flight=8.0, job=0.4, cpu=0.05, cores=0.12, ready=0.8)
    assert shared.read(case(kept)) is None
    free = row("threads", 0.4, in_flight=8.0, job=0.4, cpu=0.05, cores=0.12)
    assert shared.read(case(free))


def test_a_loop_that_is_blocked_shares_nothing() -> None:
    blocked = row("coroutines", 1.0, in_flight=7.0, job=0.7, looks=looks(100))
    assert shared.read(case(blocked)) is None


def test_without_serial_nothing_is_said() -> None:
    only = case(LOCKED, alone=None)
    assert shared.read(only) is None

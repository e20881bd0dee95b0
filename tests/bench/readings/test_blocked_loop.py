"""That a loop is blocked is read from where it stood while it computed nothing."""

import pytest

from conlab.bench.readings import blocked_loop
from tests.bench.readings.cases import case, looks, row


def test_the_call_that_blocks_is_named() -> None:
    seen = looks(98, 2, line="my_job.py:7, work_async()", source="time.sleep(0.02)")
    found = blocked_loop.read(case(row("coroutines", 1.0, looks=seen)))
    assert found
    assert found.sentence.startswith("work_async() blocks the event loop: for 97% of its time")
    assert "mostly at my_job.py:7, work_async(): `time.sleep(0.02)`. Nothing" in found.sentence


def test_the_function_of_a_library_that_it_stood_in_is_named_as_well() -> None:
    seen = looks(98, 2, inside="requests/sessions.py, send()")
    found = blocked_loop.read(case(row("coroutines", 1.0, looks=seen)))
    assert found
    assert "`with LOCK:`, inside requests/sessions.py, send()" in found.sentence


def test_a_loop_that_computes_is_busy_and_not_blocked() -> None:
    assert blocked_loop.blocked_share(row("coroutines", 1.0, cores=0.97, looks=looks(99, 1))) < 0.1


def test_a_loop_that_awaits_is_not_blocked() -> None:
    assert blocked_loop.read(case(row("coroutines", 1.0, looks=looks(3, 97)))) is None


def test_the_time_that_a_loop_stood_ready_is_left_out_on_both_sides() -> None:
    kept = row("coroutines", 1.0, cores=0.05, ready=0.6, looks=looks(99, 1))
    assert blocked_loop.blocked_share(kept) == pytest.approx((0.99 - 0.65) / 0.4)
    computing = row("coroutines", 1.0, cores=0.35, ready=0.6, looks=looks(99, 1))
    assert blocked_loop.blocked_share(computing) < blocked_loop.BLOCKED


def test_a_few_looks_tell_nothing() -> None:
    assert blocked_loop.blocked_share(row("coroutines", 1.0, looks=looks(9, 0))) == 0


def test_threads_that_stand_in_a_call_block_nobody() -> None:
    assert blocked_loop.read(case(row("threads", 1.0, looks=looks(99, 1)))) is None

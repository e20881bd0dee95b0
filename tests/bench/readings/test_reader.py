"""Every rule speaks of its own kind alone, and where jobs are too short none but one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from conlab.bench.readings import big_results, clients, making, memory, too_short
from conlab.bench.readings.figures import Case
from conlab.bench.readings.reader import DISPATCH, readings
from conlab.bench.words import GIBI, MEBI
from tests.bench.readings.cases import alone, case, case_from, row

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"))


# What real jobs showed: real_jobs.py ran them, on two cores, and wrote down their figures.

EXPECTED = {
    "async_blocking": {"blocked loop": "async_blocking.py:7, work_async(): `time.sleep(0.02)"},
    "big_results": {"big results": "are 31 MiB when pickled"},
    "blocks_after_await": {"blocked loop": "slowly(): `time.sleep(0.02)`"},
    "gzip_files": {"made one by one": "jobs() takes "},
    "http_requests": {"two libraries": "work() uses requests and work_async() uses httpx"},
    "huge_member": {"straggler": "Bounded by its longest job"},
    "lock_in_one_half": {"shared in one half": "Threads get past it"},
    "lock_job": {"shared inside a process": "work(): `with LOCK:`"},
    "locked_file": {"shared by all": "`fcntl.flock(file, fcntl.LOCK_EX)`"},
    "matmul": {"parallel inside": "It is a library that does so (OpenBLAS)"},
    "plain_python": {},
    "plain_sleep": {},
    "waits_and_computes": {},
    "pool_inside": {"parallel inside": "these threads are the job's own"},
    "pool_of_one": {"shared inside a process": "ask(): `connection = self.free.get()`"},
    "rate_limited": {"shared inside a process": "`time.sleep(max(0, at - now))`"},
    "semaphore_of_four": {"shared": "about 4 at a time"},
    "singular_values": {"parallel inside": "held to one thread"},
    "sleepy_api": {},
    "sleepy_async": {},
    "some_raise": {"too short": "all 8 jobs take"},
    "straggler": {"straggler": "would help: processes would take about"},
    "tiny": {"too short": "so few need no model"},
    "two_cores_already": {"parallel inside": "these threads are the job's own"},
    "zipped_inputs": {"made one by one": "jobs() takes "},
}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_recorded_figures_of_a_real_job_are_read_right(path: Path) -> None:
    found = readings(case_from(json.loads(path.read_text())))
    expected = EXPECTED[path.stem]
    assert [one.kind for one in found] == list(expected)
    for one in found:
        assert expected[one.kind] in one.sentence


def test_every_job_that_is_expected_was_recorded() -> None:
    assert {path.stem for path in RECORDED} == set(EXPECTED)


# Too short


def test_jobs_that_take_less_than_giving_them_away_are_too_short_to_tell() -> None:
    short = case(row("threads", 2e-4), row("serial", 5e-5), alone=alone(jobs=(5e-6,) * 10))
    assert [one.kind for one in readings(short)] == ["too short"]
    assert too_short.read(case()) is None


def test_jobs_that_are_there_to_see_what_a_pool_costs_are_not_too_short() -> None:
    assert readings(case(row("serial", 5e-5), name=DISPATCH)) == []


# Made one by one


def test_jobs_that_are_made_one_by_one_are_said_with_their_share_and_what_it_bounds() -> None:
    found = making.read(case(alone=alone(making=0.4)))
    assert found
    assert "jobs() takes 40% of serial's time (40.0 ms a job)" in found.sentence
    assert "more than 2.5 times as fast as serial" in found.sentence


def test_jobs_that_are_all_making_cannot_be_faster() -> None:
    found = making.read(case(alone=alone(making=0.99)))
    assert found
    assert "so none can be faster than serial" in found.sentence


def test_jobs_that_are_made_quickly_are_not_spoken_of() -> None:
    assert making.read(case(alone=alone(making=0.1))) is None


# Two libraries


def test_two_libraries_are_named_with_what_a_job_costs_by_each() -> None:
    rows = row("coroutines", 0.2, cpu=0.04), row("threads", 0.1, cpu=0.01)
    found = clients.read(case(*rows, blocking=("requests", "yarl"), asynchronous=("httpx", "yarl")))
    assert found
    assert "work() uses requests and work_async() uses httpx" in found.sentence
    assert "1.0 ms of CPU by requests under threads, 4.0 ms by httpx" in found.sentence


@pytest.mark.parametrize(
    ("blocking", "asynchronous"),
    [(("httpx",), ("httpx",)), ((), ("anyio",)), (("httpx",), ("anyio", "httpx"))],
)
def test_a_library_that_both_use_is_no_difference(
    blocking: tuple[str, ...], asynchronous: tuple[str, ...]
) -> None:
    same = case(row("coroutines", 0.2), blocking=blocking, asynchronous=asynchronous)
    assert clients.read(same) is None


def test_a_further_client_that_is_there_is_named_and_not_asked_for() -> None:
    rows = [row("threads", 0.3), row("coroutines", 0.2)]
    apart = {"blocking": ("requests",), "asynchronous": ("httpx",)}
    without = clients.read(case(*rows, **apart))
    assert without is not None
    assert "A second work_async_NAME()" in without.sentence
    found = clients.read(case(*rows, row("coroutines_niquests", 0.25), **apart))
    assert found is not None
    assert "work_async_NAME" not in found.sentence
    assert "Compare coroutines_niquests (250.0 ms), the same jobs on" in found.sentence


def test_libraries_of_which_one_was_not_measured_are_not_spoken_of() -> None:
    assert clients.read(case(blocking=("requests",), asynchronous=("httpx",))) is None


# Big results


def big(size: int, seconds: float) -> Case:
    return case(row("processes", 1.0), alone=alone(sent_size=size, sent_seconds=seconds))


def test_results_that_cost_more_to_send_than_to_make_are_said_with_their_size() -> None:
    found = big_results.read(big(32 * MEBI, 0.2))
    assert found
    assert found.sentence.startswith("Sending costs more than computing: a job and its result are"
                                     " 32 MiB when pickled, which takes 200.0 ms")  # fmt: skip


def test_results_that_are_sent_quickly_or_small_are_not_spoken_of() -> None:
    assert big_results.read(big(32 * MEBI, 0.02)) is None
    assert big_results.read(big(1000, 0.2)) is None


def test_results_that_cost_other_processes_what_they_win_are_said_with_that() -> None:
    """As tokens sent back: pickled quickly, but received by a process that has to make them all."""

    def cost(cpu: float, seconds: float = 1.0) -> Case:
        sending = alone(sent_size=32 * MEBI, sent_seconds=0.02)
        return case(row("processes", seconds, cpu=cpu), alone=sending)

    found = big_results.read(cost(cpu=1.51))
    assert found
    assert "150.0 ms of CPU a job went into what serial does not do" in found.sentence
    assert big_results.read(cost(cpu=0.31)) is None
    assert big_results.read(cost(cpu=1.51, seconds=0.6)) is None  # they win something all the same


def test_results_that_nobody_sends_are_not_spoken_of() -> None:
    here = case(row("threads", 1.0), alone=alone(sent_size=MEBI * 99, sent_seconds=9.0))
    assert big_results.read(here) is None


# Memory


def test_so_many_jobs_as_memory_is_free_for_fit_at_once() -> None:
    hungry = alone(memory=2 * GIBI, memory_free=9 * GIBI)
    found = memory.read(case(row("threads", 1.0), alone=hungry))
    assert found
    assert "no more than 4 fit at once" in found.sentence


def test_jobs_that_all_fit_are_not_spoken_of() -> None:
    modest = alone(memory=GIBI, memory_free=99 * GIBI)
    assert memory.read(case(row("processes", 1.0), alone=modest)) is None


def test_a_model_whose_jobs_would_not_fit_is_not_tried() -> None:
    said = memory.does_not_fit(2 * GIBI, 8, 9 * GIBI)
    assert said == (
        "8 of its jobs at once would need 16.0 GiB, for one takes 2.0 GiB at its peak, and 9.0 GiB"
        " are free: 4 would fit (--in-flight, --workers)"
    )
    assert memory.does_not_fit(2 * GIBI, 4, 9 * GIBI) == ""
    assert memory.does_not_fit(MEBI, 10_000, GIBI) == ""


# Remembered


def test_jobs_that_find_done_what_the_first_run_did_are_named_and_have_no_leader() -> None:
    quick = case(
        row("threads", 2e-4), row("serial", 5e-5), alone=alone(jobs=(5e-6,) * 10, first=0.4)
    )
    (found,) = readings(quick)
    assert found.kind == "remembered"
    assert "first run took 400.0 ms in serial" in found.sentence
    assert "later ones take 50 µs" in found.sentence
    assert "how fast they remember" in found.doubt


@pytest.mark.parametrize("first", [0.0, 1.0, 4.0])
def test_a_first_run_that_is_somewhat_slower_is_no_sign_of_that(first: float) -> None:
    assert "remembered" not in [one.kind for one in readings(case(alone=alone(first=first)))]


def test_a_first_run_of_milliseconds_is_none_either() -> None:
    short = case(row("serial", 1e-4), alone=alone(jobs=(1e-5,) * 10, first=0.01))
    assert [one.kind for one in readings(short)] == ["too short"]


# Not awaited


def coroutines_of(seconds: float) -> Case:
    return case(row("coroutines", 0.2, job=seconds), row("threads", 0.3))


def test_a_coroutine_that_is_over_before_the_wait_can_be_is_told_of() -> None:
    (found,) = readings(coroutines_of(1e-5))
    assert found.kind == "not awaited"
    assert "a job of coroutines is over after 10 µs, and work() waits for 99.0 ms" in found.sentence
    assert found.doubt == "coroutines may leave undone what the others do"


@pytest.mark.parametrize("seconds", [0.03, 0.1, 2.0])  # from a quarter of the wait on
def test_a_coroutine_that_waits_as_long_is_not(seconds: float) -> None:
    assert readings(coroutines_of(seconds)) == []


def test_nor_is_one_that_waits_by_another_library() -> None:
    other = replace(coroutines_of(1e-5), blocking=("requests",), asynchronous=("httpx",))
    assert [one.kind for one in readings(other)] == ["two libraries"]


def test_jobs_that_compute_may_be_over_as_soon_as_they_are() -> None:
    assert readings(replace(coroutines_of(1e-5), alone=alone(waiting=0.1))) == []

"""That a job is parallel already is read from the cores that serial asks for."""

from typing import Any

from conlab.bench.readings import parallel_inside
from conlab.bench.readings.figures import Row
from tests.bench.readings.cases import alone, case, row


def serial(seconds: float = 1.0, cores: float = 1.9, ready: float = 0.05) -> Row:
    return row("serial", seconds, cores=cores, ready=ready)


def held(label: str, seconds: float) -> Row:
    return row(f"{label}_one_thread", seconds, cores=1.0)


def said(*rows: Row, **changes: Any) -> str:
    found = parallel_inside.read(case(*rows, **changes))
    return found.sentence if found else ""


def test_serial_that_keeps_two_cores_busy_is_parallel_already() -> None:
    found = said(serial(), row("threads", 1.1), alone=alone(threads=2))
    assert "serial alone asks for 1.9 of 2 cores, 2 threads at work." in found
    assert found.endswith("Let either of the two do it, not both.")


def test_serial_that_would_keep_two_cores_busy_if_others_had_them_not_is_so_as_well() -> None:
    assert "asks for 2.0 of 2" in said(serial(cores=0.3, ready=1.7))


def test_serial_on_one_core_is_not_parallel_however_busy_the_machine() -> None:
    assert said(serial(cores=0.2, ready=0.79)) == ""


def test_threads_that_only_wake_up_on_a_busy_machine_do_not_compute() -> None:
    assert said(serial(cores=0.02, ready=1.5)) == ""


def test_a_library_held_to_one_thread_that_lets_a_pool_gain_says_by_how_much() -> None:
    rows = [serial(), row("threads", 1.2), held("processes", 0.5), held("serial", 1.6)]
    found = said(*rows, library="OpenBLAS")
    assert "It is a library that does so (OpenBLAS)." in found
    assert "the fastest is processes with 500.0 ms; without that it is serial with 1.00 s" in found
    assert found.endswith("2.0 times as fast.")


def test_a_library_that_does_it_as_well_alone_is_said_to() -> None:
    found = said(serial(), held("processes", 0.98), held("serial", 1.8))
    assert found.endswith("no gain to speak of.")


def test_threads_that_no_library_made_are_the_jobs_own() -> None:
    found = said(serial(), alone=alone(threads=2, own_threads=True))
    assert found.endswith("these threads are the job's own: let its pool or the model do it,"
                          " not both.")  # fmt: skip

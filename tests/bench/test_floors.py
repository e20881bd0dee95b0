"""The floor: the time below which no run can go, by hand."""

import pytest

from conlab.bench import floors
from conlab.bench.floors import Floor, floor_of
from conlab.origin import Log, Served


def level(*latencies: float, size: int = 0) -> Log:
    served = [Served(0, "/", 1, 0.0, latency=latency, size=size) for latency in latencies]
    return Log(tuple(served), 0, ())


def test_no_run_ends_before_its_longest_latency() -> None:
    assert floor_of([level(0.1, 0.5, 0.1)], in_flight=32, bandwidth=1e9).seconds == 0.5


def test_latencies_pass_in_flight_at_once() -> None:
    assert floor_of([level(*[0.5] * 8)], in_flight=2, bandwidth=1e9).seconds == 2.0


def test_a_wave_that_is_not_full_lasts_as_long_as_a_full_one() -> None:
    assert floor_of([level(*[0.05] * 200)], 32, 1e9).seconds == pytest.approx(7 * 0.05)
    assert floor_of([level(0.05, 0.05, 0.2)], 2, 1e9).seconds == pytest.approx(0.2)
    assert floor_of([level(0.05, 0.2, 0.2)], 2, 1e9).seconds == pytest.approx(0.225)


def test_levels_come_one_after_the_other() -> None:
    levels = [level(0.5), level(0.25, 0.25), level()]
    assert floor_of(levels, in_flight=4, bandwidth=1e9).seconds == 0.75


def test_bytes_of_all_levels_go_through_loopback() -> None:
    floor = floor_of([level(0.0, size=600), level(0.0, 0.0, size=200)], 4, bandwidth=1000.0)
    assert floor == Floor(waiting=0.0, transfer=1.0)


def test_the_floor_is_the_larger_of_waiting_and_transfer() -> None:
    assert Floor(waiting=1.0, transfer=2.0).seconds == 2.0
    assert Floor(waiting=3.0, transfer=2.0).seconds == 3.0


def test_without_requests_there_is_nothing_below_which_a_run_cannot_go() -> None:
    assert floor_of([], in_flight=1, bandwidth=1.0).seconds == 0.0


def test_the_bandwidth_is_the_best_of_its_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = iter([2.0, 0.5, 1.0])
    monkeypatch.setattr(floors, "transfer_seconds", lambda: next(tries))
    assert floors.loopback_bandwidth() == floors.TRANSFER / 0.5


def test_all_bytes_go_through_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floors, "TRANSFER", 4 * floors.CHUNK)
    assert floors.loopback_bandwidth() > 0

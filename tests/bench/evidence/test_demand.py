"""The cores that a process asked for are counted over its threads, without those that look on."""

import threading
from itertools import count
from types import SimpleNamespace

import pytest

from conlab.bench.evidence import demand
from conlab.bench.evidence.demand import Demand, ThreadTimes

Times = dict[int, tuple[float, float]]


def seen(monkeypatch: pytest.MonkeyPatch, *looks: Times) -> Demand | None:
    """What comes of looks, a second apart, that see these seconds computed and ready, by thread."""
    coming, ticks = iter(looks), count()
    monkeypatch.setattr(demand, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))
    monkeypatch.setattr(demand, "times_of_threads", lambda **_: next(coming))
    times = ThreadTimes()
    for _ in looks:
        times.look()
    return times.demand()


def test_what_threads_stood_ready_is_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(monkeypatch, {1: (5.0, 1.0), 2: (0.0, 0.0)}, {1: (6.0, 1.5), 2: (1.0, 0.25)})
    assert found == Demand(ready=0.75, threads=2, wall=1.0)


def test_a_thread_that_ended_is_counted_as_it_was_seen_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = seen(monkeypatch, {1: (0.0, 0.0)}, {1: (1.0, 0.0), 7: (1.0, 0.5)}, {1: (2.0, 0.0)})
    assert found == Demand(ready=0.5, threads=2, wall=2.0)


def test_a_thread_that_hardly_computes_is_none_of_those_that_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = seen(monkeypatch, {1: (0.0, 0.0), 2: (0.0, 0.0)}, {1: (1.0, 0.0), 2: (0.01, 0.0)})
    assert found == Demand(ready=0.0, threads=1, wall=1.0)


def test_nothing_is_known_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(monkeypatch, {}, {}) is None
    monkeypatch.undo()
    monkeypatch.setattr(demand, "TASKS", "/nowhere")
    assert demand.times_of_threads(without=set()) == {}


def test_threads_that_only_look_on_are_left_out() -> None:
    ended = threading.Event()
    looker = threading.Thread(target=ended.wait, name="conlab-looks", daemon=True)
    looker.start()
    try:
        assert demand.our_own() >= {looker.native_id}
        assert threading.main_thread().native_id not in demand.our_own()
    finally:
        ended.set()
        looker.join()


def test_the_times_of_a_thread_that_is_left_out_are_not_read() -> None:
    everyone = demand.times_of_threads(without=set())
    mine = threading.get_native_id()
    assert set(demand.times_of_threads(without={mine})) == set(everyone) - {mine}

"""The log tells what was served, in full or not at all."""

import time

import httpx
import pytest

from conlab.origin import Log, Origin, OriginError
from conlab.origin import log as origin_log
from conlab.origin.log import Logbook


@pytest.fixture(autouse=True)
def _nothing_in_the_log(origin: Origin) -> None:
    origin.reset()


def test_the_log_holds_each_request_as_it_was_answered(
    origin: Origin, client: httpx.Client
) -> None:
    before = time.perf_counter()
    client.get(f"{origin.urls[1]}files/1?size=300")
    client.head(f"{origin.urls[1]}files/1?size=300")
    client.get(f"{origin.urls[0]}absent")
    after = time.perf_counter()
    log = origin.take_log()
    assert [(s.site, s.target, s.attempt, s.status, s.size) for s in log.served] == [
        (1, "/files/1?size=300", 1, 200, 300),
        (1, "/files/1?size=300", 2, 200, 0),
        (0, "/absent", 1, 404, len("nothing at /absent")),
    ]
    assert all(s.fault is None and s.latency == 0 for s in log.served)
    times = [moment for s in log.served for moment in (s.started, s.started + s.slept)]
    assert [before, *times, after] == sorted([before, *times, after])
    assert all(s.started + s.slept <= s.ended for s in log.served)
    assert log.peak_in_flight == 1
    assert log.peak_in_flight_per_site == (1, 1)


def test_what_was_taken_is_gone_and_attempts_are_counted_on(
    origin: Origin, client: httpx.Client
) -> None:
    for attempt in (1, 2):
        client.get(f"{origin.urls[0]}files/1")
        assert [served.attempt for served in origin.take_log().served] == [attempt]
    assert origin.take_log() == Log((), 0, (0, 0))


def test_a_reset_forgets_the_log_and_the_attempts(origin: Origin, client: httpx.Client) -> None:
    client.get(f"{origin.urls[0]}files/1")
    origin.reset()
    client.get(f"{origin.urls[0]}files/1")
    assert [served.attempt for served in origin.take_log().served] == [1]


def test_a_log_that_overflowed_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origin_log, "MOST_ENTRIES", 3)
    logbook = Logbook(1)
    for number in range(5):
        logbook.close(logbook.open(0, f"/{number}"))
    with pytest.raises(OriginError, match=r"holds 3 requests and 2 more were served: take the log"):
        Log.from_json(logbook.take())
    assert Log.from_json(logbook.take()).served == ()


def test_more_urls_than_are_counted_is_an_error_until_the_reset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(origin_log, "MOST_TARGETS", 2)
    logbook = Logbook(1)
    for target in ("/1", "/2", "/1"):
        logbook.close(logbook.open(0, target))
    with pytest.raises(OriginError, match=r"counted attempts at 2 URLs: call reset"):
        logbook.open(0, "/3")
    logbook.reset()
    assert logbook.open(0, "/3").attempt == 1


def test_a_request_under_way_counts_in_the_next_peak_too() -> None:
    logbook = Logbook(2)
    entries = [logbook.open(0, "/"), logbook.open(0, "/"), logbook.open(1, "/")]
    logbook.close(entries[0])
    first = Log.from_json(logbook.take())
    assert (first.peak_in_flight, first.peak_in_flight_per_site) == (3, (2, 1))
    second = Log.from_json(logbook.take())
    assert (second.peak_in_flight, second.peak_in_flight_per_site) == (2, (1, 1))


def test_the_cpu_seconds_of_the_origin_grow_as_it_serves(
    origin: Origin, client: httpx.Client
) -> None:
    before = origin.cpu_seconds()
    for number in range(50):
        client.get(f"{origin.urls[0]}files/{number}")
    assert 0 < before < origin.cpu_seconds()

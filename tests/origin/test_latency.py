"""The latency and the bandwidth are what the origin says they are, seen from outside."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx

from conlab.origin import Settings, serve
from conlab.origin.fates import fate
from tests.patience import patience

AT_ONCE = 16


def test_no_answer_comes_before_its_latency_has_passed(client: httpx.Client) -> None:
    settings = Settings(sites=1, latency=0.02, jitter=0.02)
    with serve(settings) as origin:
        for number in range(20):
            target = f"/files/{number}?size=100"
            due = fate(settings, 0, target, 1).latency
            started = time.perf_counter()
            client.get(origin.urls[0] + target[1:])
            assert time.perf_counter() - started >= due
            [served] = origin.take_log().served
            assert served.latency == due
            assert served.slept >= due


def test_the_first_byte_and_not_only_the_last_waits_for_the_latency(client: httpx.Client) -> None:
    with serve(Settings(sites=1, latency=0.1)) as origin:
        started = time.perf_counter()
        with client.stream("GET", f"{origin.urls[0]}files/1?size=1000000") as answer:
            assert time.perf_counter() - started >= 0.1
            assert answer.status_code == 200


def test_requests_wait_at_the_same_time_and_not_in_turn() -> None:
    with serve(Settings(sites=2, latency=patience(0.5))) as origin, ExitStack() as stack:
        addresses = [urlsplit(origin.urls[number % 2]) for number in range(AT_ONCE)]
        lines = [
            stack.enter_context(
                socket.create_connection((a.hostname, a.port), timeout=patience(20))
            )
            for a in addresses
        ]
        for line in lines:
            line.sendall(b"GET /files/1?size=10 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for line in lines:
            assert line.recv(12) == b"HTTP/1.1 200"
        log = origin.take_log()
    assert log.peak_in_flight == AT_ONCE
    assert log.peak_in_flight_per_site == (AT_ONCE // 2, AT_ONCE // 2)


def test_no_body_is_faster_than_the_bandwidth(client: httpx.Client) -> None:
    with serve(Settings(sites=1, bandwidth=1_000_000)) as origin:
        for size in (10_000, 200_000):
            started = time.perf_counter()
            body = client.get(f"{origin.urls[0]}files/1?size={size}").content
            assert time.perf_counter() - started >= size / 1_000_000
            assert len(body) == size


def test_the_bandwidth_is_for_each_connection_by_itself() -> None:
    with (
        serve(Settings(sites=1, bandwidth=200_000)) as origin,
        httpx.Client(timeout=patience(20), trust_env=False) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        size = int(patience(50_000))  # so that none ends before a busy machine has asked for all
        urls = [f"{origin.urls[0]}files/{n}?size={size}" for n in range(4)]
        assert {len(answer.content) for answer in pool.map(client.get, urls)} == {size}
        served = origin.take_log().served
    assert max(s.started for s in served) < min(s.ended for s in served)

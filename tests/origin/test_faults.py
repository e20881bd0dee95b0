"""Each fault as a client meets it, and that it is where the seed put it."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from typing import Any

import httpx
import pytest

from conlab.origin import Faults, Origin, Settings, serve
from conlab.origin.fates import fate
from conlab.origin.files import file_sha256
from conlab.origin.settings import KINDS

SIZE = 500_000  # more than one write, and more than a socket's first buffer


@pytest.fixture(scope="module")
def always() -> Iterator[Callable[[str], Origin]]:
    """Origins that have one fault at every attempt, each started when it is first asked for."""
    started: dict[str, Origin] = {}
    with ExitStack() as stack:

        def with_fault(kind: str) -> Origin:
            if kind not in started:
                chances: dict[str, Any] = {kind: 1.0}
                faults = Faults(**chances, slow_seconds=0.3, retry_after=7)
                started[kind] = stack.enter_context(serve(Settings(sites=1, faults=faults)))
            started[kind].reset()
            return started[kind]

        yield with_fault


def receive(client: httpx.Client, url: str, received: bytearray) -> None:
    """Append what comes of a body of ``SIZE`` bytes, as it comes."""
    with client.stream("GET", url) as answer:
        assert answer.headers["Content-Length"] == str(SIZE)
        for piece in answer.iter_bytes():
            received += piece


def test_a_dropped_connection_ends_before_a_byte(
    always: Callable[[str], Origin], client: httpx.Client
) -> None:
    origin = always("dropped")
    with pytest.raises(httpx.ReadError, match="reset"):
        client.get(f"{origin.urls[0]}files/1?size={SIZE}")
    [served] = origin.take_log().served
    assert (served.status, served.size, served.fault) == (0, 0, "dropped")


def test_a_reset_breaks_off_within_the_body(
    always: Callable[[str], Origin], client: httpx.Client
) -> None:
    origin = always("reset")
    received = bytearray()
    with pytest.raises(httpx.ReadError, match="reset"):
        receive(client, f"{origin.urls[0]}files/1?size={SIZE}", received)
    [served] = origin.take_log().served
    assert len(received) <= served.size < SIZE
    assert (served.status, served.fault) == (200, "reset")


def test_a_truncated_body_ends_early_and_in_order(
    always: Callable[[str], Origin], client: httpx.Client
) -> None:
    origin = always("truncated")
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        receive(client, f"{origin.urls[0]}files/1?size={SIZE}", received)
    [served] = origin.take_log().served
    assert len(received) == served.size < SIZE  # an orderly close loses nothing that was sent
    assert served.fault == "truncated"


def test_too_many_requests_are_told_when_to_come_back(
    always: Callable[[str], Origin], client: httpx.Client
) -> None:
    answer = client.get(f"{always('too_many').urls[0]}files/1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_server_error_is_a_500(always: Callable[[str], Origin], client: httpx.Client) -> None:
    assert client.get(f"{always('server_error').urls[0]}files/1").status_code == 500


def test_a_redirect_loop_has_no_end(always: Callable[[str], Origin], client: httpx.Client) -> None:
    with pytest.raises(httpx.TooManyRedirects):
        client.get(f"{always('redirect_loop').urls[0]}files/1", follow_redirects=True)


def test_a_slow_body_takes_the_time_it_was_given_and_comes_whole(
    always: Callable[[str], Origin], client: httpx.Client
) -> None:
    started = time.perf_counter()
    body = client.get(f"{always('slow').urls[0]}files/1?size={SIZE}").content
    assert time.perf_counter() - started >= 0.3
    assert sha256(body).hexdigest() == file_sha256(0, 1, SIZE)


def test_a_corrupt_file_has_its_length_and_one_wrong_byte(
    always: Callable[[str], Origin], client: httpx.Client
) -> None:
    origin = always("corrupt")
    with serve(Settings(sites=1)) as sound:
        for size in (1000, SIZE):
            wrong = client.get(f"{origin.urls[0]}files/1?size={size}").content
            right = client.get(f"{sound.urls[0]}files/1?size={size}").content
            differing = sum(a != b for a, b in zip(wrong, right, strict=True))
            assert differing == 1


def test_a_page_is_never_corrupt(always: Callable[[str], Origin], client: httpx.Client) -> None:
    origin = always("corrupt")
    client.get(origin.urls[0])
    assert [served.fault for served in origin.take_log().served] == [None]


@pytest.mark.parametrize("kind", KINDS)
def test_robots_txt_has_no_faults(
    always: Callable[[str], Origin], client: httpx.Client, kind: str
) -> None:
    answer = client.get(f"{always(kind).urls[0]}robots.txt")
    assert (answer.status_code, answer.text.splitlines()[0]) == (200, "User-agent: *")


def test_what_is_served_is_what_the_seed_says_attempt_by_attempt(client: httpx.Client) -> None:
    settings = Settings(sites=2, seed=5, faults=Faults(server_error=0.3, too_many=0.3))
    statuses = {None: 200, "server_error": 500, "too_many": 429}
    with serve(settings) as origin:
        for repetition, (site, number, attempt) in enumerate(
            itertools.product((0, 1), range(10), (1, 2, 3))
        ):
            target = f"/files/{number}?size=10"
            answer = client.get(origin.urls[site] + target[1:])
            due = fate(settings, site, target, attempt)
            assert answer.status_code == statuses[due.fault], repetition


def test_a_reset_of_the_origin_makes_every_attempt_the_first_again(client: httpx.Client) -> None:
    with serve(Settings(sites=1, seed=5, faults=Faults(server_error=0.5))) as origin:

        def attempts() -> list[int]:
            return [client.get(f"{origin.urls[0]}files/1").status_code for _ in range(12)]

        first, second = attempts(), attempts()
        origin.reset()
        assert attempts() == first != second


def test_the_refusing_port_refuses_every_connection(origin: Origin, client: httpx.Client) -> None:
    for _ in range(3):
        with pytest.raises(httpx.ConnectError, match="refused"):
            client.get(origin.refusing_url)

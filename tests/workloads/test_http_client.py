"""The HTTP that the workloads share: each error, and the retry policy, under each client alike."""

import pickle
import random
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import ModuleType
from typing import Any

import httpx
import pytest
import respx

from tests.workloads.scripted import NOTHING, Say, scripted
from tests.workloads.ways import Do, blocking, httpx_async
from workloads import http_client
from workloads.http_client import (
    BrokenOffError,
    StatusError,
    TransientError,
    UnavailableError,
    get,
    get_async,
    get_async_httpx,
    limits,
    with_retries,
    with_retries_async,
)
from workloads.http_client.answers import seconds_until
from workloads.http_client.limits import ATTEMPTS, FIRST_BACKOFF, MAX_BACKOFF, MAX_REDIRECTS
from workloads.http_client.retries import delay_before_retry
from workloads.models.failure import Failure

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WHOLE = b"whole" * 1000


class Sizes(ModuleType):
    """The least workload: a job is a URL, its result the size of what is there."""

    client = staticmethod(http_client.client)
    client_async = staticmethod(http_client.client_async)
    client_async_httpx = staticmethod(http_client.client_async_httpx)

    @staticmethod
    def work(job: str, client: Any) -> int:
        def once(deadline: float) -> int:
            with get(client, job, deadline) as answer:
                return sum(map(len, answer.chunks))

        return with_retries(once)

    @staticmethod
    async def work_async(job: str, client: Any, get: Any = get_async) -> int:
        async def once() -> int:
            async with get(client, job) as answer:
                return sum([len(chunk) async for chunk in answer.chunks])

        return await with_retries_async(job, once)

    @staticmethod
    async def work_async_httpx(job: str, client: Any) -> int:
        return await Sizes.work_async(job, client, get_async_httpx)


SIZES = Sizes("sizes")


def test_a_whole_answer_is_read_at_the_first_attempt(do_any: Do) -> None:
    with scripted({"/": [Say(WHOLE)]}) as server:
        assert do_any(SIZES, server.url("/")) == len(WHOLE)
        assert server.asked["/"] == 1


def test_a_refused_connection_is_tried_to_the_last_attempt(
    do_any: Do, delays: list[float | None]
) -> None:
    with socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{refusing.getsockname()[1]}/"
        assert do_any(SIZES, url) == Failure(
            "UnreachableError", f"{url}: no connection could be made"
        )
    assert len(delays) == ATTEMPTS
    assert delays[-1] is None


@pytest.mark.parametrize(
    "silence",
    [Say(head=False, ending="silence"), Say(WHOLE, promised=9999, ending="silence")],
    ids=["before the head", "within the body"],
)
def test_silence_is_cut_by_the_read_time_limit(
    do_any: Do, silence: Say, delays: list[float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "READ_TIMEOUT", 0.05)
    monkeypatch.setattr(limits, "ATTEMPTS", 2)
    with scripted({"/": [silence]}) as server:
        url = server.url("/")
        assert do_any(SIZES, url) == Failure(
            "SilenceError", f"{url}: nothing came within the read time limit"
        )
    assert len(delays) == 2  # a slow server may not have counted what a quick client gave up


def test_an_answer_without_an_end_is_cut_by_the_total_time_limit(
    do_any: Do, delays: list[float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TOTAL_TIMEOUT", 0.1)
    with scripted({"/": [Say(b"on and on ", ending="endless")]}) as server:
        url = server.url("/")
        assert do_any(SIZES, url) == Failure(
            "TotalTimeError", f"{url}: not done within the total time limit"
        )
    assert delays == []


PASSING = {
    "429": Say(status=429),
    "500": Say(status=500),
    "503": Say(status=503),
    "a connection dropped before the answer": NOTHING,
    "a connection closed before the answer": Say(head=False, ending="close"),
    "a body cut short": Say(WHOLE[:100], promised=len(WHOLE), ending="close"),
    "a reset within the body": Say(WHOLE[:100], promised=len(WHOLE), ending="reset"),
}


@pytest.mark.parametrize("trouble", PASSING.values(), ids=list(PASSING))
def test_trouble_that_passes_is_mended_by_another_attempt(do_any: Do, trouble: Say) -> None:
    with scripted({"/": [trouble, trouble, Say(WHOLE)]}) as server:
        assert do_any(SIZES, server.url("/")) == len(WHOLE)
        assert server.asked["/"] == 3


@pytest.mark.parametrize("trouble", PASSING.values(), ids=list(PASSING))
def test_trouble_that_stays_is_given_up_after_the_last_attempt(do_any: Do, trouble: Say) -> None:
    with scripted({"/": [trouble]}) as server:
        url = server.url("/")
        if trouble.head and trouble.status != 200:
            expected = Failure("UnavailableError", f"{url}: status {trouble.status}")
        else:
            words = BrokenOffError.words
            expected = Failure("BrokenOffError", f"{url}: {words}")
        assert do_any(SIZES, url) == expected
        assert server.asked["/"] == ATTEMPTS


@pytest.mark.parametrize("status", [304, 400, 403, 404, 410])
def test_other_statuses_are_final(do_any: Do, status: int) -> None:
    with scripted({"/": [Say(status=status)]}) as server:
        url = server.url("/")
        assert do_any(SIZES, url) == Failure("StatusError", f"{url}: status {status}")
        assert server.asked["/"] == 1


def test_retry_after_in_seconds_is_waited_for(do_any: Do, delays: list[float | None]) -> None:
    busy = Say(status=429, headers={"Retry-After": "7"})
    with scripted({"/": [busy, Say(WHOLE)]}) as server:
        assert do_any(SIZES, server.url("/")) == len(WHOLE)
    (delay,) = delays
    assert delay is not None
    assert 7 <= delay <= 7 + FIRST_BACKOFF


def test_retry_after_as_a_date_is_waited_for(do_any: Do, delays: list[float | None]) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    busy = Say(status=503, headers={"Retry-After": at})
    with scripted({"/": [busy, Say(WHOLE)]}) as server:
        assert do_any(SIZES, server.url("/")) == len(WHOLE)
    (delay,) = delays
    assert delay is not None
    assert 20 < delay <= 50 + FIRST_BACKOFF


@pytest.mark.parametrize("wish", ["3600", "Thu, 01 Jan 2099 00:00:00 GMT"])
def test_retry_after_beyond_the_total_time_limit_is_given_up_at_once(do_any: Do, wish: str) -> None:
    with scripted({"/": [Say(status=429, headers={"Retry-After": wish})]}) as server:
        url = server.url("/")
        assert do_any(SIZES, url) == Failure("UnavailableError", f"{url}: status 429")
        assert server.asked["/"] == 1


def test_as_many_redirects_as_allowed_are_followed(do_any: Do) -> None:
    hops = {
        f"/{n}": [Say(status=302, headers={"Location": f"/{n + 1}"})] for n in range(MAX_REDIRECTS)
    }
    with scripted(hops | {f"/{MAX_REDIRECTS}": [Say(WHOLE)]}) as server:
        assert do_any(SIZES, server.url("/0")) == len(WHOLE)


def test_a_redirect_loop_is_cut_by_count(do_any: Do) -> None:
    with scripted({"/": [Say(status=302, headers={"Location": "/"})]}) as server:
        url = server.url("/")
        assert do_any(SIZES, url) == Failure("RedirectError", f"{url}: redirected too often")
        assert server.asked["/"] == MAX_REDIRECTS + 1


@pytest.mark.parametrize("nowhere", ["ftp://127.0.0.1/", "http://[::/"])
def test_a_redirect_to_no_address_is_final(do_any: Do, nowhere: str) -> None:
    with scripted({"/": [Say(status=302, headers={"Location": nowhere})]}) as server:
        url = server.url("/")
        assert do_any(SIZES, url) == Failure(
            "AddressError", f"{url}: leads to no address that HTTP could ask"
        )
        assert server.asked["/"] == 1


@pytest.mark.parametrize("nowhere", ["ftp://127.0.0.1/", "http://[::/", "x", ""])
def test_no_address_is_an_error_like_any_other(do_any: Do, nowhere: str) -> None:
    assert do_any(SIZES, nowhere) == Failure(
        "AddressError", f"{nowhere}: leads to no address that HTTP could ask"
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectTimeout, "UnreachableError"),
        (httpx.ConnectError, "UnreachableError"),
        (httpx.ReadTimeout, "SilenceError"),
        (httpx.WriteTimeout, "SilenceError"),
        (httpx.ReadError, "BrokenOffError"),
        (httpx.WriteError, "BrokenOffError"),
        (httpx.RemoteProtocolError, "BrokenOffError"),
        (httpx.DecodingError, "BrokenOffError"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
@pytest.mark.parametrize("do_httpx", [blocking, httpx_async], ids=["blocking", "httpx_async"])
def test_each_error_of_httpx_has_its_kind(
    do_httpx: Do, error: type[httpx.HTTPError], kind: str
) -> None:
    with respx.mock() as web:
        route = web.get("http://example.test/").mock(side_effect=error)
        result = do_httpx(SIZES, "http://example.test/")
        assert (result.type, route.call_count) == (kind, ATTEMPTS)


def test_the_environment_s_proxy_is_not_used(do_any: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with scripted({"/": [Say(WHOLE)]}) as server:
        assert do_any(SIZES, server.url("/")) == len(WHOLE)


def test_no_cookie_is_kept(do_any: Do) -> None:
    marked = Say(status=302, headers={"Location": "/", "Set-Cookie": "a=b; Path=/"})
    with scripted({"/marked": [marked], "/": [Say(WHOLE)]}) as server:
        assert do_any(SIZES, server.url("/marked")) == len(WHOLE)
        assert server.asked["/"] == 1
        assert not [header for header in server.headers if header.lower().startswith("cookie")]


def test_backoff_doubles_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ATTEMPTS", 20)
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    delays = [delay_before_retry(TransientError(), attempt, 60) for attempt in range(1, 9)]
    assert delays == [min(FIRST_BACKOFF * 2**n, MAX_BACKOFF) for n in range(8)]
    assert delays[-1] == MAX_BACKOFF


def test_jitter_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, _high: low)
    assert delay_before_retry(TransientError(), 1, 60) == 0


def test_what_the_server_asks_for_is_waited_beside_the_backoff(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    error = UnavailableError()
    error.retry_after = 3.0
    assert delay_before_retry(error, 1, 60) == 3.0 + FIRST_BACKOFF
    assert delay_before_retry(error, 1, 3.0) is None


def test_the_last_attempt_is_the_last() -> None:
    assert delay_before_retry(TransientError(), ATTEMPTS - 1, 60) is not None
    assert delay_before_retry(TransientError(), ATTEMPTS, 60) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("0", 0),
        ("120", 120),
        ("-1", 0),
        ("1.5", 0),
        ("soon", 0),
        ("²", 0),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30),
        ("Friday, 02-Jan-26 03:04:35 GMT", 30),
        ("Fri Jan  2 03:04:35 2026", 30),
        ("Fri, 02 Jan 2026 03:04:00 GMT", 0),
        ("Fri, 32 Jan 2026 03:04:00 GMT", 0),
    ],
)
def test_retry_after_is_read_in_every_form(header: str, seconds: float) -> None:
    assert seconds_until(header, NOW) == seconds


@pytest.mark.parametrize("kind", [StatusError, UnavailableError])
def test_an_error_survives_the_way_between_processes(kind: type[http_client.RequestError]) -> None:
    error = kind.at("http://example.test/")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (kind, str(error))

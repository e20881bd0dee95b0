"""HTTP as the workloads need it: clients, time limits, retries, and errors that can be compared.

Three clients do the same: httpx blocking (for threads and processes), aiohttp (for coroutines), and
httpx on the event loop, to compare. Each has its ``get`` here, so that the twins in a workload
differ in ``async`` and ``await`` alone.
"""

import asyncio
import random
import time
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import httpx

if TYPE_CHECKING:
    import aiohttp

CONNECT_TIMEOUT = 5.0  # seconds until there is a connection
READ_TIMEOUT = 10.0  # seconds without a byte
TOTAL_TIMEOUT = 60.0  # seconds for a job, all its attempts and the waits between them
ATTEMPTS = 4
FIRST_BACKOFF = 0.1  # seconds at most before the second attempt; doubled for each one after it
MAX_BACKOFF = 5.0  # seconds
MAX_REDIRECTS = 10
CHUNK_SIZE = 64 * 1024  # bytes at a time; httpx reads as much
USER_AGENT = "concurrency-lab"

# Not compressed: the bytes counted are those on the wire, and none unpacks into a thousand.
HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}

T = TypeVar("T")
Chunks = TypeVar("Chunks", Iterable[bytes], AsyncIterable[bytes])


class RequestError(Exception):
    """A request that failed; asking again would not help.

    The libraries name ports and addresses and word one failure in many ways. These words are the
    same in every run and under every client, so that failures can be compared.
    """

    words = "the request failed"

    @classmethod
    def at(cls, url: str) -> Self:
        """The error of this kind that befell ``url``."""
        return cls(f"{url}: {cls.words}")


class AddressError(RequestError):
    """The address, or one that it redirects to, is none."""

    words = "leads to no address that HTTP could ask"


class RedirectError(RequestError):
    """Redirects without an end."""

    words = "redirected too often"


class StatusError(RequestError):
    """The answer is final, and it is no: 404, say."""


class TransientError(RequestError):
    """A request that failed in a way that another attempt may mend."""

    retry_after = 0.0  # seconds that the server asks to be left alone


class UnavailableError(TransientError):
    """429 or 5xx: the server would rather be asked later."""


class UnreachableError(TransientError):
    """There is no connection to be had."""

    words = "no connection could be made"


class BrokenOffError(TransientError):
    """The answer stopped before its end, or there was none."""

    words = "the connection broke off before the answer was whole"


class SilenceError(TransientError):
    """No byte came for ``READ_TIMEOUT``."""

    words = "nothing came within the read time limit"


class TotalTimeError(RequestError):
    """``TOTAL_TIMEOUT`` is over."""

    words = "not done within the total time limit"


@dataclass(frozen=True, slots=True)
class Answer(Generic[Chunks]):
    """A success, or a redirect not followed: its head is here, its body is still to be read."""

    status: int
    headers: Mapping[str, str]  # whatever the case of a name
    chunks: Chunks


# Blocking: httpx.


@contextmanager
def client() -> Iterator[httpx.Client]:
    """The blocking client; any number of threads may share it."""
    with httpx.Client(
        headers=HEADERS,
        timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT, pool=None),
        # How much is in flight is for the model to say. httpx would keep 20 connections open.
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        max_redirects=MAX_REDIRECTS,
        trust_env=False,  # or a proxy of the environment would be what is measured
    ) as session:
        yield session


@contextmanager
def get(
    session: httpx.Client, url: str, deadline: float, *, follow: bool = True
) -> Iterator[Answer[Iterable[bytes]]]:
    """GET ``url``, to be read by ``deadline`` (a ``time.monotonic``; looked at with each chunk).

    Raises:
        RequestError: no answer came, or none that is a success (or a redirect, unless ``follow``).
    """
    try:
        with session.stream("GET", url, follow_redirects=follow) as response:
            check_status(url, response.status_code, response.headers, follow)
            chunks = until(deadline, url, response.iter_bytes())
            yield Answer(response.status_code, response.headers, chunks)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise httpx_error(error).at(url) from error


def until(deadline: float, url: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, while there is time."""
    for chunk in chunks:
        if time.monotonic() > deadline:
            raise TotalTimeError.at(url)
        yield chunk


def with_retries(once: Callable[[float], T]) -> T:
    """What ``once(deadline)`` returns, tried again as ``delay_before_retry`` says."""
    deadline = time.monotonic() + TOTAL_TIMEOUT
    attempt = 1
    while True:
        try:
            return once(deadline)
        except TransientError as error:
            delay = delay_before_retry(error, attempt, deadline - time.monotonic())
            if delay is None:
                raise
        time.sleep(delay)
        attempt += 1


# On the event loop: aiohttp, imported where it is used, for the half above does without it on
# builds of Python that it has no wheel for.


@asynccontextmanager
async def client_async(per_site: int = 0) -> AsyncIterator["aiohttp.ClientSession"]:
    """The client of the event loop; ``per_site`` bounds the connections to one host and port."""
    import aiohttp

    async def send_once(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # When a connection is lost before the answer, aiohttp asks again by itself, unless the
        # error is of another kind. To retry is for with_retries_async alone, which counts.
        try:
            return await send(request)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            raise aiohttp.ClientPayloadError from error

    async with aiohttp.ClientSession(
        headers=HEADERS,
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_TIMEOUT, sock_read=READ_TIMEOUT
        ),
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=per_site),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(send_once,),
    ) as session:
        yield session


@asynccontextmanager
async def get_async(
    session: "aiohttp.ClientSession", url: str, *, follow: bool = True
) -> AsyncIterator[Answer[AsyncIterable[bytes]]]:
    """The twin of ``get``; the deadline is kept by ``with_retries_async``."""
    import aiohttp

    limit = MAX_REDIRECTS + 1  # aiohttp counts the requests, httpx the redirects
    try:
        async with session.get(url, allow_redirects=follow, max_redirects=limit) as response:
            check_status(url, response.status, response.headers, follow)
            chunks = response.content.iter_chunked(CHUNK_SIZE)
            yield Answer(response.status, response.headers, chunks)
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise AddressError.at(url) from error
    except aiohttp.TooManyRedirects as error:
        raise RedirectError.at(url) from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise UnreachableError.at(url) from error
    except aiohttp.ServerTimeoutError as error:
        raise SilenceError.at(url) from error
    except aiohttp.ClientError as error:
        raise BrokenOffError.at(url) from error


async def with_retries_async(url: str, once: Callable[[], Awaitable[T]]) -> T:
    """The twin of ``with_retries``; here the deadline cuts ``once`` short wherever it waits."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + TOTAL_TIMEOUT
    attempt = 1
    try:
        async with asyncio.timeout_at(deadline):
            while True:
                try:
                    return await once()
                except TransientError as error:
                    delay = delay_before_retry(error, attempt, deadline - clock())
                    if delay is None:
                        raise
                await asyncio.sleep(delay)
                attempt += 1
    except TimeoutError as error:
        raise TotalTimeError.at(url) from error


# On the event loop again: httpx, to compare.


@asynccontextmanager
async def client_async_httpx() -> AsyncIterator[httpx.AsyncClient]:
    """httpx on the event loop, set up as the blocking client is."""
    async with httpx.AsyncClient(
        headers=HEADERS,
        timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT, pool=None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        max_redirects=MAX_REDIRECTS,
        trust_env=False,
    ) as session:
        yield session


@asynccontextmanager
async def get_async_httpx(
    session: httpx.AsyncClient, url: str, *, follow: bool = True
) -> AsyncIterator[Answer[AsyncIterable[bytes]]]:
    """The twin of ``get`` and of ``get_async``."""
    try:
        async with session.stream("GET", url, follow_redirects=follow) as response:
            check_status(url, response.status_code, response.headers, follow)
            yield Answer(response.status_code, response.headers, response.aiter_bytes())
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise httpx_error(error).at(url) from error


# What an answer or an error means: the same for all three.


def delay_before_retry(error: TransientError, attempt: int, seconds_left: float) -> float | None:
    """Seconds to wait after the failed ``attempt`` (the first is 1), or None to give up.

    That is what the server asked for, and on top an exponential backoff with full jitter, so that
    those who failed together do not come back together (M. Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog, 2015). A wait that would outlast the time left is not begun.
    """
    if attempt >= ATTEMPTS:
        return None
    backoff = random.uniform(0, min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** (attempt - 1)))
    delay = error.retry_after + backoff
    return delay if delay < seconds_left else None


def check_status(url: str, status: int, headers: Mapping[str, str], follow: bool) -> None:
    """Raise what ``status`` means, unless that is a success or, not to ``follow``, a redirect."""
    if status == 429 or status >= 500:
        error = UnavailableError(f"{url}: status {status}")
        error.retry_after = seconds_until(headers.get("Retry-After", ""), datetime.now(UTC))
        raise error
    if status >= (300 if follow else 400):
        raise StatusError(f"{url}: status {status}")


def seconds_until(retry_after: str, now: datetime) -> float:
    """Seconds from ``now`` that a Retry-After asks for, in either form (RFC 9110, 10.2.3)."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after).replace(tzinfo=UTC)  # HTTP knows no other zone
    except (ValueError, OverflowError):
        return 0.0  # absent, or neither seconds nor a date
    return max(0.0, (date - now).total_seconds())


def httpx_error(error: httpx.HTTPError | httpx.InvalidURL) -> type[RequestError]:
    """The kind of error that an error of httpx is here."""
    match error:
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return AddressError
        case httpx.RemoteProtocolError(__context__=httpx.InvalidURL()):  # in a redirect
            return AddressError
        case httpx.TooManyRedirects():
            return RedirectError
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return UnreachableError
        case httpx.TimeoutException():
            return SilenceError
        case _:
            return BrokenOffError

"""The clients of httpx: the blocking one, for threads and processes, and its twin on the loop."""

import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
from idna import IDNAError

from . import limits
from .answers import HEADERS, Answer, Head, address, check, redirected
from .contents import unpacked, unpacked_async, unpacker
from .deadlines import Backend, kept
from .errors import (
    AddressError,
    BrokenOffError,
    RedirectError,
    RequestError,
    SilenceError,
    TotalTimeError,
    UnreachableError,
)

# How much is in flight is for the model to say. httpx would keep 20 connections open.
NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)


def options() -> dict[str, Any]:
    """How both clients are set up."""
    return {
        "headers": HEADERS,
        "timeout": httpx.Timeout(limits.READ_TIMEOUT, connect=limits.CONNECT_TIMEOUT, pool=None),
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # none is kept
        "trust_env": False,  # or a proxy of the environment would be what is measured
    }


@contextmanager
def client() -> Iterator[httpx.Client]:
    """The blocking client; any number of threads may share it."""
    transport = httpx.HTTPTransport(limits=NO_LIMITS, trust_env=False)
    # httpcore takes a backend where it makes the pool, and httpx does not pass one on.
    transport._pool._network_backend = Backend()
    with httpx.Client(transport=transport, **options()) as session:
        yield session


@contextmanager
def get(
    session: httpx.Client, url: str, deadline: float, *, follow: bool = True
) -> Iterator[Answer[Iterable[bytes]]]:
    """GET ``url``, to be read by ``deadline``, a ``time.monotonic``.

    Raises:
        RequestError: no answer came, or none that is a success (or a redirect, unless ``follow``).
    """
    here = address(url)
    try:
        with kept(deadline):
            for _ in range(1 + limits.MAX_REDIRECTS):
                with session.stream("GET", here) as response:
                    head = Head(response.status_code, response.headers.raw)
                    there = redirected(url, here, head) if follow else None
                    if there is None:
                        check(url, head, follow)
                        body = unpacked(unpacker(url, head), chunks(url, response))
                        yield Answer(head.status, head.headers, body)
                        return
                here = there  # the body of a redirect is not read: it may be of any size
    except (httpx.HTTPError, httpx.InvalidURL, IDNAError) as error:
        late = isinstance(error, httpx.TimeoutException) and time.monotonic() >= deadline
        raise (TotalTimeError if late else kind(error)).at(url) from error
    raise RedirectError.at(url)


def chunks(url: str, response: httpx.Response) -> Iterator[bytes]:
    """The body as it comes. Raises BrokenOffError where what follows at once is no other answer."""
    assert isinstance(response.stream, httpx.SyncByteStream)
    yield from response.stream
    if more := surplus(response):
        response.extensions["network_stream"].close()
        check_surplus(url, more)


@asynccontextmanager
async def client_async_httpx() -> AsyncIterator[httpx.AsyncClient]:
    """httpx on the event loop, set up as the blocking client is, to compare."""
    transport = httpx.AsyncHTTPTransport(limits=NO_LIMITS, trust_env=False)
    async with httpx.AsyncClient(transport=transport, **options()) as session:
        yield session


@asynccontextmanager
async def get_async_httpx(
    session: httpx.AsyncClient, url: str, *, follow: bool = True
) -> AsyncIterator[Answer[AsyncIterable[bytes]]]:
    """The twin of ``get``; the deadline is kept by ``with_retries_async``."""
    here = address(url)
    try:
        for _ in range(1 + limits.MAX_REDIRECTS):
            async with session.stream("GET", here) as response:
                head = Head(response.status_code, response.headers.raw)
                there = redirected(url, here, head) if follow else None
                if there is None:
                    check(url, head, follow)
                    body = unpacked_async(unpacker(url, head), chunks_async(url, response))
                    yield Answer(head.status, head.headers, body)
                    return
            here = there
    except (httpx.HTTPError, httpx.InvalidURL, IDNAError) as error:
        raise kind(error).at(url) from error
    raise RedirectError.at(url)


async def chunks_async(url: str, response: httpx.Response) -> AsyncIterator[bytes]:
    """The twin of ``chunks``."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        yield chunk
    if more := surplus(response):
        await response.extensions["network_stream"].aclose()
        check_surplus(url, more)


def surplus(response: httpx.Response) -> bytes:
    """What the server said beyond its answer, looked up before the connection is used again.

    httpcore keeps it, and would take it for the answer to the next request: another job's. There
    is no public way to see it. A stream of another kind is a test's.
    """
    stream: Any = response.stream
    for layer in ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state"):
        stream = getattr(stream, layer, None)
    return stream.trailing_data[0] if stream is not None else b""


def check_surplus(url: str, more: bytes) -> None:
    """Raise BrokenOffError unless aiohttp lets it pass: ends of lines, or an answer unasked for."""
    if not b"HTTP/".startswith(more.lstrip(b"\r\n")[:5]):
        raise BrokenOffError.at(url)


def kind(error: httpx.HTTPError | httpx.InvalidURL | IDNAError) -> type[RequestError]:
    """The kind of error that an error of httpx is here; of a redirect's host it may be idna's."""
    match error:
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | IDNAError():
            return AddressError
        case httpx.RemoteProtocolError(__context__=httpx.InvalidURL()):  # of a redirect
            return AddressError
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return UnreachableError
        case httpx.TimeoutException():
            return SilenceError
        case _:
            return BrokenOffError

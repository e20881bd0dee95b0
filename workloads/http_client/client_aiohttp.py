"""The client of the event loop: aiohttp.

It is imported where it is used, for the blocking half does without it on builds of Python that it
has no wheel for.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from . import limits
from .answers import HEADERS, Answer, Head, address, check, redirected
from .contents import unpacked_async, unpacker
from .errors import (
    AddressError,
    BrokenOffError,
    RedirectError,
    SilenceError,
    UnreachableError,
)

if TYPE_CHECKING:
    import aiohttp


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
            total=None, sock_connect=limits.CONNECT_TIMEOUT, sock_read=limits.READ_TIMEOUT
        ),
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=per_site),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(send_once,),
        auto_decompress=False,
        max_line_size=limits.MAX_HEAD_SIZE,
        max_field_size=limits.MAX_HEAD_SIZE,
        max_headers=limits.MAX_HEADERS,
    ) as session:
        yield session


@asynccontextmanager
async def get_async(
    session: "aiohttp.ClientSession", url: str, *, follow: bool = True
) -> AsyncIterator[Answer[AsyncIterable[bytes]]]:
    """The twin of ``get``; the deadline is kept by ``with_retries_async``."""
    import aiohttp
    from yarl import URL

    here = address(url)
    try:
        for _ in range(1 + limits.MAX_REDIRECTS):
            asked = URL(str(here), encoded=True)
            async with session.get(asked, allow_redirects=False) as response:
                head = Head(response.status, response.raw_headers)
                there = redirected(url, here, head) if follow else None
                if there is None:
                    check(url, head, follow)
                    with ended_by_its_connection(response):
                        chunks = response.content.iter_chunked(limits.CHUNK_SIZE)
                        body = unpacked_async(unpacker(url, head), chunks)
                        yield Answer(head.status, head.headers, body)
                    return
            here = there  # leaving the block has closed the connection if there is a body
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise AddressError.at(url) from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise UnreachableError.at(url) from error
    except aiohttp.ServerTimeoutError as error:
        raise SilenceError.at(url) from error
    except aiohttp.ClientError as error:
        raise BrokenOffError.at(url) from error
    raise RedirectError.at(url)


@contextmanager
def ended_by_its_connection(response: "aiohttp.ClientResponse") -> Iterator[None]:
    """Let who waits for the body hear that the connection is closed.

    aiohttp closes it where what follows in the body is no HTTP, a trailer of 300 kB say, and tells
    nobody: the wait would go on to the total time limit.
    """
    import aiohttp

    def hear(_closed: object) -> None:
        if not response.content.is_eof() and response.content.exception() is None:
            response.content.set_exception(aiohttp.ClientPayloadError())

    protocol = response.connection.protocol if response.connection is not None else None
    closed = protocol.closed if protocol is not None else None  # to bool, it is an empty queue
    if closed is None:  # the body is here as a whole, or the connection was closed before
        hear(None)
        yield
        return
    closed.add_done_callback(hear)
    try:
        yield
    finally:
        closed.remove_done_callback(hear)

"""What an address, and the head of an answer, mean: decided here, so that all clients agree."""

from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

import httpx

from . import limits
from .errors import AddressError, BrokenOffError, StatusError, UnavailableError

REDIRECTS = (301, 302, 303, 307, 308)
USER_AGENT = "concurrency-lab"
# Not compressed: the bytes counted are those on the wire.
HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
LONGEST_LABEL, LONGEST_HOST = 63, 253  # bytes (RFC 1035, 2.3.4)
LARGEST_PORT = 65_535

Chunks = TypeVar("Chunks", Iterable[bytes], AsyncIterable[bytes])


@dataclass(frozen=True, slots=True)
class Answer(Generic[Chunks]):
    """A success, or a redirect not followed: its head is here, its body is still to be read."""

    status: int
    headers: httpx.Headers  # whatever the case of a name
    chunks: Chunks


@dataclass(slots=True)
class Head:
    """The status and the headers of an answer: as they came, and decoded alike for all clients."""

    status: int
    raw_headers: Sequence[tuple[bytes, bytes]]
    headers: httpx.Headers = field(init=False)

    def __post_init__(self) -> None:
        self.headers = httpx.Headers([*self.raw_headers])


def address(url: str, here: httpx.URL | None = None) -> httpx.URL:
    """``url`` as it is asked for, seen from ``here``. Raises AddressError if it is none."""
    try:
        asked = here.join(url) if here else httpx.URL(url)
        named = is_host(asked.raw_host) and asked.host  # decoded, if that is possible
        if asked.scheme in ("http", "https") and named and is_port(asked.port):
            return asked
    except (httpx.InvalidURL, ValueError):  # of which UnicodeError is one
        pass
    raise AddressError.at(url)


def is_host(host: bytes) -> bool:
    """Say whether the name could be looked up: on others each library fails in its own way."""
    labels = host.removesuffix(b".").split(b".")
    return len(host) <= LONGEST_HOST and (
        b":" in host or all(1 <= len(label) <= LONGEST_LABEL for label in labels)
    )


def is_port(port: int | None) -> bool:
    """Say whether a server could listen there; None is the usual port."""
    return port is None or 1 <= port <= LARGEST_PORT


def redirected(url: str, here: httpx.URL, head: Head) -> httpx.URL | None:
    """Where the answer of ``here`` redirects to, or None. An AddressError names ``url``."""
    if head.status not in REDIRECTS or not (location := head.headers.get("Location")):
        return None
    try:
        return address(location, here)
    except AddressError:
        raise AddressError.at(url) from None


def check(url: str, head: Head, follow: bool) -> None:
    """Raise what the head means, unless that is a success or, not to ``follow``, a redirect."""
    status = head.status
    if not is_sound(head):
        raise BrokenOffError.at(url)
    if status == 429 or status >= 500:
        error = UnavailableError(f"{url}: status {status}")
        error.retry_after = seconds_until(head.headers.get("Retry-After", ""), datetime.now(UTC))
        raise error
    if status >= (300 if follow else 400) or status == 206:  # a part, which nobody asked for
        raise StatusError(f"{url}: status {status}")


def is_sound(head: Head) -> bool:
    """Say whether this is the head of an answer, and how long its body is stands there once.

    The parsers of the libraries are each strict in other things. This is what all are strict in.
    """
    names = [name.lower() for name, _ in head.raw_headers]
    size = sum(len(name) + len(value) for name, value in head.raw_headers)
    coding = head.headers.get("Transfer-Encoding", "chunked")
    return (
        head.status >= 200  # an unasked change of the protocol is no answer
        and len(names) <= limits.MAX_HEADERS
        and size <= limits.MAX_HEAD_SIZE
        and coding.lower() == "chunked"
        and names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    )


def seconds_until(retry_after: str, now: datetime) -> float:
    """Seconds from ``now`` that a Retry-After asks for, in either form (RFC 9110, 10.2.3)."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after).replace(tzinfo=UTC)  # HTTP knows no other zone
    except (ValueError, OverflowError):
        return 0.0  # absent, or neither seconds nor a date
    return max(0.0, (date - now).total_seconds())

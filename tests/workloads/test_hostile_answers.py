"""Every hostile answer under every client: the same end, and nothing that another job would hear.

How long and how much memory the worst of them may take is tests/torture's to measure.
"""

import gzip
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.http_parser import HttpResponseParser, HttpResponseParserPy

from tests.workloads import ways
from tests.workloads.hostile import MADE, SAID, Hostile, hostile
from tests.workloads.test_http_client import SIZES
from tests.workloads.ways import Do
from workloads.http_client import client_aiohttp, contents, limits
from workloads.models.failure import Failure

LEAVES = {  # a size in bytes, or the type of the error; of a StatusError the status
    "hello": 5,
    "garbage": "BrokenOffError",
    "another protocol": "BrokenOffError",
    "no head": "BrokenOffError",
    "nothing": "BrokenOffError",
    "version 2": "BrokenOffError",
    "version 1.0": 5,
    "status of four digits": "BrokenOffError",
    "status below 100": "BrokenOffError",
    "status 999": "UnavailableError",
    "status without a reason": 5,
    "reason of odd bytes": 5,
    "100, then the answer": 5,
    "103, then the answer": 5,
    "101": "BrokenOffError",
    "204": 0,
    "205": 0,
    "206, unasked": "StatusError",
    "304": "StatusError",
    "shorter than said": "BrokenOffError",
    "longer than said": "BrokenOffError",
    "an end of line behind it": 5,
    "negative length": "BrokenOffError",
    "length of 23 digits": "BrokenOffError",
    "two lengths": "BrokenOffError",
    "length in words": "BrokenOffError",
    "length and chunks": "BrokenOffError",
    "no length": 5,
    "chunks": 5,
    "chunk without a size": "BrokenOffError",
    "chunk cut": "BrokenOffError",
    "chunk of 18 digits": "BrokenOffError",
    "long trailer": "BrokenOffError",
    "unknown transfer coding": "BrokenOffError",
    "a header folded": 5,
    "a blank in a name": "BrokenOffError",
    "NUL in a header": "BrokenOffError",
    "LF alone": 5,
    "a header of 20 kB": 5,
    "a header of 90 kB": "BrokenOffError",
    "100 headers": 5,
    "6,000 headers": "BrokenOffError",
    "headers of 10 MB": "BrokenOffError",
    "gzip": 5,
    "GZIP": 5,
    "deflate": 5,
    "deflate, bare": 5,
    "deflate, bare, of one byte more than a chunk": 65_537,
    "gzip of nothing": 0,
    "gzip, cut": "BrokenOffError",
    "gzip that is none": "EncodingError",
    "gzip with a tail": 5,
    "gzip twice": "EncodingError",
    "unknown coding": "EncodingError",
    "br": "EncodingError",
    "zstd": "EncodingError",
    "identity": 5,
    "to a file": "AddressError",
    "to gopher": "AddressError",
    "to port 99999": "AddressError",
    "to port 0": "AddressError",
    "to half an address": "AddressError",
    "to a label of 70 letters": "AddressError",
    "to an empty label": "AddressError",
    "to a name that is no IDN": "AddressError",
    "to control characters": "AddressError",
    "to nowhere": "StatusError",
    "without a location": "StatusError",
    "to itself": "RedirectError",
    "to hello": 5,
    "to latin-1": 5,
    "to UTF-8": 5,
    "to odd bytes": 5,
    "to a blank": 5,
    "to half an escape": 5,
    "silence": "SilenceError",
    "silence in the head": "SilenceError",
    "silence in the body": "SilenceError",
    "another answer behind it": 5,
    "another behind chunks": 5,
    "drops of a head": "TotalTimeError",
    "drops of a body": "TotalTimeError",
    "100 without an end": "TotalTimeError",
    "100 without a pause": "TotalTimeError",
    "a head without an end": "BrokenOffError",
    "headers without an end": "BrokenOffError",
    "a trailer without an end": "BrokenOffError",
    "a body without an end": "TotalTimeError",
    "a redirect without an end": 5,
}
# Where a parser is stricter than another, and neither can be told to be otherwise: aiohttp's of
# two lengths alike, which h11 makes one of; h11 of what it would have to keep.
DIFFER: dict[str, dict[str, object]] = {
    "two lengths alike": {"blocking": 5, "aiohttp": "BrokenOffError", "httpx_async": 5},
    "chunk with a long extension": {
        "blocking": "BrokenOffError",
        "aiohttp": 5,
        "httpx_async": "BrokenOffError",
    },
}
# What aiohttp's parser in Python makes of it, where its one in C has no wheel (3.13t).
IN_PYTHON: dict[str, object] = {
    "longer than said": 3,
    "an end of line behind it": "BrokenOffError",
    "chunk with a long extension": "BrokenOffError",
}
MEASURED = (  # hundreds of MiB each: tests/torture gives them
    "300 MiB",
    "a redirect of 600 MiB",
    "an error of 600 MiB",
    "a GiB in gzip",
    "a GiB in deflate",
    "a GiB in gzip twice",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Hostile]:
    with hostile() as server:
        yield server


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt, and limits that are reached soon; a drop comes each 0.05 s."""
    monkeypatch.setattr(limits, "ATTEMPTS", 1)


def expected(name: str, way: str) -> object:
    """How an answer ends under one client, on this build."""
    if way == "aiohttp" and HttpResponseParser is HttpResponseParserPy:
        return IN_PYTHON.get(name, LEAVES.get(name, DIFFER.get(name, {}).get(way)))
    return LEAVES[name] if name in LEAVES else DIFFER[name][way]


def end(result: object) -> object:
    """What the tables above say of a result."""
    return result.type if isinstance(result, Failure) else result


def test_every_answer_stands_in_a_table() -> None:
    assert sorted([*LEAVES, *DIFFER, *MEASURED]) == sorted([*SAID, *MADE])


@pytest.mark.parametrize("name", LEAVES)
def test_an_answer_means_the_same_to_every_client(
    do_any: Do, name: str, server: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.startswith("silence"):
        monkeypatch.setattr(limits, "READ_TIMEOUT", 0.1)
    if LEAVES[name] == "TotalTimeError":
        monkeypatch.setattr(limits, "TOTAL_TIMEOUT", 0.5)
    result = do_any(SIZES, server.url(name))
    assert end(result) == expected(name, do_any.__name__)
    if isinstance(result, Failure):
        assert result.message.startswith(f"{server.url(name)}: ")


@pytest.mark.parametrize("name", DIFFER)
def test_where_clients_differ_is_known(name: str, server: Hostile) -> None:
    ends = {way: end(getattr(ways, way)(SIZES, server.url(name))) for way in DIFFER[name]}
    assert ends == {way: expected(name, way) for way in DIFFER[name]}


@pytest.mark.parametrize("name", ["another answer behind it", "another behind chunks"])
def test_what_follows_an_answer_is_not_heard_as_the_next_one(name: str, server: Hostile) -> None:
    with SIZES.client() as client:
        sizes = [SIZES.work(server.url(job), client) for job in (name, "hello", name, "hello")]
    assert sizes == [5, 5, 5, 5]


class Content:
    """A body that is awaited, or here as a whole; keeps what it is told."""

    def __init__(self, whole: bool = False) -> None:
        self.is_eof = lambda: whole
        self.told: list[str] = []

    def exception(self) -> None:
        return None

    def set_exception(self, error: Exception) -> None:
        self.told.append(type(error).__name__)


class Protocol(list[bytes]):
    """A connection whose queue is empty, as aiohttp's own is: to bool, it is not there."""

    def __init__(self, listeners: list[Any]) -> None:
        add, remove = listeners.append, listeners.remove
        self.closed = SimpleNamespace(add_done_callback=add, remove_done_callback=remove)


def test_who_waits_for_a_body_hears_that_its_connection_is_closed() -> None:
    pytest.importorskip("aiohttp")
    content, listeners = Content(), list[Any]()
    connection = SimpleNamespace(protocol=Protocol(listeners))
    response: Any = SimpleNamespace(connection=connection, content=content)
    with client_aiohttp.ended_by_its_connection(response):
        assert content.told == []
        (hear,) = listeners
        hear(None)
    assert content.told == ["ClientPayloadError"]
    assert listeners == []


@pytest.mark.parametrize(("whole", "told"), [(True, []), (False, ["ClientPayloadError"])])
def test_who_waits_for_a_body_hears_that_its_connection_was_closed_before(
    whole: bool, told: list[str]
) -> None:
    pytest.importorskip("aiohttp")
    content = Content(whole)
    response: Any = SimpleNamespace(connection=None, content=content)
    with client_aiohttp.ended_by_its_connection(response):
        assert content.told == told


def test_a_body_is_unpacked_in_steps_no_larger_than_a_chunk() -> None:
    packed = gzip.compress(bytes(10 * limits.CHUNK_SIZE + 1))
    unpacker = contents.Unpacker("http://a.test/", contents.GZIP)
    assert [len(piece) for piece in unpacker.pieces(packed)] == [limits.CHUNK_SIZE] * 10 + [1]

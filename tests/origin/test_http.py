"""The HTTP that the origin speaks: GET and HEAD, validators, ranges, and refusals."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from conlab.origin import Origin
from tests.patience import patience

SIZE = 1000


@pytest.fixture(scope="module")
def url(origin: Origin) -> str:
    return f"{origin.urls[0]}files/5?size={SIZE}"


@pytest.fixture(scope="module")
def body(url: str, client: httpx.Client) -> bytes:
    return client.get(url).content


def test_head_answers_as_get_does_without_the_body(url: str, client: httpx.Client) -> None:
    head, get = client.head(url), client.get(url)
    assert head.content == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges"):
        assert head.headers[name] == get.headers[name]
    assert get.headers["Content-Length"] == str(SIZE)


@pytest.mark.parametrize("spelling", ["{}", "W/{}", '"other", {}', "*"])
def test_what_the_client_has_is_not_sent_again(
    url: str, client: httpx.Client, spelling: str
) -> None:
    etag = client.head(url).headers["ETag"]
    answer = client.get(url, headers={"If-None-Match": spelling.format(etag)})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)


def test_what_the_client_has_not_is_sent(url: str, client: httpx.Client) -> None:
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_different_files_have_different_etags(origin: Origin, client: httpx.Client) -> None:
    targets = ("files/5?size=1000", "files/6?size=1000", "files/5?size=1001", "", "shelf/1.html")
    etags = {client.head(origin.urls[0] + target).headers["ETag"] for target in targets}
    assert len(etags) == len(targets)


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=990-", 990, 1000),
        ("bytes=-10", 990, 1000),
        ("bytes=-5000", 0, 1000),
        ("bytes=990-5000", 990, 1000),
    ],
)
def test_a_range_is_sent_as_a_part(
    url: str, body: bytes, client: httpx.Client, asked: str, start: int, stop: int
) -> None:
    answer = client.get(url, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.content == body[start:stop]


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=5000-6000"])
def test_a_range_outside_the_body_is_not_satisfiable(
    url: str, client: httpx.Client, asked: str
) -> None:
    answer = client.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=x-", "bytes=9-3"])
def test_what_is_not_one_range_of_bytes_is_ignored(
    url: str, client: httpx.Client, asked: str
) -> None:
    assert client.get(url, headers={"Range": asked}).status_code == 200


def test_a_range_of_another_version_is_answered_with_the_whole(
    url: str, client: httpx.Client
) -> None:
    etag = client.head(url).headers["ETag"]
    statuses = [
        client.get(url, headers={"Range": "bytes=1-2", "If-Range": version}).status_code
        for version in (etag, '"other"')
    ]
    assert statuses == [206, 200]


def test_what_is_not_there_is_not_found(origin: Origin, client: httpx.Client) -> None:
    for target in ("missing.html", "files/", "files/x", "photos/", "shelf/999.html", "ware/1.html"):
        assert client.get(origin.urls[0] + target).status_code == 404, target


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(url: str, client: httpx.Client, method: str) -> None:
    answer = client.request(method, url, content=b"x" * 100_000)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_a_connection_serves_many_requests(origin: Origin) -> None:
    origin.reset()
    address = urlsplit(origin.urls[0])
    request = f"GET /files/1?size=10 HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode()
    with socket.create_connection((address.hostname, address.port), timeout=patience(20)) as line:
        line.sendall(request * 50)  # pipelined
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 50:
            received += (piece := line.recv(65536))
            assert piece, received
    assert len(origin.take_log().served) == 50


def test_what_is_not_http_is_refused_and_the_origin_goes_on(
    origin: Origin, url: str, client: httpx.Client
) -> None:
    address = urlsplit(origin.urls[0])
    for garbage in (b"\x00\x01\x02\r\n\r\n", b"nonsense\r\n\r\n", b"G" * 20_000):
        with socket.create_connection(
            (address.hostname, address.port), timeout=patience(20)
        ) as line:
            line.sendall(garbage)
            assert line.recv(12) == b"HTTP/1.0 400"
    assert client.get(url).status_code == 200
    origin.take_log()  # which raises where the origin's own code failed

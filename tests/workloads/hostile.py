"""Answers that no decent server gives, byte for byte, and a server on loopback that gives them."""

import gzip
import io
import select
import socketserver
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

from tests.workloads.scripted import serving

PATIENCE = 200.0  # seconds after which a connection is given up
MIB = 1024 * 1024

Pieces = Iterable[bytes | float]  # what to send; a number is seconds to wait in between


def head(*lines: str, status: str = "200 OK") -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


def whole(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """An answer with its length, after which the connection ends."""
    return head(f"Content-Length: {len(body)}", "Connection: close", *lines, status=status) + body


def to(location: str | bytes) -> bytes:
    """A redirect."""
    raw = location if isinstance(location, bytes) else location.encode("latin-1")
    return head("Connection: close", status="302 Found")[:-2] + (
        b"Content-Length: 0\r\nLocation: " + raw + b"\r\n\r\n"
    )


CHUNKED = head("Transfer-Encoding: chunked")

# What is there at once: name, bytes.
SAID = {
    "hello": whole(b"hello"),
    # No HTTP, or hardly.
    "garbage": b"\x00\xff garbage garbage\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9\r\n",
    "no head": b"just a body",
    "nothing": b"",
    "version 2": b"HTTP/2 200 OK\r\n\r\n",
    "version 1.0": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "status of four digits": whole(b"x", status="1000 Odd"),
    "status below 100": whole(b"x", status="099 Odd"),
    "status 999": whole(b"x", status="999 Odd"),
    "status without a reason": whole(b"hello", status="200"),
    "reason of odd bytes": whole(b"hello", status="200 \xff\xfe"),
    # Statuses that are no success, or one of another kind.
    "100, then the answer": head(status="100 Continue") * 3 + whole(b"hello"),
    "103, then the answer": head("Link: </a>", status="103 Early Hints") + whole(b"hello"),
    "101": head("Upgrade: x", "Connection: Upgrade", status="101 Switching Protocols") + b"hello",
    "204": head(status="204 No Content"),
    "205": whole(b"", status="205 Reset Content"),
    "206, unasked": whole(b"hel", "Content-Range: bytes 0-2/5", status="206 Partial Content"),
    "304": head("Connection: close", status="304 Not Modified"),
    # Lengths.
    "shorter than said": head("Content-Length: 100") + b"short",
    "longer than said": head("Content-Length: 3") + b"hello",
    "an end of line behind it": whole(b"hello") + b"\r\n",
    "negative length": head("Content-Length: -5") + b"hello",
    "length of 23 digits": head("Content-Length: 99999999999999999999999") + b"hello",
    "two lengths": head("Content-Length: 5", "Content-Length: 7") + b"hello",
    "two lengths alike": whole(b"hello", "Content-Length: 5"),
    "length in words": head("Content-Length: five") + b"hello",
    "length and chunks": head("Content-Length: 5", "Transfer-Encoding: chunked")
    + b"5\r\nhello\r\n0\r\n\r\n",
    "no length": head("Connection: close") + b"hello",
    # Chunks.
    "chunks": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    "chunk without a size": CHUNKED + b"ZZ\r\nhello\r\n0\r\n\r\n",
    "chunk cut": CHUNKED + b"10\r\nhello",
    "chunk of 18 digits": CHUNKED + b"FFFFFFFFFFFFFFFFFF\r\nhello",
    "chunk with a long extension": CHUNKED + b"5;" + b"x" * 200_000 + b"\r\nhello\r\n0\r\n\r\n",
    "long trailer": CHUNKED + b"5\r\nhello\r\n0\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
    "unknown transfer coding": head("Transfer-Encoding: bogus") + b"hello",
    # Headers.
    "a header folded": head("X-A: a\r\n b", "Content-Length: 5", "Connection: close") + b"hello",
    "a blank in a name": whole(b"hello", "Bad Header: a"),
    "NUL in a header": whole(b"hello", "X-A: a\x00b"),
    "LF alone": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "a header of 20 kB": whole(b"hello", f"X-A: {'a' * 20_000}"),
    "a header of 90 kB": whole(b"hello", f"X-A: {'a' * 90_000}"),
    "100 headers": whole(b"hello", *(f"X-{n}: a" for n in range(100))),
    "6,000 headers": whole(b"hello", *(f"X-{n}: a" for n in range(6_000))),
    "headers of 10 MB": whole(b"hello", *(f"X-A: {'a' * 8_000}" for _ in range(1_280))),
    # Content codings.
    "gzip": whole(gzip.compress(b"hello"), "Content-Encoding: gzip"),
    "GZIP": whole(gzip.compress(b"hello"), "Content-Encoding: GZIP"),
    "deflate": whole(zlib.compress(b"hello"), "Content-Encoding: deflate"),
    "deflate, bare": whole(zlib.compress(b"hello")[2:-4], "Content-Encoding: deflate"),
    "deflate, bare, of one byte more than a chunk": whole(
        zlib.compress(b"a" * 65_537)[2:-4], "Content-Encoding: deflate"
    ),
    "gzip of nothing": whole(b"", "Content-Encoding: gzip"),
    "gzip, cut": whole(gzip.compress(b"hello" * 999)[:-9], "Content-Encoding: gzip"),
    "gzip that is none": whole(b"notgzip" * 9, "Content-Encoding: gzip"),
    "gzip with a tail": whole(gzip.compress(b"hello") + b"tail", "Content-Encoding: gzip"),
    "gzip twice": whole(gzip.compress(gzip.compress(b"hello")), "Content-Encoding: gzip, gzip"),
    "unknown coding": whole(b"hello", "Content-Encoding: foo"),
    "br": whole(b"hello", "Content-Encoding: br"),
    "zstd": whole(b"hello", "Content-Encoding: zstd"),
    "identity": whole(b"hello", "Content-Encoding: identity"),
    # Redirects.
    "to a file": to("file:///etc/passwd"),
    "to gopher": to("gopher://127.0.0.1/"),
    "to port 99999": to("http://127.0.0.1:99999/"),
    "to port 0": to("http://127.0.0.1:0/"),
    "to half an address": to("http://[::1/"),
    "to a label of 70 letters": to(f"http://{'a' * 70}.invalid./"),
    "to an empty label": to("http://a..invalid/"),
    "to a name that is no IDN": to("http://xn--a.invalid/"),
    "to control characters": to("http://127.0.0.1/\x01\x02 x"),
    "to nowhere": to(""),
    "without a location": whole(b"", status="302 Found"),
    "to itself": to("?"),
    "to hello": to("/hello"),
    "to latin-1": to("/d\xe9fault"),
    "to UTF-8": to("/d\u00e9fault".encode()),
    "to odd bytes": to(b"/d\xff\xfefault"),
    "to a blank": to("/d fault"),
    "to half an escape": to("/d%efault%"),
}  # fmt: skip


@cache
def bomb(layers: int) -> bytes:
    """A GiB of zeros, compressed so often."""
    if layers > 1:
        return gzip.compress(bomb(layers - 1), 9)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as file:
        for _ in range(1024):
            file.write(bytes(MIB))
    return packed.getvalue()


def endless(first: bytes, piece: bytes, every: float = 0.0) -> Iterator[bytes | float]:
    """A beginning, and then the same over and over."""
    yield first
    while True:
        yield piece
        if every:
            yield every


def big(first: bytes, mebibytes: int) -> Iterator[bytes]:
    """A body of chunks."""
    yield first
    for _ in range(16 * mebibytes):
        yield b"10000\r\n" + b"a" * 65536 + b"\r\n"
    yield b"0\r\n\r\n"


# What takes its time, or much room: name, a function that makes it.
MADE: dict[str, Callable[[], Pieces]] = {
    "silence": lambda: [PATIENCE],
    "silence in the head": lambda: [b"HTTP/1.1 200 OK\r\nX-A: ", PATIENCE],
    "silence in the body": lambda: [head("Content-Length: 9") + b"hello", PATIENCE],
    "another answer behind it": lambda: [
        head("Content-Length: 5") + b"hello" + whole(b"poison"),
        PATIENCE,
    ],
    "another behind chunks": lambda: [
        CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + whole(b"poison"),
        PATIENCE,
    ],
    "drops of a head": lambda: endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", 0.05),
    "drops of a body": lambda: endless(head("Content-Length: 5000"), b"a", 0.05),
    "100 without an end": lambda: endless(b"", head(status="100 Continue") * 10, 0.02),
    "100 without a pause": lambda: endless(b"", head(status="100 Continue") * 1000),
    "a head without an end": lambda: endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 65536),
    "headers without an end": lambda: endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 8192),
    "a trailer without an end": lambda: endless(CHUNKED + b"0\r\n", b"X-A: b\r\n" * 8192),
    "a body without an end": lambda: endless(CHUNKED, b"10000\r\n" + b"a" * 65536 + b"\r\n"),
    "a redirect without an end": lambda: endless(
        head("Location: /hello", "Transfer-Encoding: chunked", status="302 Found"),
        b"10000\r\n" + b"a" * 65536 + b"\r\n",
    ),
    "300 MiB": lambda: big(CHUNKED, 300),
    "a redirect of 600 MiB": lambda: big(
        head("Location: /hello", "Transfer-Encoding: chunked", status="302 Found"), 600
    ),
    "an error of 600 MiB": lambda: big(
        head("Transfer-Encoding: chunked", status="404 Not Found"), 600
    ),
    "a GiB in gzip": lambda: [whole(bomb(1), "Content-Encoding: gzip")],
    "a GiB in deflate": lambda: [whole(bomb(1)[10:-8], "Content-Encoding: deflate")],
    "a GiB in gzip twice": lambda: [whole(bomb(2), "Content-Encoding: gzip, gzip")],
}


def answer(name: str) -> Pieces:
    """The pieces of the answer of that name; of any other, those that say hello."""
    return MADE[name]() if name in MADE else [SAID.get(name, SAID["hello"])]


class Hostile(socketserver.ThreadingTCPServer):
    """Gives the answer ``n`` of ``names`` at ``/n``, and says hello at any other path."""

    daemon_threads = True
    allow_reuse_address = True
    names = (*SAID, *MADE)

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()

    def url(self, name: str) -> str:
        """Where the answer of that name is given."""
        return f"http://127.0.0.1:{self.server_address[1]}/{self.names.index(name)}"


class Handler(socketserver.BaseRequestHandler):
    """One connection, one answer."""

    server: Hostile

    def handle(self) -> None:
        """Read a request, and send the answer for as long as the client listens."""
        self.request.settimeout(PATIENCE)
        with suppress(OSError):
            asked = b""
            while b"\r\n\r\n" not in asked:
                if not (more := self.request.recv(65536)):
                    return
                asked += more
            path = asked.split(b" ")[1].partition(b"?")[0].decode("latin-1").strip("/")
            name = self.server.names[int(path)] if path.isdigit() else "hello"
            self.server.asked[name] += 1
            for piece in answer(name):
                if isinstance(piece, bytes):
                    self.request.sendall(piece)
                elif select.select([self.request], [], [], piece)[0]:
                    return  # the client left

    def finish(self) -> None:
        """Take in what the client still says, or the end would be a reset."""
        with suppress(OSError):
            self.request.shutdown(1)
            self.request.settimeout(1)
            while self.request.recv(65536):
                pass


@contextmanager
def hostile() -> Iterator[Hostile]:
    """Run such a server."""
    with Hostile() as server, serving(server):
        yield server

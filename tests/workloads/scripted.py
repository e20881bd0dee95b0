"""A web server that says, byte for byte, what a test wrote down, and ends as it was told."""

import socket
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.patience import patience

PATIENCE = 30.0  # seconds after which a handler gives up on a client that neither asks nor leaves
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds

Ending = Literal["open", "close", "reset", "silence", "endless"]


@dataclass(frozen=True, slots=True)
class Say:
    """One answer: ``promised`` is its Content-Length, where that is not the body's.

    Afterwards the connection stays ``open`` for the next request, or is ended by an orderly
    ``close`` or a ``reset``; or it stays open and says nothing more (``silence``), or the body
    over and over (``endless``).
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None
    ending: Ending = "open"
    head: bool = True  # or not a byte of an answer

    def text(self) -> bytes:
        """The bytes to send."""
        if not self.head:
            return b""
        length = len(self.body) if self.promised is None else self.promised
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(length)}
        if self.ending == "endless":
            del headers["Content-Length"]
        lines = [f"{name}: {value}" for name, value in (headers | dict(self.headers)).items()]
        head = "\r\n".join([f"HTTP/1.1 {self.status} Said", *lines, "", ""])
        return head.encode() + self.body


NOTHING = Say(head=False, ending="reset")


class Scripted(socketserver.ThreadingTCPServer):
    """Plays ``script``: for each path, answers in their order, the last one again and again."""

    def __init__(self, script: Mapping[str, Sequence[Say]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.asked: Counter[str] = Counter()
        self.headers: list[str] = []  # of all requests
        self.lock = threading.Lock()

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def shutdown_request(self, request: Any) -> None:
        """Close, without the orderly end that the base class would send before a reset."""
        self.close_request(request)

    def next_answer(self, path: str) -> Say:
        """What to say now."""
        with self.lock:
            self.asked[path] += 1
            answers = self.script.get(path) or (Say(status=404),)
            return answers[min(self.asked[path], len(answers)) - 1]


class Handler(socketserver.StreamRequestHandler):
    """One connection."""

    timeout = patience(PATIENCE)
    server: Scripted

    def handle(self) -> None:
        """Answer until either side ends it."""
        with suppress(OSError):  # the client may leave at any time
            while line := self.rfile.readline():
                while header := self.rfile.readline().strip():
                    self.server.headers.append(header.decode("latin-1"))
                answer = self.server.next_answer(line.split()[1].decode())
                self.wfile.write(answer.text())
                match answer.ending:
                    case "open":
                        continue
                    case "silence":
                        self.rfile.read(1)  # returns when the client leaves
                    case "endless":
                        while True:
                            self.wfile.write(answer.body)
                    case "reset":
                        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                return


@contextmanager
def scripted(script: Mapping[str, Sequence[Say]]) -> Iterator[Scripted]:
    """Run such a server; all its threads end with the context."""
    with Scripted(script) as server, serving(server):
        yield server


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Have a server take connections, in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()

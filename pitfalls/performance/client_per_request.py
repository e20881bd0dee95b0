"""Client per request: every request opens a connection of its own.

Symptom: Slow for no reason; thousands of sockets in TIME_WAIT; a handshake for every call with TLS.

Why: Connections are pooled by the client. A client made for one request takes its pool with it.

Fix: Make one client, and use it for all requests.

Detect: none known. A test of the result fails.

Source: https://github.com/encode/httpx/issues/2298

Run: python client_per_request.py broken|fixed; conlab study client_per_request
"""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

FAILURE = "needless cost"
SHOWS = "returned 20"
EVIDENCE = "measured"

REQUESTS = 20


def broken() -> int:
    with server() as origin:
        for _ in range(REQUESTS):
            with closing(origin.client()) as client:
                get(client)
    return origin.accepted


def fixed() -> int:
    with server() as origin, closing(origin.client()) as client:
        for _ in range(REQUESTS):
            get(client)
    return origin.accepted


def holds(connections: int) -> bool:
    """One connection carried all requests."""
    return connections == 1


def get(client: HTTPConnection) -> bytes:
    """The page that every request asks for."""
    client.request("GET", "/")
    return client.getresponse().read()


class Page(BaseHTTPRequestHandler):
    """Answers, and keeps the connection open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Send two bytes."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


class Origin(ThreadingHTTPServer):
    """A server that counts the connections it accepts."""

    daemon_threads = False  # so that the end of the server waits for its threads
    accepted = 0

    def get_request(self) -> Any:
        """Accept a connection."""
        self.accepted += 1
        return super().get_request()

    def client(self) -> HTTPConnection:
        """A client that keeps its connection open."""
        return HTTPConnection("127.0.0.1", self.server_port, timeout=10)


@contextmanager
def server() -> Iterator[Origin]:
    """A server in a thread of its own."""
    with Origin(("127.0.0.1", 0), Page) as origin:
        thread = Thread(target=origin.serve_forever, args=(0.01,))
        thread.start()
        yield origin
        origin.shutdown()
        thread.join()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(
        f"Connections for {REQUESTS} requests: {(connections := side())}:",
        "right" if holds(connections) else "wrong",
    )

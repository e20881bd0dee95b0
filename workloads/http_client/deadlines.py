"""A deadline that holds at the socket: httpx limits each read, so a byte at a time has no end.

The blocking client waits in the thread that asked, so that the deadline can be the thread's.
"""

import math
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore


class Waiting(threading.local):
    """When this thread's waits for sockets must be over, as a ``time.monotonic``."""

    deadline = math.inf


waiting = Waiting()


@contextmanager
def kept(deadline: float) -> Iterator[None]:
    """Let every wait for a socket in this thread end at the deadline, by httpcore's timeouts."""
    before, waiting.deadline = waiting.deadline, deadline
    try:
        yield
    finally:
        waiting.deadline = before


def seconds_left(timeout: float | None) -> float:
    """``timeout``, or less where the deadline comes before; raises when it is over.

    A socket's own limit does not end a wait that finds something to read each time.
    """
    left = waiting.deadline - time.monotonic()
    if left <= 0:
        raise httpcore.TimeoutException
    return left if timeout is None else min(timeout, left)


class Backend(httpcore.SyncBackend):
    """Connects as httpcore does, with the thread's deadline, and one limit for all addresses."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Try each address of the host until one answers or the time is over."""
        limit = time.monotonic() + seconds_left(timeout)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        trouble: Exception = httpcore.ConnectError(f"{host} has no address")
        for *_, place in found:
            if (left := limit - time.monotonic()) <= 0:
                raise httpcore.ConnectTimeout from trouble
            try:
                stream = super().connect_tcp(
                    str(place[0]), port, left, local_address, socket_options
                )
            except httpcore.ConnectError as error:
                trouble = error
            else:
                return Stream(stream)
        raise trouble


class Stream(httpcore.NetworkStream):
    """A connection whose waits end at the deadline of the thread that waits."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self.stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, up to ``max_bytes``."""
        return self.stream.read(max_bytes, seconds_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self.stream.write(buffer, seconds_left(timeout))

    def close(self) -> None:
        """Close."""
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on in TLS."""
        return Stream(self.stream.start_tls(ssl_context, server_hostname, seconds_left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """What the stream knows of itself."""
        return self.stream.get_extra_info(info)

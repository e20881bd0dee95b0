"""The floor of a workload: the time below which no run can go, whatever the model."""

import math
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conlab.origin import Log

TRANSFER = 256 * 1024 * 1024  # bytes sent through loopback to measure it
CHUNK = 1024 * 1024
TRIES = 3


@dataclass(frozen=True, slots=True)
class Floor:
    """Seconds that the latencies need, and seconds that the bytes need. They may overlap."""

    waiting: float = 0.0
    transfer: float = 0.0

    @property
    def seconds(self) -> float:
        """The larger of the two."""
        return max(self.waiting, self.transfer)


def floor_of(levels: Iterable[Log], in_flight: int, bandwidth: float) -> Floor:
    """The floor of the requests of each level, one level after the other.

    ``bandwidth`` is bytes a second.
    """
    waiting = size = 0.0
    for log in levels:
        waiting += seconds_to_wait([served.latency for served in log.served], in_flight)
        size += sum(served.size for served in log.served)
    return Floor(waiting, size / bandwidth)


def seconds_to_wait(latencies: Sequence[float], in_flight: int) -> float:
    """What ``in_flight`` places need at least to let the latencies pass, one to a place at a time.

    No run ends before the longest has passed, nor before all have, spread evenly; and one of the
    places has its full share of their number, each as long as the shortest at least.
    """
    if not latencies:
        return 0.0
    waves = math.ceil(len(latencies) / in_flight)
    return max(max(latencies), sum(latencies) / in_flight, waves * min(latencies))


def loopback_bandwidth() -> float:
    """Bytes a second from one socket to another on this machine; the best of a few tries."""
    return max(TRANSFER / transfer_seconds() for _ in range(TRIES))


def transfer_seconds() -> float:
    """Seconds that TRANSFER bytes take from one thread to another; sockets let go of the GIL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = threading.Thread(target=send, args=(server.getsockname(),), daemon=True)
        start = time.perf_counter()
        sender.start()
        connection, _ = server.accept()
        with connection:
            buffer = bytearray(CHUNK)
            while connection.recv_into(buffer):
                pass
        sender.join()
        return time.perf_counter() - start


def send(address: tuple[str, int]) -> None:
    """Send TRANSFER bytes."""
    chunk = bytes(CHUNK)
    with socket.create_connection(address) as connection:
        for _ in range(TRANSFER // CHUNK):
            connection.sendall(chunk)

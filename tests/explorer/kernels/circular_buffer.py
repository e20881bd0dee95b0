"""Circular buffer: who takes an element expects as many as it has tried, not as many as were put.

From benchmarks/concurrent-software-benchmarks/circular_buffer_bad.c and circular_buffer_ok.c of
mc-imperial/sctbench. Either thread passes over a turn in which the other was not there; the number
of the turn is then not the element any more.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all

CAPACITY = 10
TURNS = 7


class Buffer:
    """Elements in the order in which they were put, CAPACITY at most."""

    def __init__(self) -> None:
        self.elements = [0] * CAPACITY
        self.first = 0
        self.next = 0

    def take(self) -> int:
        if self.next > 0 and self.first < CAPACITY:
            self.first += 1
            return self.elements[self.first - 1]
        return -1

    def put(self, element: int) -> None:
        if self.next < CAPACITY:
            self.elements[self.next] = element
            self.next = (self.next + 1) % CAPACITY
            assert self.next < CAPACITY


def broken() -> None:
    mutex = threading.Lock()
    buffer = Buffer()
    shared = SimpleNamespace(send=True, receive=False)

    def sender() -> None:
        for turn in range(TURNS):
            with mutex:
                if shared.send:
                    buffer.put(turn)
                    shared.send, shared.receive = False, True

    def receiver() -> None:
        for turn in range(TURNS):
            with mutex:
                if shared.receive:
                    assert buffer.take() == turn
                    shared.send, shared.receive = True, False

    run_all(sender, receiver)


def correct() -> None:
    mutex = threading.Lock()
    buffer = Buffer()
    shared = SimpleNamespace(send=True, receive=False, sent=0)

    def sender() -> None:
        for turn in range(TURNS):
            with mutex:
                if shared.send:
                    buffer.put(turn)
                    shared.sent = turn
                    shared.send, shared.receive = False, True

    def receiver() -> None:
        for _ in range(TURNS):
            with mutex:
                if shared.receive:
                    assert buffer.take() == shared.sent
                    shared.send, shared.receive = True, False

    run_all(sender, receiver)

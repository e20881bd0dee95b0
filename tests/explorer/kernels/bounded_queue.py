"""Queue: who takes from it compares with what was put at its own turn, which it may have missed.

From benchmarks/concurrent-software-benchmarks/queue_bad.c and queue_ok.c of mc-imperial/sctbench,
whose correct side puts all, and takes all, at one go; of twice as many elements there.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all

SIZE = 20


class Queue:
    """First in, first out, SIZE elements at most."""

    def __init__(self) -> None:
        self.elements = [0] * SIZE
        self.head = 0
        self.tail = 0

    def empty(self) -> bool:
        return self.head == self.tail

    def put(self, element: int) -> None:
        self.elements[self.tail] = element
        self.tail = 1 if self.tail == SIZE else self.tail + 1

    def take(self) -> int:
        element = self.elements[self.head]
        self.head = 1 if self.head == SIZE else self.head + 1
        return element


def broken() -> None:
    mutex = threading.Lock()
    queue = Queue()
    stored = [0] * SIZE
    shared = SimpleNamespace(may_put=True, may_take=False)

    def put() -> None:
        value = 0
        with mutex:
            queue.put(value)
            stored[0] = value
            assert not queue.empty()
        for turn in range(1, SIZE):
            with mutex:
                if shared.may_put:
                    value += 1
                    queue.put(value)
                    stored[turn] = value
                    shared.may_put, shared.may_take = False, True

    def take() -> None:
        for turn in range(SIZE):
            with mutex:
                if shared.may_take:
                    assert queue.take() == stored[turn]
                    shared.may_put, shared.may_take = True, False

    run_all(put, take)


def correct() -> None:
    mutex = threading.Lock()
    queue = Queue()
    stored = [0] * SIZE
    shared = SimpleNamespace(may_put=True, may_take=False)

    def put() -> None:
        value = 0
        with mutex:
            if shared.may_put:
                for turn in range(SIZE):
                    value += 1
                    queue.put(value)
                    stored[turn] = value
                shared.may_put, shared.may_take = False, True

    def take() -> None:
        with mutex:
            if shared.may_take:
                for turn in range(SIZE):
                    if not queue.empty():
                        assert queue.take() == stored[turn]
                shared.may_put, shared.may_take = True, False

    run_all(put, take)

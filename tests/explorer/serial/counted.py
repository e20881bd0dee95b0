"""A counter that two threads can make lose a number, and one that they cannot."""

import threading


class Counter:
    """Counts, in two steps."""

    def __init__(self) -> None:
        self.number = 0

    def next(self) -> int:
        self.number += 1
        return self.number

    def add(self, amount: int) -> None:
        self.number += amount


class LockedCounter(Counter):
    """Counts, one at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def next(self) -> int:
        with self.lock:
            return super().next()

    def add(self, amount: int) -> None:
        with self.lock:
            super().add(amount)


class Slot:
    """Gives what was put, and waits for it."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.items: list[int] = []

    def put(self, item: int) -> None:
        with self.condition:
            self.items.append(item)
            self.condition.notify()

    def get(self) -> int:
        with self.condition:
            while not self.items:
                self.condition.wait()
            return self.items.pop(0)

"""A counter whose read and write are locked each, but not together."""

import threading
import time


class Box:
    """A number, and a lock for each access to it."""

    def __init__(self) -> None:
        self.number = 0
        self._lock = threading.Lock()

    def add(self) -> None:
        with self._lock:
            number = self.number
        with self._lock:
            self.number = number + 1

    @staticmethod
    def pause_between_read_and_write(shared: list[int]) -> None:
        number = shared[0]
        time.sleep(1)
        shared[0] = number + 1

"""A process that a job has forked: it may not go on with the run as a second one of its kind."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class Forked:
    """Knows the process in which it was made, and ends every other that comes by.

    One that a job forks is to end by itself. Where it returns from ``work()`` instead, it would do
    all jobs that are left, and print a table as well; its parent can see that it did.
    """

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.shared = mmap.mmap(-1, 1)  # with those that are forked

    @property
    def returned(self) -> bool:
        """Say whether one has returned from a job, or raised there."""
        return bool(self.shared[0])

    def end(self) -> None:
        """End this process if it is another."""
        if os.getpid() != self.owner:
            self.shared[0] = 1
            leave(1)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """End this process if it leaves here as another; with its own status if it asks to exit."""
        try:
            yield
        except SystemExit as asked:
            if os.getpid() != self.owner:
                leave(asked.code if isinstance(asked.code, int) else int(asked.code is not None))
            raise
        finally:
            self.end()


def leave(status: int) -> NoReturn:
    """End at once, with nothing tidied up: what there is belongs to the parent."""
    os._exit(status)

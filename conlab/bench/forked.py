"""A process that a job has forked: it may not go on with the run as a second one of its kind."""

import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

CONLAB = Path(__file__).resolve().parents[1]


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
            if os.getpid() == self.owner:
                raise
            leave(asked.code if isinstance(asked.code, int) else int(asked.code is not None))
        except BaseException:
            self.end()
            raise
        self.end()


@contextmanager
def exits_told() -> Iterator[None]:
    """Let os._exit() of a job in this process raise SystemExit: else nobody learns why it ended.

    Not so in a process that the job forked, nor for the lab's own.
    """
    exit_now, owner = os._exit, os.getpid()

    def told(status: int) -> NoReturn:
        caller = sys._getframe(1).f_code.co_filename
        if os.getpid() != owner or Path(caller).is_relative_to(CONLAB):
            exit_now(status)
        raise SystemExit(status)

    os._exit = told
    try:
        yield
    finally:
        os._exit = exit_now


def leave(status: int) -> NoReturn:
    """End at once, with nothing tidied up: what there is belongs to the parent."""
    os._exit(status)

"""asyncio's own tasks and futures, but for a hash that is no address.

So what asyncio keeps in sets comes in the same order in every execution. Where the ones in C are in
use, these are made from them.
"""

import asyncio
import inspect
import sys
from asyncio import taskgroups, tasks, timeouts
from types import FrameType
from typing import Any, Protocol, cast

KEEPERS = (taskgroups.__file__, timeouts.__file__)
WAIT_FOR = frozenset(["wait_for", "_cancel_and_wait"])  # a timeout, until 3.11 one of its own


class Registry(Protocol):
    """What numbers the tasks and futures of an execution, and is told of those that end."""

    execution: int

    def number(self) -> int:
        """Return the next number for a hash."""

    def look_at(self, task: asyncio.Task[Any]) -> None:
        """Take note of a task that is about to be collected."""


class RegisteringLoop(Protocol):
    """A loop that has such a registry."""

    @property
    def tasks(self) -> Registry:
        """The registry of its tasks."""


class Task(asyncio.Task[Any]):
    """A task whose hash is its number, and that knows who asked it to end.

    ``cancelling()`` counts what a TaskGroup or a timeout does to its own task, too, which they need
    not pass on (and before 3.13 a TaskGroup does not take it back).
    """

    def __init__(self, coro: Any, *, loop: RegisteringLoop, **options: Any) -> None:
        self._number = loop.tasks.number()  # first: the constructor puts the task into a set
        self._tasks = loop.tasks
        self._execution = loop.tasks.execution
        self._asked = 0
        super().__init__(coro, loop=cast("Any", loop), **options)

    def __hash__(self) -> int:
        return self._number

    def cancel(self, msg: Any = None) -> bool:
        """Ask the task to end."""
        asked = super().cancel(msg)
        self._asked += asked and not _keeps_it(sys._getframe(1))
        return asked

    def uncancel(self) -> int:
        """Take that back."""
        self._asked -= self._asked > 0 and not _keeps_it(sys._getframe(1))
        return super().uncancel()

    def has_swallowed(self) -> bool:
        """Whether it returned although it was asked to end.

        Not so the closing of an async generator, whose first step takes no exception.
        """
        if not inspect.iscoroutine(self.get_coro()):
            return False
        done = self.done() and not self.cancelled()
        return done and self._exception is None and self._asked > 0

    def __del__(self) -> None:
        if self._execution == self._tasks.execution:  # and no garbage of an earlier one
            self._tasks.look_at(self)
        super().__del__()  # it is there, for typeshed it is not


class Future(asyncio.Future[Any]):
    """A future whose hash is its number."""

    def __init__(self, *, loop: RegisteringLoop) -> None:
        self._number = loop.tasks.number()
        super().__init__(loop=cast("Any", loop))

    def __hash__(self) -> int:
        return self._number


def label(task: asyncio.Task[Any]) -> str:
    """Name a task for a person, as `threading` names threads: with what it runs."""
    coroutine = task.get_coro()
    name = getattr(coroutine, "__qualname__", "").rpartition(".")[2]
    return f"{task.get_name()} ({name})" if name else task.get_name()


def _keeps_it(caller: FrameType) -> bool:
    code = caller.f_code
    own_timeout = code.co_filename == tasks.__file__ and code.co_name in WAIT_FOR
    return code.co_filename in KEEPERS or own_timeout

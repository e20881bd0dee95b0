"""The lock, the re-entrant lock and the simple queue that the explorer controls.

Everything else of `threading`, `queue` and `concurrent.futures` is written in Python above these
and runs unmodified. Each operation behaves as its original does, errors included.
"""

from collections import deque
from typing import Any, Self

from conlab.explorer.stage import Stage, Strand


class Sleeping:
    """What a sleeping strand waits for: nothing but the time."""

    busy = True

    def describe(self) -> str:
        """Name it for a person."""
        return "the end of a sleep"

    def holders(self) -> list[Strand]:
        """Nobody."""
        return []


SLEEPING = Sleeping()


class Lock:
    """`threading.Lock`, controlled."""

    __slots__ = ("__weakref__", "_stage", "busy", "number", "owner")

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.busy = False
        self.owner: Strand | None = None
        stage.numbers += 1
        self.number = stage.numbers

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, as `threading.Lock.acquire` does."""
        stage = self._stage
        if not blocking:
            if timeout != -1:
                raise ValueError("can't specify a timeout for a non-blocking call")
            if self.owner is not stage.current:
                stage.pause(("try to acquire", self.number))
            if self.busy:
                return False
        elif timeout == -1:
            if not stage.wait(self, ("acquire", self.number)):
                return False
        else:
            if timeout < 0:
                raise ValueError("timeout value must be a non-negative number")
            if not stage.wait(self, ("acquire", self.number), timeout):
                return False
        self.busy = True
        self.owner = stage.current
        return True

    def release(self) -> None:
        """Give the lock back, whoever took it."""
        if not self.busy:
            if self._stage.ending:
                return
            raise RuntimeError("release unlocked lock")
        self._stage.pause(("release", self.number))
        self.busy = False
        self.owner = None

    def locked(self) -> bool:
        """Say whether somebody holds the lock."""
        self._stage.pause(("look at", self.number))
        return self.busy

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exception: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self.busy = False
        self.owner = None

    def describe(self) -> str:
        """Name it for a person."""
        return f"lock {self.number}"

    def holders(self) -> list[Strand]:
        """Give who took it."""
        return [self.owner] if self.owner is not None else []


class RLock(Lock):
    """`threading.RLock`, controlled."""

    __slots__ = ("_count",)

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, once more if the caller has it."""
        if self.busy and self.owner is self._stage.current:
            self._count += 1
            return True
        if super().acquire(blocking, timeout):
            self._count = 1
            return True
        return False

    def release(self) -> None:
        """Give the lock back when it was released as often as taken."""
        if not self.busy or self.owner is not self._stage.current:
            if self._stage.ending:
                return
            raise RuntimeError("cannot release un-acquired lock")
        if self._count == 1:
            super().release()
        self._count -= 1

    def _is_owned(self) -> bool:
        return self.busy and self.owner is self._stage.current

    def _recursion_count(self) -> int:
        return self._count if self._is_owned() else 0

    def _release_save(self) -> int:
        count, self._count = self._count, 1
        self.release()
        return count

    def _acquire_restore(self, count: int) -> None:
        super().acquire()
        self._count = count


class SimpleQueue:
    """`queue.SimpleQueue`, controlled."""

    def __init__(self, stage: Stage, empty: type[Exception]) -> None:
        self._stage = stage
        self._empty = empty
        self._items: deque[Any] = deque()
        stage.numbers += 1
        self.number = stage.numbers

    @property
    def busy(self) -> bool:
        """Whether who wants an item must wait."""
        return not self._items

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add an item; never blocks."""
        self._stage.pause(("put into", self.number))
        self._items.append(item)

    put_nowait = put

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the oldest item, waiting for one if asked to."""
        if not block:
            self._stage.pause(("get from", self.number))
            if not self._items:
                raise self._empty
        else:
            if timeout is not None and timeout < 0:
                raise ValueError("'timeout' must be a non-negative number")
            if not self._stage.wait(self, ("get from", self.number), timeout):
                raise self._empty
        return self._items.popleft()

    def get_nowait(self) -> Any:
        """Take the oldest item or raise `queue.Empty`."""
        return self.get(False)

    def empty(self) -> bool:
        """Say whether there is no item now."""
        self._stage.pause(("look at", self.number))
        return not self._items

    def qsize(self) -> int:
        """Say how many items there are now."""
        self._stage.pause(("look at", self.number))
        return len(self._items)

    def __class_getitem__(cls, item: object) -> type[Self]:
        return cls

    def describe(self) -> str:
        """Name it for a person."""
        return f"an item of queue {self.number}"

    def holders(self) -> list[Strand]:
        """Anybody may put an item: nobody is named."""
        return []

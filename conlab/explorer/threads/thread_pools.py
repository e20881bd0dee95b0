"""`multiprocessing.pool.ThreadPool`: threads all of it, but for the pipe that wakes its manager."""

from _thread import get_ident
from collections.abc import Callable, Iterator
from multiprocessing import dummy, util
from multiprocessing.pool import Pool, ThreadPool
from typing import Any

from conlab.explorer.threads.primitives import SimpleQueue
from conlab.explorer.threads.scheduler import Scheduler

IMPORTED = dummy.Process  # here, so that no execution imports it


class Wakings(SimpleQueue):
    """What stands for the pipe: whoever would wait for that waits for an item."""

    @property
    def _reader(self) -> "Wakings":
        return self

    def describe(self) -> str:
        """Name it for a person."""
        return "a change of a ThreadPool"


class Context:
    """What a pool asks for that pipe."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def SimpleQueue(self) -> Wakings:  # noqa: N802 - as in `multiprocessing`
        """Return what stands for it."""
        return Wakings(self._scheduler)


def replacements(scheduler: Scheduler) -> Iterator[tuple[Any, str, Any]]:
    """Give what is to be replaced: where, by which name, by what."""
    original_init: Callable[..., None] = ThreadPool.__init__
    original_wait: Callable[..., None] = Pool._wait_for_updates  # type: ignore[attr-defined]

    def initialise(
        pool: Any, processes: Any = None, initializer: Any = None, initargs: Any = ()
    ) -> None:
        if get_ident() not in scheduler.idents:
            original_init(pool, processes, initializer, initargs)
            return
        context: Any = Context(scheduler)
        Pool.__init__(pool, processes, initializer, initargs, context=context)

    def wait(sentinels: Any, change_notifier: Any, timeout: float | None = None) -> None:
        if not isinstance(change_notifier, Wakings):
            original_wait(sentinels, change_notifier, timeout)
            return
        change_notifier.get()
        while not change_notifier.empty():
            change_notifier.get()

    yield ThreadPool, "__init__", initialise
    yield Pool, "_wait_for_updates", staticmethod(wait)


def forgetting() -> Callable[[], None]:
    """Return what forgets the pools that were made since: Python would end them at its exit."""
    registry: dict[Any, Any] = util._finalizer_registry  # type: ignore[attr-defined]
    before = set(registry)

    def forget() -> None:
        for key in registry.keys() - before:
            del registry[key]

    return forget

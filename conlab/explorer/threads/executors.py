"""What the threads of `concurrent.futures` share without an operation that the explorer controls.

That is whether the program has ended, after which nobody may submit, and whether a pool is still
there: its workers hold it weakly.
"""

import weakref
from _thread import get_ident
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import thread as pools
from typing import Any

from conlab.explorer.threads.controlled_thread import ControlledThread
from conlab.explorer.threads.scheduler import NO_POOL, Assumption, Scheduler
from conlab.explorer.threads.waiting import AccessLog

# That no pool goes away while a worker of it is there, which looks whether it has:
KEPT: Assumption = ("pools are kept",)


class Submitting:
    """Stands for the lock that who submits to a pool holds, and who ends the program takes.

    Those who submit are no order of each other: what they do to one pool is behind its own lock.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._inside: list[ControlledThread] = []

    def reset(self) -> None:
        """Have nobody submit, as at the beginning of an execution."""
        self._inside.clear()

    def __enter__(self) -> None:
        scheduler = self._scheduler
        if get_ident() not in scheduler.idents:
            return
        if NO_POOL not in scheduler.disproved:
            scheduler.disprove(NO_POOL)
        scheduler.touch("exit", None, writes=False)
        if pools._shutdown:
            # The message that is raised depends on what a worker of the pool has seen, too.
            scheduler.touch_everything("submit to a pool after the end of the program")
        self._inside.append(scheduler.current)

    def __exit__(self, *exception: object) -> None:
        scheduler = self._scheduler
        if get_ident() in scheduler.idents and scheduler.current in self._inside:
            self._inside.remove(scheduler.current)
            scheduler.touch("submitted", scheduler.current, writes=True)

    @property
    def busy(self) -> bool:
        """Whether the program must wait with its end."""
        return bool(self._inside)

    def touch(self, log: AccessLog) -> None:
        """Say that a step ends the program: after who submits, in a race with who begins to."""
        log.touch("exit", None, writes=True)
        log.follow("submitted", None)

    def describe(self) -> str:
        """Name it for a person."""
        return "who submits to a pool"

    def holders(self) -> Sequence[ControlledThread]:
        """Return who submits."""
        return list(self._inside)


class WeakReference:
    """What a worker holds of its pool: to ask it for that, and to forget it, may end the pool."""

    def __init__(self, scheduler: Scheduler, pool: Any, gone: Callable[[Any], None]) -> None:
        def tell(reference: Any) -> None:
            if not (scheduler.over or scheduler.ending) and KEPT not in scheduler.disproved:
                scheduler.disprove(KEPT)
            gone(reference)

        self._scheduler = scheduler
        self._reference = weakref.ref(pool, tell)

    def __call__(self) -> Any:
        """Return the pool, or None where it is gone.

        Whoever lets go of it meanwhile, in whatever step, lets the worker be the last who holds it.
        """
        if KEPT in self._scheduler.disproved:
            self._scheduler.current.holds_weakly = True
            self._scheduler.touch_everything("a worker's look for its pool")
        return self._reference()


class WeakReferences:
    """`weakref`, for `concurrent.futures.thread`."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def ref(self, pool: Any, gone: Callable[[Any], None]) -> Any:
        """Return what a worker holds."""
        if get_ident() in self._scheduler.idents:
            return WeakReference(self._scheduler, pool, gone)
        return weakref.ref(pool, gone)

    def __getattr__(self, name: str) -> Any:
        return getattr(weakref, name)


def replacements(scheduler: Scheduler, submitting: Submitting) -> Iterator[tuple[Any, str, Any]]:
    """Give what is to be replaced: where, by which name, by what."""
    yield pools, "_global_shutdown_lock", submitting
    yield pools, "weakref", WeakReferences(scheduler)

"""What tells real threads apart: modelled, or a reason for the program's threads to be real."""

import _thread
import functools
import gc
import importlib
import logging
import sys
import threading
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from conlab.explorer.threads.controlled_thread import ControlledThread
from conlab.explorer.threads.primitives import REAL_LOCAL
from conlab.explorer.threads.scheduler import Scheduler

# What works only in the real thread that it was called in, or is about real threads.
BOUND = {
    "os": ["sched_getaffinity", "sched_setaffinity", "setns", "unshare"],
    "_signal": ["pthread_kill", "pthread_sigmask", "sigtimedwait", "sigwait", "sigwaitinfo"],
    "sqlite3": ["connect"],
    "sys": ["_current_exceptions", "_current_frames", "setprofile", "set_asyncgen_hooks"],
}
if sys.version_info >= (3, 12):
    BOUND["sys"].append("settrace")  # where the explorer does not need it itself


def replacements(scheduler: Scheduler) -> Iterator[tuple[Any, str, Any]]:
    """Give what is to be replaced: where, by which name, by what."""
    replaced: dict[Any, Any] = {}
    for name in ("get_ident", "get_native_id"):
        original = getattr(_thread, name, None)
        if original is not None:
            replaced[original] = _numbering(scheduler, original)
    for name, functions in BOUND.items():
        with suppress(ImportError):  # not every installation has sqlite3
            module = importlib.import_module(name)
            found = (getattr(module, function, None) for function in functions)
            replaced.update({each: _bound(scheduler, each) for each in found if each is not None})
    replaced[REAL_LOCAL] = _local_of_the_program(scheduler)
    for kind in REAL_LOCAL.__subclasses__():
        if kind is not replaced[REAL_LOCAL]:
            yield kind, "__new__", staticmethod(_bound(scheduler, kind.__new__))
    for name, module in list(sys.modules.items()):
        if not name.startswith("conlab."):
            for known_as, value in list(getattr(module, "__dict__", {}).items()):
                if value is REAL_LOCAL or (type(value) is type(get_ident) and value in replaced):
                    yield module, known_as, replaced[value]
    yield logging, "_lock", RealRLock(scheduler, logging._lock)  # type: ignore[attr-defined]
    for kept in logging._handlerList:  # type: ignore[attr-defined]
        handler = kept()
        if handler is not None and handler.lock is not None:
            yield handler, "lock", RealRLock(scheduler, handler.lock)


def _numbering(scheduler: Scheduler, original: Callable[[], int]) -> Callable[[], int]:
    """Return what gives the number of a controlled thread, as `threading.get_ident` does."""

    @functools.wraps(original)
    def number() -> int:
        ident = get_ident()
        return scheduler.current.index + 1 if ident in scheduler.idents else original()

    return number


def _bound(scheduler: Scheduler, original: Any) -> Any:
    """Return a function that a greenlet cannot call."""

    @functools.wraps(original)
    def call(*arguments: Any, **options: Any) -> Any:
        if get_ident() in scheduler.idents:
            scheduler.need_real_threads()
        return original(*arguments, **options)

    return call


def _local_of_the_program(scheduler: Scheduler) -> type[threading.local]:
    """Return what stands for `threading.local`: greenlets would share the values of a real one."""

    class Kind(type):  # the real ones are of this kind, too
        def __instancecheck__(cls, instance: Any) -> bool:
            return cls.__subclasscheck__(instance.__class__)

        def __subclasscheck__(cls, kind: type) -> bool:
            return issubclass(kind, REAL_LOCAL) if cls is local else super().__subclasscheck__(kind)

    class local(REAL_LOCAL, metaclass=Kind):  # noqa: N801 - as the real one is called
        def __new__(cls, *arguments: Any, **options: Any) -> Any:
            if get_ident() in scheduler.idents:
                scheduler.need_real_threads()
            return REAL_LOCAL.__new__(REAL_LOCAL if cls is local else cls, *arguments, **options)

    return local


def locals_outside() -> list[threading.local] | None:
    """Find each `threading.local` that there is, so that greenlets can have values of their own.

    They cannot where it has an ``__init__``, which each real thread calls: then return None.
    """
    kinds: set[type] = set()
    waiting: list[type] = [REAL_LOCAL]
    while waiting:
        kind = waiting.pop()
        kinds.add(kind)
        waiting += type.__subclasses__(kind)
    gc.unfreeze()  # what is frozen is not among the objects
    found = [each for each in gc.get_referrers(*kinds) if type(each) in kinds]
    gc.freeze()
    if any(type(each).__init__ is not object.__init__ for each in found):
        return None
    return found


class RealRLock:
    """A re-entrant lock of a library that is not stepped: to greenlets it would be no lock."""

    def __init__(self, scheduler: Scheduler, real: Any) -> None:
        self._scheduler = scheduler
        self._real = real
        self._owners: list[ControlledThread | None] = []  # one for each time that it is held

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; where only real threads could tell who has it, begin anew on these."""
        controlled = get_ident() in self._scheduler.idents
        me = self._scheduler.current if controlled else None
        if controlled and self._owners and self._owners[-1] not in (None, me):
            self._scheduler.need_real_threads()
        taken: bool = self._real.acquire(blocking, timeout)
        if taken:
            self._owners.append(me)
        return taken

    def release(self) -> None:
        """Give it back."""
        self._owners.pop()
        self._real.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exception: object) -> None:
        self.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

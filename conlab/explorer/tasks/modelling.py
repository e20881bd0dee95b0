"""What is modelled of asyncio: the functions that make an event loop, and what is replaced beside.

Every replacement asks first whether it was called by a controlled thread.
"""

import asyncio
import functools
import warnings
from _thread import get_ident
from asyncio import events, selector_events, tasks
from collections.abc import Callable, Iterator
from typing import Any

from conlab.explorer.tasks import foreign_loops
from conlab.explorer.tasks.event_loop import Loop
from conlab.explorer.tasks.known_tasks import KnownTasks
from conlab.explorer.threads.scheduler import Scheduler

POLICY: Any = getattr(events, "BaseDefaultEventLoopPolicy", None) or getattr(
    events, "_BaseDefaultEventLoopPolicy", None
)  # what it is called until and from 3.14


def begin() -> None:
    """Forget what loop the last execution may have left as the current one of a thread."""
    policy = getattr(events, "_event_loop_policy", None)
    if getattr(policy, "_local", None) is not None:
        policy._local = type(policy._local)()  # type: ignore[union-attr]
    events._set_running_loop(None)


def replacements(scheduler: Scheduler, known: KnownTasks) -> Iterator[tuple[Any, str, Any]]:
    """Give what is to be replaced: where, by which name, by what."""
    idents = scheduler.idents

    def chosen(target: Any, name: str, ours: Callable[..., Any]) -> tuple[Any, str, Any]:
        original = getattr(target, name)

        @functools.wraps(original, updated=())
        def choose(*arguments: Any, **options: Any) -> Any:
            if get_ident() in idents:
                return ours(*arguments, **options)
            return original(*arguments, **options)

        return target, name, choose

    def new_loop(*_: Any, **__: Any) -> Loop:
        scheduler.need_real_threads()  # each has a running loop of its own
        policy = getattr(events, "_event_loop_policy", None)
        foreign_loops.insist_on_policy(scheduler, known.running, policy)
        return Loop(scheduler, known)

    for module in (asyncio, events):
        yield chosen(module, "new_event_loop", new_loop)
    if POLICY is not None:
        yield chosen(POLICY, "new_event_loop", new_loop)
    for name in ("SelectorEventLoop", "EventLoop"):
        if hasattr(asyncio, name):
            yield chosen(asyncio, name, new_loop)

    original_init = selector_events.BaseSelectorEventLoop.__init__

    def refuse_another(self: Any, *arguments: Any, **options: Any) -> None:
        if get_ident() in idents:
            scheduler.refuse(
                f"{known.running()} makes a {type(self).__name__}: {foreign_loops.OURS}"
            )
        original_init(self, *arguments, **options)

    yield selector_events.BaseSelectorEventLoop, "__init__", refuse_another

    yield from foreign_loops.replacements(scheduler, known.running)

    # A set of coroutines comes in the order of their addresses: here, in the order given.
    def in_order(*items: Any) -> Any:
        return dict.fromkeys(*items).keys() if items and get_ident() in idents else set(*items)

    yield tasks, "set", in_order

    original_warn = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined]

    def warn(coroutine: Any) -> None:
        if get_ident() in idents:
            known.unawaited(coroutine)
        elif (
            get_ident() != scheduler.search_thread.ident
        ):  # else it was collected between two executions
            original_warn(coroutine)

    yield warnings, "_warn_unawaited_coroutine", warn
    yield from _holders(idents, known)


def _holders(idents: set[int], known: KnownTasks) -> Iterator[tuple[Any, str, Any]]:
    """Have the locks and semaphores of asyncio remember who took them, as they do not."""
    for owner in (asyncio.Lock, asyncio.Semaphore):
        acquire, release = owner.acquire, owner.release

        def acquired(self: Any, acquire: Any = acquire) -> Any:
            return _remembering(self, acquire, known) if get_ident() in idents else acquire(self)

        def released(self: Any, release: Any = release) -> None:
            release(self)
            if get_ident() in idents:
                holders = known.holders.get(self, [])
                me = known.running()
                if holders:
                    holders.remove(me if me in holders else holders[0])

        yield owner, "acquire", functools.wraps(acquire)(acquired)
        yield owner, "release", functools.wraps(release)(released)


async def _remembering(lock: Any, acquire: Any, known: KnownTasks) -> Any:
    got = await acquire(lock)
    known.holders.setdefault(lock, []).append(known.running())
    return got

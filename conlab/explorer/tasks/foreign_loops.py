"""Event loops of others, as uvloop's: what runs on them is not controlled, so they are refused."""

import asyncio
import sys
from _thread import get_ident
from asyncio import events
from collections.abc import Callable, Iterator
from typing import Any

from conlab.explorer.tasks.event_loop import Loop
from conlab.explorer.threads.scheduler import Scheduler

OURS = (
    "only the event loops of asyncio.run, asyncio.Runner and asyncio.new_event_loop are controlled"
)
MAKERS = ("new_event_loop", "run", "install", "Loop")  # of the module uvloop


def replacements(scheduler: Scheduler, who: Callable[[], str]) -> Iterator[tuple[Any, str, Any]]:
    """Give what notices a foreign loop wherever asyncio comes to know of it."""
    idents = scheduler.idents

    def insist(loop: Any) -> None:
        if get_ident() in idents and loop is not None and not isinstance(loop, Loop):
            kind = type(loop)
            scheduler.refuse(f"{who()} runs a {kind.__module__}.{kind.__name__}: {OURS}")

    def giving(original: Callable[..., Any]) -> Callable[..., Any]:
        def get(*arguments: Any, **options: Any) -> Any:
            loop = original(*arguments, **options)
            insist(loop)
            return loop

        return get

    def taking(original: Callable[..., Any]) -> Callable[..., Any]:
        def take(*arguments: Any, **options: Any) -> Any:
            insist(arguments[0] if arguments else options.get("loop"))
            return original(*arguments, **options)

        return take

    def taking_policy(original: Callable[..., Any]) -> Callable[..., Any]:
        def take(policy: Any) -> None:
            if get_ident() in idents:
                insist_on_policy(scheduler, who, policy)
            original(policy)

        return take

    for module in (asyncio, events):
        yield module, "set_event_loop", taking(module.set_event_loop)
        yield module, "_set_running_loop", taking(module._set_running_loop)
        yield module, "get_running_loop", giving(module.get_running_loop)
        if hasattr(module, "set_event_loop_policy"):  # until 3.15
            yield module, "set_event_loop_policy", taking_policy(module.set_event_loop_policy)
    original = asyncio.Runner._lazy_init  # type: ignore[attr-defined]

    def begin(self: Any) -> None:
        original(self)
        insist(self._loop)

    yield asyncio.Runner, "_lazy_init", begin


def insist_on_policy(scheduler: Scheduler, who: Callable[[], str], policy: Any) -> None:
    """Refuse a policy of others: the loops that it makes would be theirs."""
    kind = type(policy)
    if policy is not None and not kind.__module__.startswith("asyncio."):
        scheduler.refuse(
            f"{who()} makes event loops by the policy {kind.__module__}.{kind.__name__}: {OURS}"
        )


class Uvloop:
    """The functions of uvloop, replaced for as long as an exploration lasts.

    They are in C, where nothing else notices the loop; and the program may be the first to import
    them.
    """

    def __init__(self, scheduler: Scheduler, who: Callable[[], str]) -> None:
        """Know nothing of it yet."""
        self._scheduler = scheduler
        self._who = who
        self._replaced: list[tuple[Any, str, Any]] = []

    def look(self) -> None:
        """Replace the functions, if the module has been imported meanwhile."""
        module = sys.modules.get("uvloop")
        if module is None or self._replaced:
            return
        for name in MAKERS:
            original = vars(module).get(name)  # what it makes when asked for is deprecated
            if original is not None:
                self._replaced.append((module, name, original))
                setattr(module, name, self._refusing(name, original))

    def restore(self) -> None:
        """Put them back."""
        for module, name, original in self._replaced:
            setattr(module, name, original)
        self._replaced.clear()

    def _refusing(self, name: str, original: Any) -> Callable[..., Any]:
        def refuse(*arguments: Any, **options: Any) -> Any:
            if get_ident() in self._scheduler.idents:
                self._scheduler.refuse(f"{self._who()} calls uvloop.{name}: {OURS}")
            return original(*arguments, **options)

        return refuse

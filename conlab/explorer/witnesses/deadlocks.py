"""Tells of a deadlock: who waits for what, where that was made, who took it at which line."""

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from types import FrameType
from typing import Any

from conlab.explorer.outcomes import Deadlocked, Waiting
from conlab.explorer.stepping.local_names import local_value
from conlab.explorer.threads.controlled_thread import ControlledThread
from conlab.explorer.threads.scheduler import Scheduler
from conlab.explorer.threads.waiting import ManyWaits
from conlab.explorer.witnesses.naming import assigned_in, made_at, receiver

# What is waited for in Python code of the standard library, by its class and method:
QUEUE = {"get": "an item of", "put": "room in", "join": "the items to be done of"}
INSIDE: list[tuple[type, dict[str, str]]] = [
    (queue.Queue, QUEUE),
    (threading.Event, {"wait": "somebody to set"}),
    (threading.Semaphore, {"acquire": "somebody to release", "__enter__": "somebody to release"}),
    (threading.Barrier, {"wait": "the others at"}),
    (threading.Condition, {"wait": "a notification of", "wait_for": "a notification of"}),
    (Future, {"result": "the result of", "exception": "the result of"}),
]


def deadlock_of(scheduler: Scheduler) -> Deadlocked:
    """Describe what the threads that are left wait for."""
    waits_for: dict[str, str] = {}
    waiting: list[Waiting] = []
    same: dict[str, list[Any]] = {}  # locks that are named alike
    for thread in scheduler.alive:
        assert thread.wait is not None
        who = scheduler.who_is(thread)
        holders = [*thread.wait.holders()]
        names, places = [each.name for each in holders], [""] * len(holders)
        if scheduler.observer is not None and hasattr(thread.wait, "made_at") and holders:
            taker, place = scheduler.observer.taken(thread.wait)
            names, places = [taker or names[0]], [place]
            if holders == [thread] and names != [who]:
                waits_for[names[0]] = who
                places = [f"{place}, a task of the same thread, which cannot go on meanwhile"]
        if names:
            waits_for[who] = names[0]
        frame = thread.runs_on.frame()
        what = _named(scheduler, thread, frame)
        if hasattr(thread.wait, "made_at"):
            alike = same.setdefault(what, [])
            if thread.wait not in alike:
                alike.append(thread.wait)
        told = Waiting(who, what, tuple(names), scheduler.line_of(frame), tuple(places))
        if isinstance(thread.wait, ManyWaits):
            inside = thread.wait.within()
            waits_for |= {each.thread: each.held_by[0] for each in inside if each.held_by}
            waiting += inside or [told]  # the tasks say all that there is to say
        else:
            waiting.append(told)
    return Deadlocked(tuple(waiting), _cycle(waits_for))


def _named(scheduler: Scheduler, thread: ControlledThread, frame: FrameType | None) -> str:
    """Name what a thread waits for, as the source does."""
    wait: Any = thread.wait
    inner, mine = list(_unstepped(scheduler, frame)), _stepped(scheduler, frame)
    text = receiver(mine)
    for each in inner:
        owner = local_value(each, "self")
        for kind, methods in INSIDE:
            if issubclass(type(owner), kind) and each.f_code.co_name in methods:
                if kind is threading.Condition and _is_within(inner, each):
                    continue
                name = type(owner).__name__
                known = assigned_in(sorted(scheduler.stepped), text, name, mine) if text else ""
                of = f"{known or text} ({_article(name)})" if text else _article(name)
                return f"{methods[each.f_code.co_name]} {of}"
    site = getattr(wait, "made_at", None)
    if site is None or wait.describe() == "a notification":
        described: str = wait.describe()
        return described
    known = made_at(*site) if site[0] in scheduler.stepped else ""
    if not known and text:
        known = assigned_in(sorted(scheduler.stepped), text, type(wait).__name__, mine) or text
    if known.startswith("made at"):
        known = f"a {type(wait).__name__} {known}"
    return known or f"a {type(wait).__name__}"


def _is_within(frames: list[FrameType], frame: FrameType) -> bool:
    """Whether a condition is a part of what is waited for: of a queue, an event, a future."""
    owners = [local_value(each, "self") for each in frames[frames.index(frame) + 1 :]]
    kinds = tuple(kind for kind, _ in INSIDE if kind is not threading.Condition)
    return any(issubclass(type(owner), kinds) for owner in owners)


def _unstepped(scheduler: Scheduler, frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None and frame.f_code.co_filename not in scheduler.stepped:
        yield frame
        frame = frame.f_back


def _stepped(scheduler: Scheduler, frame: FrameType | None) -> FrameType | None:
    while frame is not None and frame.f_code.co_filename not in scheduler.stepped:
        frame = frame.f_back
    return frame


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "AEIOU" else f"a {name}"


def _cycle(waits_for: dict[str, str]) -> tuple[str, ...]:
    """Return the names on a circle of the wait-for graph, or none."""
    for start in waits_for:
        path = [start]
        while (following := waits_for.get(path[-1])) is not None:
            if following == start:
                return tuple(path)
            if following in path:
                break
            path.append(following)
    return ()

"""The tasks of an execution: their names, what each waits for, what they lost, who cancels them."""

import asyncio
import gc
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, ref

from conlab.explorer.outcomes import SWALLOWED, Failure, Returned, Waiting
from conlab.explorer.tasks.cancellable import EXPLORER, LIBRARY, Cancellable
from conlab.explorer.tasks.task import Task, label
from conlab.explorer.threads.controlled_thread import ControlledThread
from conlab.explorer.threads.scheduler import Scheduler
from conlab.explorer.witnesses.naming import assigned_in, receiver

ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class KnownTasks:
    """What is known of the tasks of the execution."""

    def __init__(
        self, scheduler: Scheduler, cancellable: Cancellable, cancellations: int = 0
    ) -> None:
        """Cancel at most ``cancellations`` times in an execution, from outside, who may be."""
        self._scheduler = scheduler
        self._cancellable = cancellable
        self.cancellations = cancellations
        self.offered: dict[str, None] = {}  # the coroutines whose tasks were, in any execution
        self.execution = 0
        # From 3.14 on a future keeps the task that awaits it twice, to tell who awaits whom.
        twice = sys.version_info >= (3, 14)
        self._lonely_at_most = _references_of_one_that_is_kept_once() + twice
        self.begin()

    def begin(self) -> None:
        """Forget the last execution."""
        self.execution += 1
        self._collected: set[tuple[int, int]] = set()
        self.loops: list[asyncio.BaseEventLoop] = []
        self._known: list[ref[asyncio.Task[Any]]] = []
        self._named = 0
        self._numbers = 0
        self._left = self.cancellations
        self._to_cancel: set[int] = set()  # the numbers of those that may be
        self._cancellable.begin()
        self._settled = False
        self.holders: WeakKeyDictionary[Any, list[str]] = WeakKeyDictionary()
        self.interfered = False

    def number(self) -> int:
        """Return the next number for a hash."""
        self._numbers += 1
        return self._numbers

    def name(self) -> str:
        """Return the next name."""
        self._named += 1
        return f"Task-{self._named}"

    def track(self, task: asyncio.Task[Any], *, main: bool) -> None:
        """Take note of a new task."""
        self._known.append(ref(task))
        if not self.cancellations:
            return
        maker = sys._getframe(1)
        if main:
            self._cancellable.is_main(task.get_coro(), maker)
        if self._cancellable.may_be(task, maker, main=main):
            self._to_cancel.add(hash(task))

    def is_main(self, task: asyncio.Future[Any]) -> None:
        """Take note that the program runs this one until it is complete."""
        if self.cancellations and not self._cancellable.names:
            self._to_cancel.discard(hash(task))
            if isinstance(task, asyncio.Task):
                self._cancellable.is_main(task.get_coro(), sys._getframe(1))

    def alive(self) -> Iterator[asyncio.Task[Any]]:
        """Give the tasks that are not collected yet, in the order in which they were made."""
        for known in self._known:
            task = known()
            if task is not None:
                yield task

    def running(self) -> str:
        """Name who runs now: the task, or else the thread."""
        task = None
        if asyncio._get_running_loop() is not None:
            task = asyncio.current_task()
        return self._scheduler.current.name if task is None else label(task)

    def on(self, thread: ControlledThread) -> str:
        """Name the task that a thread runs, or else the thread."""
        for loop in self.loops:
            task = asyncio.current_task(loop)
            if task is not None and loop._thread_id == thread.index + 1:  # type: ignore[attr-defined]
                return label(task)
        return thread.name

    # -- what they lose ---------------------------------------------------------------------

    def reported(self, context: dict[str, Any]) -> None:
        """Take note of what asyncio says that nobody will see, in the words of its log."""
        heading = ADDRESS.sub("", context["message"].partition("\n")[0])
        error = context.get("exception")
        task = context.get("task") or context.get("future")
        who = label(task) if isinstance(task, asyncio.Task) else self.running()
        self._lose(who, heading, "" if error is None else repr(error))

    def unawaited(self, coroutine: Any) -> None:
        """Take note of a coroutine that is thrown away before anybody has awaited it."""
        name = getattr(coroutine, "__qualname__", type(coroutine).__name__)
        self._lose(self.running(), f"coroutine '{name}' was never awaited", "")

    def look_at(self, task: asyncio.Task[Any]) -> None:
        """Take note of a task that was cancelled and returned all the same."""
        if not self._settled and isinstance(task, Task) and task.has_swallowed():
            text = Returned(task.result()).text()
            self._lose(label(task), SWALLOWED, f"it returned {text}")

    def _lose(self, who: str, what: str, more: str) -> None:
        if not (self._settled or self._scheduler.ending or self._scheduler.over):
            self._scheduler.died.append(
                Failure(who, what, ADDRESS.sub("", more), "", by_dying=False)
            )

    def at_end(self) -> None:
        """Look at what is left, and end it: what is collected later must not run any more."""
        for task in self.alive():
            if not task.done():
                self._lose(label(task), "Task was destroyed but it is pending!", "")
                task._log_destroy_pending = False  # type: ignore[attr-defined]
            else:
                self.look_at(task)
                if task._log_traceback and not task.cancelled():
                    error = task.exception()
                    heading = "Task exception was never retrieved"
                    self._lose(label(task), heading, repr(error))
        self._settled = True
        for task in self.alive():
            coroutine = task.get_coro()
            if not task.done() and coroutine is not None:
                with suppress(BaseException):  # of its finally blocks; the execution is over
                    coroutine.close()

    # -- what they wait for -----------------------------------------------------------------

    def waiting(self, loop: asyncio.BaseEventLoop) -> list[Waiting]:
        """Tell what each task of a loop waits for, and who could end that."""
        pending = [t for t in self.alive() if not t.done() and t.get_loop() is loop]
        return [self._wait_of(task) for task in pending]

    def _wait_of(self, task: asyncio.Task[Any]) -> Waiting:
        frames = list(_frames(task))
        stepped = self._scheduler.stepped
        mine = [each for each in frames if each.f_code.co_filename in stepped]
        where = f"{Path(mine[-1].f_code.co_filename).name}:{mine[-1].f_lineno}" if mine else ""
        what, holders = self._awaited(task, frames)
        if what.rpartition(" ")[2] in NAMED:
            text = receiver(mine[-1]) if mine else ""
            kind = what.rpartition(".")[2]
            known = assigned_in(sorted(stepped), text, kind, mine[-1]) if text else ""
            what += f" ({known or text})" if text else ""
        return Waiting(label(task), what, tuple(holders), where)

    def _awaited(self, task: asyncio.Task[Any], frames: list[Any]) -> tuple[str, list[str]]:
        future = task._fut_waiter  # type: ignore[attr-defined]
        if isinstance(future, asyncio.Task):
            return f"the end of {label(future)}", [label(future)]
        for frame in _in_the_library(frames):
            owner = frame.f_locals.get("self")
            match owner:
                case asyncio.Lock() | asyncio.Semaphore():
                    return f"an asyncio.{type(owner).__name__}", self.holders.get(owner, [])
                case asyncio.Event():
                    return "somebody to set an asyncio.Event", []
                case asyncio.Condition() if frames[-1].f_locals.get("self") is not owner._lock:  # type: ignore[attr-defined]
                    return "a notification of an asyncio.Condition", []
                case asyncio.Barrier():
                    return "the others at an asyncio.Barrier", []
                case asyncio.Queue():
                    return QUEUES.get(frame.f_code.co_name, "an asyncio.Queue"), []
                case asyncio.TaskGroup():
                    tasks = _pending(owner._tasks)
                    return "the tasks of its asyncio.TaskGroup", tasks
            if frame.f_code.co_name == "_wait":
                return "tasks, in asyncio.wait", _pending(frame.f_locals.get("fs", ()))
        children = getattr(future, "_children", None)
        if children:
            return "the tasks of an asyncio.gather", _pending(children)
        return "a future that nobody completes", []

    # -- who ends them ----------------------------------------------------------------------

    def collect(self, loop: asyncio.BaseEventLoop) -> None:
        """Have the garbage collector come, if the schedule says so, where it may find a task.

        The loop keeps tasks weakly: one that only the future keeps for which it waits is garbage
        as soon as nobody keeps that.
        """
        found = []
        for known in self._known:
            task = known()
            if task is None or sys.getrefcount(task) > self._lonely_at_most or task.done():
                continue
            future = task._fut_waiter  # type: ignore[attr-defined]
            state = (hash(task), hash(future))
            if future is None or future.done() or state in self._collected:
                continue
            if task.get_loop() is loop:
                self._collected.add(state)
                found.append(task.get_name())
            del future
        task = None
        if found and self._scheduler.decide((0, 1), ("collector", *found)):
            gc.collect()

    def interfere(self, loop: asyncio.BaseEventLoop) -> None:
        """Cancel tasks from outside, if the schedule says so.

        Each that is not done may be, at every turn: before its first step, while it waits, when it
        has been woken and not resumed, and while it cleans up after an earlier cancellation.
        """
        here: set[int] = set()  # cancelled at this turn: to do it twice is to do it once
        while self._left:
            offered = [
                task
                for task in self.alive()
                if hash(task) in self._to_cancel
                and hash(task) not in here
                and not task.done()
                and task.get_loop() is loop
            ]
            if not offered:
                return
            self.offered |= dict.fromkeys(map(_name_of_coroutine, offered))
            names = [task.get_name() for task in offered]
            choice = self._scheduler.decide((0,) * (len(offered) + 1), ("cancel", *names))
            if not choice:
                return
            self._left -= 1
            self.interfered = True
            here.add(hash(offered[choice - 1]))
            offered[choice - 1].cancel()


def _name_of_coroutine(task: asyncio.Task[Any]) -> str:
    qualified: str = getattr(task.get_coro(), "__qualname__", "")
    return qualified.rpartition(".")[2] or task.get_name()


NAMED = {
    f"asyncio.{name}" for name in ["Lock", "Semaphore", "Event", "Condition", "Barrier", "Queue"]
}
QUEUES = {
    "get": "an item of an asyncio.Queue",
    "put": "room in an asyncio.Queue",
    "join": "the items to be done of an asyncio.Queue",
}


def _pending(tasks: Any) -> list[str]:
    pending = sorted((t for t in tasks if not t.done()), key=hash)
    return [label(task) for task in pending if isinstance(task, asyncio.Task)]


def _references_of_one_that_is_kept_once() -> int:
    """Count what `sys.getrefcount` says, where `KnownTasks.collect` asks, of what is kept once."""
    kept = [_Kept()]
    for known in [ref(kept[0])]:
        task = known()
        if task is not None:
            return sys.getrefcount(task)
    raise AssertionError("it is kept")


class _Kept:
    """Something to be kept."""


def _in_the_library(frames: list[Any]) -> list[Any]:
    """Return the frames that the program's own innermost one has called, from there on inwards."""
    start = len(frames)
    while start and frames[start - 1].f_code.co_filename.startswith((LIBRARY, EXPLORER)):
        start -= 1
    return frames[start:]


def _frames(task: asyncio.Task[Any]) -> Iterator[Any]:
    """Give the frames of what a task awaits, the outermost first."""
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = None
        for kind in ("cr", "gi", "ag"):
            frame = getattr(awaited, f"{kind}_frame", None) or frame
        if frame is None:
            return
        yield frame
        following = None
        for name in ("cr_await", "gi_yieldfrom", "ag_await"):
            following = getattr(awaited, name, None) or following
        awaited = following

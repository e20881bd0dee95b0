"""The lock, the re-entrant lock and the simple queue that the explorer controls.

Everything else of `threading`, `queue` and `concurrent.futures` is written in Python above these
and runs unmodified. Each operation behaves as its original does, errors included.
"""

import ast
import functools
import gc
import itertools
import queue
import sys
import threading
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Iterable
from sys import gettrace, settrace
from typing import Any, Self, TypeVar, cast

from conlab.errors import UserError
from conlab.explorer.threads.controlled_thread import ControlledThread
from conlab.explorer.threads.scheduler import Assumption, Scheduler
from conlab.explorer.threads.waiting import AccessLog, Identified

Method = TypeVar("Method", bound=Callable[..., Any])


def untraced(operation: Method) -> Method:
    """Have an operation run without the trace function of its thread, under which all is slower."""

    if sys.version_info >= (3, 12):  # where the explorer has none
        return operation

    @functools.wraps(operation)
    def run(self: Any, *arguments: Any, **options: Any) -> Any:
        tracing = gettrace()
        if tracing is None:
            return operation(self, *arguments, **options)
        settrace(None)
        try:
            return operation(self, *arguments, **options)
        finally:
            settrace(tracing)

    return cast("Method", run)


CreationSite = tuple[str, str, int]  # file, function, offset of the call that made a lock
UNDEFINED: Any = object()
REAL_LOCAL = threading.local


def _given_back(made_at: CreationSite) -> Assumption:
    """Return the assumption that a lock made there is released by nobody but its owner."""
    return ("given back", *made_at)


class Lock(Identified):
    """`threading.Lock`, controlled."""

    __slots__ = (
        "__weakref__",
        "_born",
        "_scheduler",
        "busy",
        "in_program",
        "made_at",
        "number",
        "owner",
    )

    def __init__(self, scheduler: Scheduler, made_at: CreationSite) -> None:
        """Begin free; ``made_at`` is where in the program it was made."""
        self._scheduler = scheduler
        self.identity = scheduler.identify()
        self._born = scheduler.steps
        self.made_at = made_at
        self.in_program = made_at[0] in scheduler.stepped  # then who holds it may stop at any time
        self.busy = False
        self.owner: ControlledThread | None = None
        scheduler.numbers += 1
        self.number = scheduler.numbers

    def reset(self) -> None:
        """Be free, as at the beginning of an execution."""
        self.busy = False
        self.owner = None
        self._born = -1

    def _may_be_given_back(self) -> bool:
        """Whether others than its owner release it, who may so find it free again."""
        return self._is_waiter() or _given_back(self.made_at) in self._scheduler.disproved

    def _looked_at(self) -> None:
        """Have releases be switch points: somebody can tell that the lock is taken."""
        if self.made_at not in self._scheduler.disproved:
            self._scheduler.disprove(self.made_at)

    @untraced
    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, as `threading.Lock.acquire` does."""
        scheduler = self._scheduler
        if scheduler.closed and self._is_left_over():
            return True
        if not blocking:
            if timeout != -1:
                raise ValueError("can't specify a timeout for a non-blocking call")
            if self.owner is not scheduler.current or self._may_be_given_back():
                if not self._is_waiter():
                    self._looked_at()
                scheduler.switch_point(("try to acquire", self.number))
            scheduler.touch("taken", self, writes=not self.busy)
            scheduler.touch("free", self, writes=False)
            if self.busy:
                return False
        elif timeout == -1:
            # Nobody else has run since a lock was made: to take it needs no switch point.
            if self._born != scheduler.steps or self.busy:
                scheduler.wait(self, ("acquire", self.number))
            if scheduler.step is not None:
                self.touch(scheduler)
        else:
            if timeout < 0:
                raise ValueError("timeout value must be a non-negative number")
            if timeout > threading.TIMEOUT_MAX:
                raise OverflowError("timeout value is too large")
            if self.owner is not scheduler.current:
                self._looked_at()
            in_time = scheduler.wait(self, ("acquire", self.number), timeout)
            scheduler.touch("taken", self, writes=in_time)
            scheduler.touch("free", self, writes=False)
            if not in_time:
                return False
        scheduler.progressed()
        self.busy = True
        self.owner = scheduler.current
        if scheduler.observer is not None:
            scheduler.observer.takes(self)
        return True

    def _is_left_over(self) -> bool:
        """Whether it outlives the exploration, and who asks is none of its threads.

        At its exit Python itself takes the locks of logging's handlers, of which some may be left.
        """
        return self._scheduler.closed and get_ident() not in self._scheduler.idents

    @untraced
    def release(self) -> None:
        """Give the lock back, whoever took it."""
        scheduler = self._scheduler
        if not self.busy and (scheduler.ending or self._is_left_over()):
            return
        if self.in_program or self.made_at in scheduler.disproved:
            scheduler.switch_point(("release", self.number))
        if self.owner is not scheduler.current:  # then another decides whether it is taken
            scheduler.touch("taken", self, writes=False)
            if not self.busy:
                scheduler.touch("free", self, writes=False)
                raise RuntimeError("release unlocked lock")
            if not (self._may_be_given_back() or scheduler.ending or scheduler.over):
                scheduler.disprove(_given_back(self.made_at))
        scheduler.progressed()
        if scheduler.step is not None:
            scheduler.touch("free", self, writes=True)
        if scheduler.observer is not None:
            scheduler.observer.gives(self)
        self.busy = False
        self.owner = None
        if scheduler.after_release:
            scheduler.switch_point(("released", self.number))

    def locked(self) -> bool:
        """Say whether somebody holds the lock."""
        self._looked_at()
        self._scheduler.switch_point(("look at", self.number))
        self._scheduler.touch("taken", self, writes=False)
        self._scheduler.touch("free", self, writes=False)
        return self.busy

    def touch(self, log: AccessLog) -> None:
        """Say that a step takes the lock: after who gave it back last, in a race with who takes."""
        log.touch("taken", self, writes=True)
        log.follow("free", self)

    __enter__ = acquire

    @untraced
    def __exit__(self, *exception: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self.busy = False
        self.owner = None

    def describe(self) -> str:
        """Name it for a person."""
        return "a notification" if self._is_waiter() else f"lock {self.number}"

    def holders(self) -> list[ControlledThread]:
        """Give who took it; the lock that a condition's waiter takes twice is nobody's."""
        return [self.owner] if self.owner is not None and not self._is_waiter() else []

    def _is_waiter(self) -> bool:
        return self.made_at[1] == "Condition.wait"

    def __repr__(self) -> str:
        """Say what the original says, with a number that is the same in every execution."""
        scheduler = self._scheduler
        locked = self.busy if scheduler.over or scheduler.closed else self.locked()
        return f"<{'locked' if locked else 'unlocked'} {self._kind()} at {self.number:#x}>"

    def _kind(self) -> str:
        return "_thread.lock object"


class RLock(Lock):
    """`threading.RLock`, controlled."""

    __slots__ = ("_count",)

    def __init__(self, scheduler: Scheduler, made_at: CreationSite) -> None:
        super().__init__(scheduler, made_at)
        self._count = 0

    @untraced
    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, once more if the caller has it."""
        if self.busy and self.owner is self._scheduler.current:
            self._count += 1
            return True
        if super().acquire(blocking, timeout):
            self._count = 1
            return True
        return False

    __enter__ = acquire

    @untraced
    def release(self) -> None:
        """Give the lock back when it was released as often as taken."""
        if not self.busy or self.owner is not self._scheduler.current:
            if self._scheduler.ending or self._is_left_over():
                return
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if self._count == 0:
            super().release()

    def _kind(self) -> str:
        owner = self.owner.index + 1 if self.owner is not None else 0
        return f"_thread.RLock object owner={owner} count={self._count if self.busy else 0}"

    def _is_owned(self) -> bool:
        return self.busy and self.owner is self._scheduler.current

    def _recursion_count(self) -> int:
        return self._count if self._is_owned() else 0

    def _release_save(self) -> int:
        count, self._count = self._count, 1
        self.release()
        return count

    def _acquire_restore(self, count: int) -> None:
        super().acquire()
        self._count = count


class SimpleQueue(Identified):
    """`queue.SimpleQueue`, controlled."""

    def __init__(self, scheduler: Scheduler, items: Iterable[Any] = ()) -> None:
        self._scheduler = scheduler
        self.identity = scheduler.identify()
        self._first = tuple(items)
        scheduler.numbers += 1
        self.number = scheduler.numbers
        self.reset()

    def reset(self) -> None:
        """Hold the first items again, as at the beginning of an execution."""
        self._items: deque[Any] = deque(self._first)
        self._put = len(self._first)  # how many items were ever put
        self._taken = 0

    @property
    def busy(self) -> bool:
        """Whether who wants an item must wait."""
        return not self._items

    @untraced
    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002
        """Add an item; never blocks."""
        if self._scheduler.ending:
            return  # an executor's weak reference calls this when an execution is being ended
        self._scheduler.switch_point(("put into", self.number))
        self._scheduler.progressed()
        self.put_unscheduled(item)
        if self._scheduler.after_release:
            self._scheduler.switch_point(("has put into", self.number))
        self._lets_go_of_its_pool()  # if it is a worker that has told the next to end

    put_nowait = put

    def _lets_go_of_its_pool(self) -> None:
        """Take note that this step of a worker may be the one in which its pool goes away."""
        if self._scheduler.current.holds_weakly:
            self._scheduler.current.holds_weakly = False
            self._scheduler.touch_everything("a worker's look for its pool")

    def put_unscheduled(self, item: Any) -> None:
        """Add an item when no thread runs that could be preempted."""
        self._items.append(item)
        self._put += 1
        self._scheduler.touch("puts", self, writes=True)
        self._scheduler.touch(("item", self._put), self, writes=True)

    def touch(self, log: AccessLog) -> None:
        """Say that a step takes an item: after who put it, in a race with who takes one."""
        log.touch("gets", self, writes=True)
        log.follow(("item", self._taken + 1), self)

    @untraced
    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the oldest item, waiting for one if asked to."""
        self._lets_go_of_its_pool()
        if not block:
            self._scheduler.switch_point(("get from", self.number))
            self._scheduler.touch("puts", self, writes=False)
            if not self._items:
                self._scheduler.touch("gets", self, writes=False)
                raise queue.Empty
        else:
            if timeout is not None and timeout < 0:
                raise ValueError("'timeout' must be a non-negative number")
            in_time = self._scheduler.wait(self, ("get from", self.number), timeout)
            if timeout is not None:
                self._scheduler.touch("puts", self, writes=False)
            if not in_time:
                self._scheduler.touch("gets", self, writes=False)
                raise queue.Empty
        self.touch(self._scheduler)
        self._taken += 1
        self._scheduler.progressed()
        return self._items.popleft()

    def get_nowait(self) -> Any:
        """Take the oldest item or raise `queue.Empty`."""
        return self.get(False)

    def empty(self) -> bool:
        """Say whether there is no item now."""
        return not self.qsize()

    def qsize(self) -> int:
        """Say how many items there are now."""
        self._scheduler.switch_point(("look at", self.number))
        self._scheduler.touch("puts", self, writes=False)
        self._scheduler.touch("gets", self, writes=False)
        return len(self._items)

    def __class_getitem__(cls, item: object) -> type[Self]:
        return cls

    def describe(self) -> str:
        """Name it for a person."""
        return f"an item of queue {self.number}"

    def holders(self) -> list[ControlledThread]:
        """Anybody may put an item: nobody is named."""
        return []


class Count:
    """`itertools.count`, for one that was made outside the program; one made inside is real."""

    def __init__(self, real: "itertools.count[Any]") -> None:
        """Begin, in every execution, with the number that comes next."""
        self._first = first_numbers(real)
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._numbers = itertools.count(*self._first)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return next(self._numbers)

    def __repr__(self) -> str:
        return repr(self._numbers)


def first_numbers(real: "itertools.count[Any]") -> tuple[Any, ...]:
    """Return the number that comes next, and the step if it is not 1: only its repr tells them."""
    try:
        return tuple(ast.literal_eval(f"[{repr(real).removeprefix('count(').removesuffix(')')}]"))
    except ValueError:
        raise UserError(
            f"{real} outside the program cannot be set back: count in plain numbers"
        ) from None


class Local:
    """`threading.local`, for one that was made outside the program; one made inside is real.

    It seems to be of the class of the real one, whose ``__init__`` each thread calls afresh.
    """

    def __init__(self, scheduler: Scheduler, real: threading.local) -> None:
        """Begin, in every execution, with what the main thread had set."""
        kind, (arguments, options) = type(real), _arguments_of(real)

        def initialise() -> None:
            if kind is not REAL_LOCAL:
                kind.__init__(self, *arguments, **options)

        object.__setattr__(self, "_parts", (scheduler, dict(vars(real)), {}, kind, initialise))

    def reset(self) -> None:
        """Forget what the threads of the last execution have set."""
        _, found, values, _, _ = self._parts
        values.clear()
        values[0] = dict(found)

    def __getattribute__(self, name: str) -> Any:
        if name in ("reset", "_parts"):
            return object.__getattribute__(self, name)
        scheduler, _, values, kind, initialise = object.__getattribute__(self, "_parts")
        if name == "__class__":
            return kind
        me = scheduler.current.index
        if me not in values:
            values[me] = {}
            initialise()
        mine = values[me]
        if name == "__dict__":
            return mine
        of_class = _of_class(kind, name)
        if hasattr(type(of_class), "__set__") or name not in mine:
            if of_class is UNDEFINED:
                return object.__getattribute__(self, name)
            bind = getattr(type(of_class), "__get__", None)
            return of_class if bind is None else bind(of_class, self, kind)
        return mine[name]

    def __setattr__(self, name: str, value: Any) -> None:
        of_class = _of_class(self.__class__, name)
        if hasattr(type(of_class), "__set__"):
            type(of_class).__set__(of_class, self, value)
        else:
            self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self.__dict__:
            raise AttributeError(name)
        del self.__dict__[name]


def _of_class(kind: type, name: str) -> Any:
    """Return what a subclass of `threading.local` defines by this name, or UNDEFINED."""
    for owner in kind.__mro__[: kind.__mro__.index(REAL_LOCAL)]:
        if name in vars(owner):
            return vars(owner)[name]
    return UNDEFINED


def _arguments_of(local: threading.local) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a local was made with: it keeps that for each thread, and nobody else knows."""
    kept = gc.get_referents(local)
    at = next(at for at, each in enumerate(kept) if type(each) is tuple)
    options: Any = kept[at + 1] if len(kept) > at + 1 else None
    if not (isinstance(options, dict) and all(isinstance(name, str) for name in options)):
        options = {}  # that is what each thread holds, by a weak reference
    return kept[at], options

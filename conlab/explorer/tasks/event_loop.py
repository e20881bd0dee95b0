"""The event loop: asyncio's own, on a clock and a select() that the schedule decides.

Everything that `asyncio.BaseEventLoop` does is left as it is: what `call_soon` queued runs first
in, first out, a turn at a time. Only what a loop asks of the system is decided here, once a turn:

- how late it is. Time stands still while anything is ready, unless the schedule lets it pass: a
  step may be as slow as it likes, and then timers are due that were not. They come in the order of
  their deadlines, behind what is ready already, as asyncio brings them.
- in which order timers of one deadline come, and whether all of them in one turn. asyncio's heap
  keeps no order among equals, and a sleep of the same length that began a moment later ends a
  moment later.
- when another thread comes in between: at each turn and each call of `call_soon`.

Each departure from the ordinary (time stands still while something is ready; timers of one deadline
come together, in the order in which they were set; the thread that runs goes on) costs 1.
"""

import asyncio
import heapq
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context
from itertools import takewhile
from typing import Any, TypeVarTuple

from conlab.explorer.outcomes import Waiting
from conlab.explorer.tasks.cancellable import EXPLORER, LIBRARY
from conlab.explorer.tasks.known_tasks import KnownTasks
from conlab.explorer.tasks.outside import OUTSIDE
from conlab.explorer.tasks.task import Future, Task
from conlab.explorer.threads.clocks import may_be_late
from conlab.explorer.threads.controlled_thread import ControlledThread
from conlab.explorer.threads.scheduler import MOST_ITERATIONS, START_OF_TIME, Assumption, Scheduler
from conlab.explorer.threads.waiting import AccessLog

OWN_CALLBACKS: Assumption = ("call soon",)  # that no thread but the loop's own queues a callback
Ts = TypeVarTuple("Ts")
GIVE_UP = frozenset(["asyncio.tasks", "asyncio.timeouts"])  # modules whose timers are timeouts
EAGER_TASKS_CRASH = (3, 12) <= sys.version_info < (3, 12, 2)
TIE = 1e-4  # seconds; deadlines closer to each other are one
LATE = 1e-6  # seconds by which a timer comes after its deadline, so that none seems to be early


class Selector:
    """What the loop asks for events: none ever come, but other threads may wake it."""

    def __init__(self, loop: "Loop", scheduler: Scheduler) -> None:
        self._loop = loop
        self._scheduler = scheduler
        self._iterations = 0  # in which something was ready although a timer or a thread waits
        self.woken = False
        self.executor: Any = None  # whose threads the loop waits for before it ends
        self.idle: Any = None  # the future that says that they have nothing left to do

    @property
    def busy(self) -> bool:
        """Whether the loop sleeps on: nobody has written to it."""
        return not self.woken and not self._at_rest()

    def _at_rest(self) -> bool:
        return self.executor is not None and _is_idle(self.executor)

    @property
    def for_time(self) -> bool:
        """Whether what ends its sleep is no timeout of a task, but what that waits for."""
        groups = _tied(self._loop.timers())
        return not any(map(_is_timeout, next(groups, ())))

    def touch(self, log: AccessLog) -> None:
        """Touch nothing: the steps of a loop are not traced."""

    def describe(self) -> str:
        """Name it for a person."""
        return "its event loop, which nothing wakes"

    def holders(self) -> list[ControlledThread]:
        """Any thread might wake it: nobody is named."""
        return []

    def within(self) -> list[Waiting]:
        """Tell what the tasks of the loop wait for."""
        return self._loop.tasks.waiting(self._loop)

    def select(self, timeout: float | None) -> tuple[()]:
        """Let time pass and other threads run, as the schedule says."""
        scheduler, loop = self._scheduler, self._loop
        if scheduler.observer is not None:
            scheduler.observer.asks(loop)
        loop.tasks.interfere(loop)
        loop.tasks.collect(loop)
        slept = False
        if timeout == 0 or loop.is_ready():  # who is cancelled from outside wakes the loop
            scheduler.switch_point(("turn",))
            self._iterations += 1
            if self._iterations > MOST_ITERATIONS:
                scheduler.yield_to_others(("turn",))
        else:
            first = min((timer.when() for timer in loop.timers()), default=None)
            left = None if first is None else max(0.0, first - loop.time())
            slept = not scheduler.wait(self, ("select",), left)
            self._iterations = 0
        self.woken = False
        if self._at_rest():
            self.executor = None
            self.idle.set_result(None)
        forced = slept or self._iterations > MOST_ITERATIONS
        if loop.bring_timers(forced=forced) or forced:
            self._iterations = 0
        return ()


class Loop(asyncio.BaseEventLoop):
    """An event loop whose every choice the schedule makes."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _task_factory: Any
    _default_executor: Any
    _thread_id: int | None

    def __init__(self, scheduler: Scheduler, tasks: KnownTasks) -> None:
        super().__init__()
        self.tasks = tasks
        self._scheduler = scheduler
        self._clock_resolution = 0.0
        self._selector = Selector(self, scheduler)
        self._timers: list[Any] = []  # in the order in which they were set
        self._main_comes = False
        tasks.loops.append(self)

    # -- what the system is asked ------------------------------------------------------------

    def time(self) -> float:
        """Return the virtual time, in seconds; to who is none of asyncio it may be late."""
        asker = sys._getframe(1)
        if asker.f_code.co_filename.startswith((LIBRARY, EXPLORER)):
            return START_OF_TIME + self._scheduler.clock
        late = may_be_late(self._scheduler, asker)
        return START_OF_TIME + self._scheduler.asked_for_time(may_be_late=late)

    def _process_events(self, event_list: object) -> None:
        """Nothing comes but by `call_soon_threadsafe`."""

    def _write_to_self(self) -> None:
        self._scheduler.progressed()
        self._selector.woken = True

    # -- choices ----------------------------------------------------------------------------

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Queue a callback; another thread may come before, if any ever does."""
        if OWN_CALLBACKS in self._scheduler.disproved:
            if len(self._scheduler.alive) > 1:
                self._scheduler.switch_point(("call soon",))
        elif self._thread_id not in (None, self._scheduler.current.index + 1):
            self._scheduler.disprove(OWN_CALLBACKS)
        return super().call_soon(callback, *args, context=context)

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Queue a callback and wake the loop; another thread may come before."""
        if OWN_CALLBACKS not in self._scheduler.disproved:
            self._scheduler.disprove(OWN_CALLBACKS)
        self._scheduler.switch_point(("call soon threadsafe",))
        return super().call_soon_threadsafe(callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Set a timer, remembering which came first."""
        timer = super().call_at(when, callback, *args, context=context)
        self._timers.append(timer)
        if self._scheduler.observer is not None:
            self._scheduler.observer.sets(self, timer)
        return timer

    def is_ready(self) -> bool:
        """Whether something is to be called in the next turn."""
        return bool(self._ready)

    def timers(self) -> list[Any]:
        """Return the timers that are set, by deadline and, where that is one, as they were set."""
        self._timers = [each for each in self._timers if each._scheduled and not each._cancelled]
        return sorted(self._timers, key=lambda timer: float(timer._when))

    def bring_timers(self, *, forced: bool) -> bool:
        """Make ready the timers that are due by now, at least one of them if ``forced``."""
        groups = list(_tied(self.timers()))
        if not groups:
            return False
        now = self.time()
        due = sum(group[0]._when <= now + TIE for group in groups)
        if forced:
            due = max(due, 1)
        timely = due
        if due < len(groups):
            due += self._decide(self._may_pass(groups, due) + 1, "time passes")
        if not due:
            return False
        of_one_deadline = [list(group) for group in groups[:due]]
        last = groups[due - 1]
        self._scheduler.clock = max(self._scheduler.clock, last[-1]._when - START_OF_TIME + LATE)
        coming = [
            timer for group in groups[: due - 1] for timer in self._ordered(group, last=False)
        ]
        coming += self._ordered(last, last=True)
        late = [timer for group in of_one_deadline[timely:] for timer in group]
        self._scheduler.early += any(map(_is_timeout, late)) or any(
            _gives_up_first(group, coming) for group in of_one_deadline
        )
        if self._scheduler.observer is not None:
            self._scheduler.observer.comes(self, coming)
        for timer in coming:
            timer._scheduled = False
            self._ready.append(timer)
        taken = set(map(id, coming))
        self._scheduled = [timer for timer in self._scheduled if id(timer) not in taken]
        heapq.heapify(self._scheduled)
        return True

    def _may_pass(self, groups: list[list[Any]], due: int) -> int:
        """Return how many more than the ``due`` deadlines may be over, as a step is slow."""
        later = groups[due:]
        if self._scheduler.timeouts:
            return len(later)
        return len(list(takewhile(lambda group: not any(map(_is_timeout, group)), later)))

    def _ordered(self, tied: list[Any], *, last: bool) -> list[Any]:
        """Return timers of one deadline in an order; of the last deadline, some may come later."""
        coming: list[Any] = []
        if not self._scheduler.timeouts:
            self._put_timeouts_off(tied)
        while tied:
            may_stop = last and bool(coming)
            if self._scheduler.observer is not None:
                self._scheduler.observer.tied(tied)
            choice = self._decide(len(tied) + may_stop, "timers of one deadline")
            if choice == len(tied):
                for timer in tied:
                    timer._when = self.time() + 2 * TIE
                break
            coming.append(tied.pop(choice))
        return coming

    def _put_timeouts_off(self, tied: list[Any]) -> None:
        """Have the timeouts of one deadline come a moment later, if others go on at it."""
        timeouts = list(filter(_is_timeout, tied))
        if 0 < len(timeouts) < len(tied):
            for timer in timeouts:
                timer._when = self.time() + 2 * TIE
                tied.remove(timer)

    def _decide(self, options: int, what: str) -> int:
        if options == 1:
            return 0
        return self._scheduler.decide((0,) + (1,) * (options - 1), (what,))

    # -- tasks ------------------------------------------------------------------------------

    def create_future(self) -> Any:
        """Make a future whose hash is no address."""
        return Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> Any:
        """Make a task with a name and a hash that are the same in every execution."""
        main, self._main_comes = self._main_comes, False
        if options.get("name") is None:
            options["name"] = self.tasks.name()
        if self._task_factory is None:
            self._check_closed()  # type: ignore[attr-defined]
            task: asyncio.Task[Any] = Task(coro, loop=self, **options)
        else:
            task = super().create_task(coro, **options)
        self.tasks.track(task, main=main)
        return task

    def set_task_factory(self, factory: Any) -> None:
        """Take a factory; the eager one of asyncio makes our tasks, too."""
        if EAGER_TASKS_CRASH and "eager" in getattr(factory, "__qualname__", ""):
            self._scheduler.refuse(
                f"{self.tasks.running()} sets a task factory: tasks that are begun at once crash"
                f" this Python, {sys.version.split()[0]}, when they are explored. Explore it with"
                " 3.12.2 or later"
            )
        if factory is not None and factory is getattr(asyncio, "eager_task_factory", None):
            factory = asyncio.create_eager_task_factory(Task)  # type: ignore[attr-defined]
        super().set_task_factory(factory)

    def run_until_complete(self, future: Any) -> Any:
        """Run; what is run so is the main task, which nobody cancels from outside."""
        if isinstance(future, asyncio.Future):
            self.tasks.is_main(future)
        else:
            self._main_comes = True
        return super().run_until_complete(future)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Take note of what asyncio would log."""
        if self in self.tasks.loops:  # and not in those of an earlier execution
            self.tasks.reported(context)

    # -- the end ----------------------------------------------------------------------------

    async def shutdown_default_executor(self, timeout: Any = None) -> None:  # noqa: ARG002, ASYNC109
        """Wait until the executor's threads are idle; to end them needs no schedule."""
        self._executor_shutdown_called = True
        executor, self._default_executor = self._default_executor, None
        if executor is None:
            return
        if not _is_idle(executor):
            self._selector.idle, self._selector.executor = self.create_future(), executor
            await self._selector.idle
        self._scheduler.dismiss(executor._threads)

    def __del__(self) -> None:
        """Say nothing of a loop that was not closed, as its execution was ended."""


def _tied(timers: list[Any]) -> Iterator[list[Any]]:
    group: list[Any] = []
    for timer in timers:
        if group and timer._when > group[0]._when + TIE:
            yield group
            group = []
        group.append(timer)
    if group:
        yield group


def _gives_up_first(tied: list[Any], coming: list[Any]) -> bool:
    """Whether a timeout comes before what goes on at the same deadline."""
    place = {id(timer): at for at, timer in enumerate(coming)}
    timeouts = [place.get(id(timer), len(coming)) for timer in tied if _is_timeout(timer)]
    others = [place.get(id(timer), len(coming)) for timer in tied if not _is_timeout(timer)]
    return bool(timeouts and others) and min(timeouts) < max(others)


def _is_timeout(timer: Any) -> bool:
    """Whether somebody gives up when the timer comes, who waits for something else than time."""
    function = timer._callback
    name = getattr(function, "__qualname__", "")
    return getattr(function, "__module__", "") in GIVE_UP or "timeout" in name.lower()


def _is_idle(executor: Any) -> bool:
    """Whether every thread of a pool waits for work, and there is none."""
    queue = executor._work_queue
    controlled = [thread._controlled for thread in executor._threads]
    return queue.busy and all(each.done or each.wait is queue for each in controlled)


def _refusal(name: str, what: str) -> Callable[..., Any]:
    def refuse(loop: Loop, *_: Any, **__: Any) -> Any:
        loop._scheduler.refuse(
            f"{loop.tasks.running()} {what} (loop.{name}): the world outside is not controlled."
            " Let a sleep or a future stand for it"
        )

    refuse.__name__ = name
    refuse.__doc__ = "Refuse: the world outside is not controlled."
    return refuse


for _what, _names in OUTSIDE.items():
    for _name in _names.split():
        setattr(Loop, _name, _refusal(_name, _what))

"""What is modelled of threads: which functions of the standard library are replaced, and by what.

Every replacement asks first whether it was called by a controlled thread; any other thread of the
process (a test runner's, say) gets the original.
"""

import _thread
import builtins
import contextvars
import functools
import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from _thread import get_ident
from collections.abc import Callable, Iterator
from concurrent.futures import _base as futures
from concurrent.futures import thread as pools
from multiprocessing.process import BaseProcess
from types import FrameType, FunctionType, MethodType
from typing import Any

from conlab.explorer.serial import division
from conlab.explorer.serial.division import BETWEEN_CALLS
from conlab.explorer.threads import clocks
from conlab.explorer.threads.controlled_thread import ControlledThread
from conlab.explorer.threads.primitives import CreationSite, Lock, RLock, SimpleQueue, untraced
from conlab.explorer.threads.scheduler import (
    START_OF_TIME,
    Assumption,
    ExecutionEnded,
    Scheduler,
    failure_of,
)
from conlab.explorer.threads.waiting import SLEEP

REAL_ID = id
SIGNALS = ("alarm", "setitimer", "pause", "raise_signal", "siginterrupt", "set_wakeup_fd")
ALONE = (
    "only what threading starts is controlled. Let a thread, or a function that returns what the"
    " process would, stand for it"
)
NOBODY_LOOKS: Assumption = ("ends",)  # that nobody asks whether a thread is still alive


def _creation_site(frame: FrameType) -> CreationSite:
    """Where a lock is made; a condition's own lock, where the condition is."""
    if frame.f_code is threading.Condition.__init__.__code__ and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_code.co_qualname, frame.f_lasti


def begin() -> None:
    """Set back what an execution counts on: names and hashes must not differ between two."""
    threading._counter = itertools.count(1).__next__  # type: ignore[attr-defined]
    pools._shutdown = False
    pools._threads_queues = {}
    pools.ThreadPoolExecutor._counter = itertools.count().__next__  # type: ignore[attr-defined]


def exit_program() -> None:
    """Tell the workers of pools that nobody shut down that the program ends, as Python does."""
    pools._shutdown = True
    for work in pools._threads_queues.values():
        work.put_unscheduled(None)


def replacements(scheduler: Scheduler) -> Iterator[tuple[Any, str, Any]]:
    """Give what is to be replaced: where, by which name, by what."""
    idents = scheduler.idents
    real_lock, real_rlock = threading.Lock, threading.RLock

    def controlled(target: Any, name: str, ours: Callable[..., Any]) -> tuple[Any, str, Any]:
        original = getattr(target, name, None) or getattr(builtins, name)

        @functools.wraps(original, updated=())
        def choose(*arguments: Any, **options: Any) -> Any:
            if get_ident() in idents:
                return ours(*arguments, **options)
            return original(*arguments, **options)

        return target, name, choose

    def new_lock() -> Any:
        return (
            Lock(scheduler, _creation_site(sys._getframe(1)))
            if get_ident() in idents
            else real_lock()
        )

    def new_rlock() -> Any:
        return (
            RLock(scheduler, _creation_site(sys._getframe(1)))
            if get_ident() in idents
            else real_rlock()
        )

    yield threading, "Lock", new_lock
    yield threading, "_allocate_lock", new_lock
    yield threading, "RLock", new_rlock
    if hasattr(functools, "RLock"):
        yield functools, "RLock", new_rlock  # until 3.11 each cached_property has one
    yield controlled(queue, "SimpleQueue", lambda: SimpleQueue(scheduler))

    def sleep(seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        scheduler.wait(SLEEP, ("sleep",), seconds)

    yield controlled(time, "sleep", sleep)
    yield controlled(division, "between_calls", lambda: scheduler.switch_point(BETWEEN_CALLS))
    # First, as these are `time.monotonic`, of which what comes last takes the place in a program.
    yield controlled(threading, "_time", lambda: START_OF_TIME + scheduler.now())
    yield controlled(queue, "time", lambda: START_OF_TIME + scheduler.now())
    for name, ours in clocks.functions(scheduler).items():
        yield controlled(time, name, ours)

    for name in ("excepthook", "__excepthook__"):
        yield controlled(threading, name, lambda arguments: _died(scheduler, arguments))
    yield controlled(threading, "get_ident", lambda: scheduler.current.index + 1)
    yield controlled(threading, "get_native_id", lambda: scheduler.current.index + 1)
    yield controlled(threading, "current_thread", lambda: _thread_of(scheduler.current))
    yield controlled(threading, "enumerate", lambda: [_thread_of(each) for each in scheduler.alive])
    yield controlled(threading, "active_count", lambda: len(scheduler.alive))
    yield threading, "_counter", threading._counter  # type: ignore[attr-defined]
    methods: list[tuple[str, Callable[..., Any]]] = [
        ("__hash__", lambda thread: _number(scheduler, thread)),
        ("start", functools.partial(_start, scheduler)),
        ("join", lambda thread, timeout=None: _join(scheduler, thread, timeout)),
        ("is_alive", lambda thread: _is_alive(scheduler, thread)),
    ]
    yield threading, "_dangling", _Dangling(threading._dangling, idents)  # type: ignore[attr-defined]
    yield threading.Thread, "__init__", _initialisation(idents)
    for name, method in methods:
        yield _method(scheduler, threading.Thread, name, method)
    yield threading.Thread, "ident", property(lambda thread: _ident(scheduler, thread))
    yield controlled(builtins, "id", lambda thing: _id(scheduler, thing))

    # Its locks are made at import time, and it orders futures by address.
    yield pools, "_threads_queues", {}
    yield pools, "_shutdown", False
    yield pools.ThreadPoolExecutor, "_counter", None
    yield _method(scheduler, futures.Future, "__hash__", lambda future: _number(scheduler, future))
    yield controlled(futures, "id", lambda each: _number(scheduler, each))
    yield controlled(futures.LOGGER, "critical", lambda *_, **__: None)
    yield controlled(sys, "unraisablehook", lambda _: None)

    def refuse(what: str) -> Callable[..., Any]:
        return lambda *_, **__: scheduler.refuse(f"thread {scheduler.current.name!r} {what}")

    for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system"):
        if hasattr(os, name):
            yield controlled(os, name, refuse(f"starts another process by os.{name}: {ALONE}"))
    for name in ("_exit", "abort", "execv", "execve"):
        if hasattr(os, name):
            yield controlled(os, name, refuse(f"ends or replaces this process by os.{name}"))
    for name in ("kill", "killpg"):
        if hasattr(os, name):
            yield controlled(os, name, refuse(f"calls os.{name}: signals are not controlled"))
    for name in SIGNALS:
        if hasattr(signal, name):
            yield controlled(
                signal, name, refuse(f"calls signal.{name}: signals are not controlled")
            )
    yield _setting_of_a_handler(scheduler)
    process = f"starts another process: {ALONE}"
    yield _method(scheduler, subprocess.Popen, "__init__", refuse(process))
    # At its start: Python would wait at its exit for a process that is stuck as its parent is.
    yield _method(scheduler, BaseProcess, "start", refuse(process))
    yield controlled(_thread, "start_new_thread", refuse(f"uses _thread.start_new_thread: {ALONE}"))
    yield sys, "stdout", _Muffled(sys.stdout, idents)
    yield sys, "stderr", _Muffled(sys.stderr, idents)


def _method(
    scheduler: Scheduler, owner: type, name: str, ours: Callable[..., Any]
) -> tuple[Any, str, Any]:
    idents = scheduler.idents
    original = getattr(owner, name)

    @functools.wraps(original)
    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        if get_ident() in idents:
            return ours(self, *arguments, **options)
        return original(self, *arguments, **options)

    return owner, name, method


def _setting_of_a_handler(scheduler: Scheduler) -> tuple[Any, str, Any]:
    """Refuse to handle a signal, but not to `asyncio.Runner`, which can do without.

    In any other thread than the main one that is an error of the program's own.
    """
    original = signal.signal

    @functools.wraps(original)
    def handle(number: Any, handler: Any) -> Any:
        by_asyncio = sys._getframe(1).f_globals.get("__name__") == "asyncio.runners"
        controlled = get_ident() in scheduler.idents
        if controlled and scheduler.current.index == 0 and not by_asyncio:
            scheduler.refuse("thread 'main' calls signal.signal: signals are not controlled")
        return original(number, handler)

    return signal, "signal", handle


class _Dangling:
    """Where `threading` keeps all threads weakly, which takes it as long as all else of them."""

    def __init__(self, real: Any, idents: set[int]) -> None:
        self._real = real
        self._idents = idents

    def add(self, thread: threading.Thread) -> None:
        """Keep a thread that is not controlled."""
        if get_ident() not in self._idents:
            self._real.add(thread)

    def __iter__(self) -> Iterator[threading.Thread]:
        return iter(self._real)


def _initialisation(idents: set[int]) -> Callable[..., None]:
    """Return what initialises a thread: where that enters no code of the program, untraced."""
    original = threading.Thread.__init__
    silently = untraced(original)

    @functools.wraps(original)
    def __init__(  # noqa: N807 - a call that enters this is told by its name
        self: Any, group: Any = None, target: Any = None, name: Any = None, *rest: Any, **more: Any
    ) -> None:
        plain = isinstance(target, FunctionType | MethodType | None) and name is None
        initialise = silently if plain and get_ident() in idents else original
        initialise(self, group, target, name, *rest, **more)

    return __init__


def _thread_of(controlled: ControlledThread) -> threading.Thread:
    return controlled.thread or threading.main_thread()


def _controlled(scheduler: Scheduler, thread: Any) -> ControlledThread | None:
    if thread is threading.main_thread():
        return scheduler.threads[0]
    controlled: ControlledThread | None = getattr(thread, "_controlled", None)
    return controlled


def _ident(scheduler: Scheduler, thread: Any) -> int | None:
    if thread is threading.main_thread() and get_ident() in scheduler.idents:
        return 1
    ident: int | None = thread._ident
    return ident


def _id(scheduler: Scheduler, thing: object) -> int:
    """Number what the program asks the address of: that would be another in every execution."""
    address = REAL_ID(thing)
    if sys._getframe(3).f_code.co_filename not in scheduler.stepped or scheduler.is_permanent(
        address
    ):
        return address
    if address not in scheduler.numbered:
        scheduler.touch("numbers", None, writes=True)
        scheduler.numbered[address] = len(scheduler.numbered) + 1, thing
    return scheduler.numbered[address][0]


def _number(scheduler: Scheduler, hashed: Any) -> int:
    """Number what is hashed or ordered by address otherwise, in the order of asking."""
    if "_conlab_number" not in hashed.__dict__:
        scheduler.touch("numbers", None, writes=True)
        scheduler.numbers += 1
        hashed._conlab_number = scheduler.numbers
    number: int = hashed._conlab_number
    return number


@untraced
def _start(scheduler: Scheduler, thread: Any) -> None:
    if not thread._initialized:
        raise RuntimeError("thread.__init__() not called")
    if thread._started._flag:
        raise RuntimeError("threads can only be started once")
    thread._started._flag = True

    def run() -> None:
        try:
            contextvars.Context().run(thread.run)
            if NOBODY_LOOKS in scheduler.disproved:
                scheduler.switch_point(("end",))
        except ExecutionEnded:
            raise
        except BaseException:
            thread._invoke_excepthook(thread)

    thread._controlled = controlled = scheduler.spawn(thread, run)
    thread._ident = controlled.index + 1
    if scheduler.after_release:
        scheduler.switch_point(("has started", controlled.index))


@untraced
def _join(scheduler: Scheduler, thread: Any, timeout: float | None) -> None:
    if not thread._initialized:
        raise RuntimeError("Thread.__init__() not called")
    controlled = _controlled(scheduler, thread)
    if controlled is None:
        raise RuntimeError("cannot join thread before it is started")
    if controlled is scheduler.current:
        raise RuntimeError("cannot join current thread")
    scheduler.wait(
        controlled, ("join", controlled.index), None if timeout is None else max(timeout, 0)
    )
    if timeout is None:
        controlled.touch(scheduler)
    else:
        scheduler.touch("end", controlled, writes=False)


def _is_alive(scheduler: Scheduler, thread: Any) -> bool:
    controlled = _controlled(scheduler, thread)
    if NOBODY_LOOKS not in scheduler.disproved:
        scheduler.disprove(NOBODY_LOOKS)
    scheduler.switch_point(("is alive", -1 if controlled is None else controlled.index))
    scheduler.touch("end", controlled, writes=False)
    return controlled is not None and not controlled.done


def _died(scheduler: Scheduler, arguments: Any) -> None:
    thread, error = arguments.thread, arguments.exc_value
    if isinstance(error, SystemExit):
        return
    with scheduler.aside():
        scheduler.died.append(failure_of(thread.name, error))


class _Muffled:
    """A stream that swallows what threads write: they would say the same thousands of times."""

    def __init__(self, stream: Any, idents: set[int]) -> None:
        self._stream = stream
        self._idents = idents

    def write(self, text: str) -> int:
        """Write, or only count."""
        if get_ident() in self._idents:
            return len(text)
        written: int = self._stream.write(text)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

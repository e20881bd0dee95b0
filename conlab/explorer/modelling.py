"""Puts the controlled primitives where the program looks for them, and takes them away again.

Every replacement asks first whether it was called by a strand; any other thread of the process
(a test runner's, say) gets the original.
"""

import _thread
import builtins
import contextvars
import functools
import itertools
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import _base as futures
from concurrent.futures import thread as pools
from contextlib import ExitStack, contextmanager, nullcontext
from types import FrameType
from typing import Any
from unittest import mock

from conlab.explorer import asyncio_modelling
from conlab.explorer.primitives import SLEEPING, Lock, Place, RLock, SimpleQueue, untraced
from conlab.explorer.stage import START_OF_TIME, Ended, Key, Stage, Strand, failure_of
from conlab.explorer.surroundings import Surroundings
from conlab.explorer.tasks import Tasks

REAL_ID = id
ALONE = "only what threading starts is controlled"
ENDS: Key = ("ends",)  # that nobody asks whether a thread is still alive


@contextmanager
def modelled(stage: Stage, program: Any, tasks: Tasks) -> Iterator[Surroundings]:
    """Let the strands of ``stage`` use controlled primitives for as long as the context lasts.

    Yields the program's surroundings, to be set back before each run.
    """
    with ExitStack() as stack:
        replaced = {}
        for target, name, replacement in itertools.chain(
            _replacements(stage), asyncio_modelling.replacements(stage, tasks)
        ):
            original = getattr(target, name, None)
            if callable(replacement) and not isinstance(target, type) and original is not None:
                replaced[original] = replacement
            stack.enter_context(mock.patch.object(target, name, replacement, create=True))

        hooks = threading.excepthook, threading.__excepthook__

        def begin() -> None:
            _begin()
            threading.excepthook, threading.__excepthook__ = hooks
            asyncio_modelling.begin()
            tasks.begin()

        stage.begin = begin
        stage.exit = _exit
        stage.settle = tasks.settle
        stage.actor = tasks.running
        surroundings = Surroundings(stage, replaced)
        stage.knows = surroundings.knows
        stack.callback(surroundings.restore)
        surroundings.find(program)
        yield surroundings


def _place(frame: FrameType) -> Place:
    """Where a lock is made; a condition's own lock, where the condition is."""
    if frame.f_code is threading.Condition.__init__.__code__ and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_code.co_qualname, frame.f_lasti


def _begin() -> None:
    """Set back what a run counts on: names and hashes must not differ from run to run."""
    threading._counter = itertools.count(1).__next__  # type: ignore[attr-defined]
    pools._shutdown = False
    pools._threads_queues = {}
    pools.ThreadPoolExecutor._counter = itertools.count().__next__  # type: ignore[attr-defined]


def _exit() -> None:
    """Tell the workers of pools that nobody shut down that the program ends, as Python does."""
    pools._shutdown = True
    for work in pools._threads_queues.values():
        work.tell(None)


def _replacements(stage: Stage) -> Iterator[tuple[Any, str, Any]]:
    idents = stage.idents
    get_ident = _thread.get_ident
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
        return Lock(stage, _place(sys._getframe(1))) if get_ident() in idents else real_lock()

    def new_rlock() -> Any:
        return RLock(stage, _place(sys._getframe(1))) if get_ident() in idents else real_rlock()

    yield threading, "Lock", new_lock
    yield threading, "_allocate_lock", new_lock
    yield threading, "RLock", new_rlock
    if hasattr(functools, "RLock"):
        yield functools, "RLock", new_rlock  # until 3.11 each cached_property has one
    yield controlled(queue, "SimpleQueue", lambda: SimpleQueue(stage))

    def sleep(seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        stage.wait(SLEEPING, ("sleep",), seconds)

    yield controlled(time, "sleep", sleep)
    for name in ("monotonic", "perf_counter", "time", "process_time", "thread_time"):
        yield controlled(time, name, lambda: START_OF_TIME + stage.clock)
        yield controlled(time, f"{name}_ns", lambda: int((START_OF_TIME + stage.clock) * 1e9))
    yield controlled(threading, "_time", lambda: START_OF_TIME + stage.clock)
    yield controlled(queue, "time", lambda: START_OF_TIME + stage.clock)

    for name in ("excepthook", "__excepthook__"):
        yield controlled(threading, name, lambda arguments: _died(stage, arguments))
    yield controlled(threading, "get_ident", lambda: stage.current.index + 1)
    yield controlled(threading, "get_native_id", lambda: stage.current.index + 1)
    yield controlled(threading, "current_thread", lambda: _thread_of(stage.current))
    yield controlled(threading, "enumerate", lambda: [_thread_of(each) for each in stage.alive])
    yield controlled(threading, "active_count", lambda: len(stage.alive))
    yield threading, "_counter", threading._counter  # type: ignore[attr-defined]
    methods: list[tuple[str, Callable[..., Any]]] = [
        ("__hash__", lambda thread: _number(stage, thread)),
        ("start", lambda thread: _start(stage, thread)),
        ("join", lambda thread, timeout=None: _join(stage, thread, timeout)),
        ("is_alive", lambda thread: _is_alive(stage, thread)),
    ]
    for name, method in methods:
        yield _method(stage, threading.Thread, name, method)
    yield threading.Thread, "ident", property(lambda thread: _ident(stage, thread))
    yield controlled(builtins, "id", lambda thing: _id(stage, thing))

    # Its locks are made at import time, and it orders futures by address.
    yield pools, "_global_shutdown_lock", nullcontext()
    yield pools, "_threads_queues", {}
    yield pools, "_shutdown", False
    yield pools.ThreadPoolExecutor, "_counter", None
    yield _method(stage, futures.Future, "__hash__", lambda future: _number(stage, future))
    yield controlled(futures, "id", lambda each: _number(stage, each))
    yield controlled(futures.LOGGER, "critical", lambda *_, **__: None)
    yield controlled(sys, "unraisablehook", lambda _: None)

    def refuse(what: str) -> Callable[..., Any]:
        return lambda *_, **__: stage.refuse(f"thread {stage.current.name!r} {what}")

    for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system"):
        if hasattr(os, name):
            yield controlled(os, name, refuse(f"starts another process by os.{name}: {ALONE}"))
    process = f"starts another process: {ALONE}"
    yield _method(stage, subprocess.Popen, "__init__", refuse(process))
    yield controlled(_thread, "start_new_thread", refuse(f"uses _thread.start_new_thread: {ALONE}"))
    yield sys, "stdout", _Muffled(sys.stdout, idents)
    yield sys, "stderr", _Muffled(sys.stderr, idents)


def _method(stage: Stage, owner: type, name: str, ours: Callable[..., Any]) -> tuple[Any, str, Any]:
    idents = stage.idents
    get_ident = _thread.get_ident
    original = getattr(owner, name)

    @functools.wraps(original)
    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        if get_ident() in idents:
            return ours(self, *arguments, **options)
        return original(self, *arguments, **options)

    return owner, name, method


def _thread_of(strand: Strand) -> threading.Thread:
    return strand.thread or threading.main_thread()


def _strand_of(stage: Stage, thread: Any) -> Strand | None:
    if thread is threading.main_thread():
        return stage.strands[0]
    strand: Strand | None = getattr(thread, "_strand", None)
    return strand


def _ident(stage: Stage, thread: Any) -> int | None:
    if thread is threading.main_thread() and _thread.get_ident() in stage.idents:
        return 1
    ident: int | None = thread._ident
    return ident


def _id(stage: Stage, thing: object) -> int:
    """Number what the program asks the address of: that would be another in every run."""
    address = REAL_ID(thing)
    if sys._getframe(3).f_code.co_filename not in stage.stepped or stage.knows(address):
        return address
    stage.numbered.setdefault(address, (len(stage.numbered) + 1, thing))
    return stage.numbered[address][0]


def _number(stage: Stage, hashed: Any) -> int:
    """Number what is hashed or ordered by address otherwise, in the order of asking."""
    if "_conlab_number" not in hashed.__dict__:
        stage.numbers += 1
        hashed._conlab_number = stage.numbers
    number: int = hashed._conlab_number
    return number


@untraced
def _start(stage: Stage, thread: Any) -> None:
    if not thread._initialized:
        raise RuntimeError("thread.__init__() not called")
    if thread._started._flag:
        raise RuntimeError("threads can only be started once")
    thread._started._flag = True

    def run() -> None:
        try:
            contextvars.Context().run(thread.run)
            if ENDS in stage.assumptions:
                stage.pause(("end",))
        except Ended:
            raise
        except BaseException:
            thread._invoke_excepthook(thread)

    thread._strand = strand = stage.spawn(thread, run)
    thread._ident = strand.index + 1
    if stage.after_release:
        stage.pause(("has started", strand.index))


@untraced
def _join(stage: Stage, thread: Any, timeout: float | None) -> None:
    if not thread._initialized:
        raise RuntimeError("Thread.__init__() not called")
    strand = _strand_of(stage, thread)
    if strand is None:
        raise RuntimeError("cannot join thread before it is started")
    if strand is stage.current:
        raise RuntimeError("cannot join current thread")
    stage.wait(strand, ("join", strand.index), None if timeout is None else max(timeout, 0))


def _is_alive(stage: Stage, thread: Any) -> bool:
    strand = _strand_of(stage, thread)
    if ENDS not in stage.assumptions:
        stage.disprove(ENDS)
    stage.pause(("is alive", -1 if strand is None else strand.index))
    return strand is not None and not strand.done


def _died(stage: Stage, arguments: Any) -> None:
    thread, error = arguments.thread, arguments.exc_value
    if isinstance(error, SystemExit):
        return
    stage.died.append(failure_of(thread.name, error))


class _Muffled:
    """A stream that swallows what strands write: they would say the same thousands of times."""

    def __init__(self, stream: Any, idents: set[int]) -> None:
        self._stream = stream
        self._idents = idents

    def write(self, text: str) -> int:
        """Write, or only count."""
        if _thread.get_ident() in self._idents:
            return len(text)
        written: int = self._stream.write(text)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

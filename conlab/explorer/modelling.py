"""Puts the controlled primitives where the program looks for them, and takes them away again.

Every replacement asks first whether it was called by a strand; any other thread of the process
(a test runner's, say) gets the original.
"""

import _thread
import concurrent.futures.thread
import contextvars
import itertools
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from types import FrameType
from typing import Any
from unittest import mock

from conlab.explorer.primitives import SLEEPING, Lock, Place, RLock, SimpleQueue
from conlab.explorer.stage import Ended, Stage, Strand, failure_of

ORIGINAL = {
    "Lock": threading.Lock,
    "RLock": threading.RLock,
    "SimpleQueue": queue.SimpleQueue,
    "sleep": time.sleep,
    "monotonic": time.monotonic,
    "perf_counter": time.perf_counter,
    "time": time.time,
    "get_ident": threading.get_ident,
}
ENDS = ("ends",)  # that nobody asks whether a thread is still alive
START_OF_TIME = 1_000_000_000.0  # seconds; what the virtual clocks say when a run begins


@contextmanager
def modelled(stage: Stage) -> Iterator[None]:
    """Let the strands of ``stage`` use controlled primitives for as long as the context lasts."""
    with ExitStack() as stack:
        for target, name, replacement in _replacements(stage):
            stack.enter_context(mock.patch.object(target, name, replacement))
        stage.begin = lambda: _begin(stage)
        yield


def _place(frame: FrameType) -> Place:
    return frame.f_code.co_filename, frame.f_code.co_qualname, frame.f_lasti


def _begin(stage: Stage) -> None:
    """Set back what a run counts on: names and hashes must not differ from run to run."""
    threading._counter = itertools.count(1).__next__  # type: ignore[attr-defined]
    concurrent.futures.thread._threads_queues = {}  # type: ignore[attr-defined]
    concurrent.futures.ThreadPoolExecutor._counter = itertools.count().__next__  # type: ignore[attr-defined]


def _replacements(stage: Stage) -> Iterator[tuple[Any, str, Any]]:
    idents = stage.idents
    get_ident = _thread.get_ident

    def controlled(ours: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
        def choose(*arguments: Any, **options: Any) -> Any:
            if get_ident() in idents:
                return ours(*arguments, **options)
            return original(*arguments, **options)

        return choose

    def new_lock() -> Any:
        if get_ident() not in idents:
            return ORIGINAL["Lock"]()
        frame = sys._getframe(1)
        return Lock(stage, _place(frame))

    def new_rlock() -> Any:
        if get_ident() not in idents:
            return ORIGINAL["RLock"]()
        frame = sys._getframe(1)
        return RLock(stage, _place(frame))

    yield threading, "Lock", new_lock
    yield threading, "_allocate_lock", new_lock
    yield threading, "RLock", new_rlock
    yield (
        queue,
        "SimpleQueue",
        controlled(lambda: SimpleQueue(stage, queue.Empty), ORIGINAL["SimpleQueue"]),
    )
    yield concurrent.futures.thread, "_global_shutdown_lock", nullcontext()
    yield (
        threading,
        "excepthook",
        controlled(lambda arguments: _died(stage, arguments), threading.excepthook),
    )

    def sleep(seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        stage.wait(SLEEPING, ("sleep",), seconds)

    yield time, "sleep", controlled(sleep, ORIGINAL["sleep"])
    for module, name in [
        (time, "monotonic"),
        (time, "perf_counter"),
        (time, "time"),
        (threading, "_time"),
        (queue, "time"),
    ]:
        yield module, name, controlled(lambda: START_OF_TIME + stage.clock, getattr(module, name))
    yield threading, "get_ident", controlled(lambda: stage.current.index + 1, ORIGINAL["get_ident"])
    yield (
        threading,
        "current_thread",
        controlled(
            lambda: stage.current.thread or threading.main_thread(), threading.current_thread
        ),
    )
    yield threading, "_counter", threading._counter  # type: ignore[attr-defined]
    yield concurrent.futures.ThreadPoolExecutor, "_counter", None
    yield concurrent.futures.thread, "_threads_queues", {}
    yield (
        threading.Thread,
        "__hash__",
        _method(stage, lambda thread: _hash(stage, thread), threading.Thread.__hash__),
    )
    yield (
        threading.Thread,
        "start",
        _method(stage, lambda thread: _start(stage, thread), threading.Thread.start),
    )
    yield (
        threading.Thread,
        "join",
        _method(
            stage, lambda thread, timeout=None: _join(stage, thread, timeout), threading.Thread.join
        ),
    )
    yield (
        threading.Thread,
        "is_alive",
        _method(stage, lambda thread: _is_alive(stage, thread), threading.Thread.is_alive),
    )


def _method(
    stage: Stage, ours: Callable[..., Any], original: Callable[..., Any]
) -> Callable[..., Any]:
    idents = stage.idents
    get_ident = _thread.get_ident

    def method(self: threading.Thread, *arguments: Any, **options: Any) -> Any:
        if get_ident() in idents:
            return ours(self, *arguments, **options)
        return original(self, *arguments, **options)

    return method


def _hash(stage: Stage, thread: Any) -> int:
    """Number the threads as they are first hashed: a set of them must not be ordered by address."""
    if "_conlab_hash" not in thread.__dict__:
        stage.numbers += 1
        thread._conlab_hash = stage.numbers
    number: int = thread._conlab_hash
    return number


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
        except BaseException:  # noqa: BLE001 - a thread's last exception goes to its hook
            thread._invoke_excepthook(thread)

    thread._strand = strand = stage.spawn(thread, run)
    thread._ident = strand.index + 1


def _join(stage: Stage, thread: Any, timeout: float | None) -> None:
    if not thread._initialized:
        raise RuntimeError("Thread.__init__() not called")
    strand: Strand | None = getattr(thread, "_strand", None)
    if strand is None:
        raise RuntimeError("cannot join thread before it is started")
    if strand is stage.current:
        raise RuntimeError("cannot join current thread")
    stage.wait(strand, ("join", strand.index), None if timeout is None else max(timeout, 0))


def _is_alive(stage: Stage, thread: Any) -> bool:
    strand: Strand | None = getattr(thread, "_strand", None)
    if ENDS not in stage.assumptions:
        stage.disprove(ENDS)
    stage.pause(("is alive", -1 if strand is None else strand.index))
    return strand is not None and not strand.done


def _died(stage: Stage, arguments: Any) -> None:
    thread, error = arguments.thread, arguments.exc_value
    if isinstance(error, SystemExit):
        return
    stage.died.append(failure_of(thread.name, error))

"""Runs one side of a pitfall under a tool: a script for the Python that has the tool.

    python driver.py MODE FILE SIDE

It needs nothing of conlab, and of other libraries only the one that the mode is about.
"""

import _thread
import asyncio
import contextlib
import faulthandler
import importlib
import os
import sys
import threading
from asyncio import base_events
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

HANGS_AFTER = float(os.environ.get("DETECT_HANGS_AFTER", "4"))  # seconds
SLOW = 0.05  # seconds a step of an event loop may take, under the best settings
HANGS = os.environ.get("DETECT_FOLDER", ".")  # for the files of aiodebug


def main(mode: str, file: str, side: str) -> None:
    """Run the side as the mode says."""
    sys.path[0] = str(Path(file).parent)  # as if the file was run; and not this folder
    MODES[mode](importlib.import_module(Path(file).stem), side)


def plain(pair: Any, side: str) -> None:
    """Call the side, and nothing else."""
    getattr(pair, side)()


def dump_stacks(pair: Any, side: str) -> None:
    """Have faulthandler print all stacks when the side has not ended in time."""
    faulthandler.dump_traceback_later(HANGS_AFTER, exit=True)
    plain(pair, side)
    faulthandler.cancel_dump_traceback_later()


def dump_crashes(pair: Any, side: str) -> None:
    """Have faulthandler print stacks when the process is ended by a fault: what it does alone."""
    faulthandler.enable()
    plain(pair, side)


def quick_steps(pair: Any, side: str) -> None:
    """Have asyncio's debug mode call a step slow sooner."""
    init: Any = base_events.BaseEventLoop.__init__

    def quicker(loop: Any) -> None:
        init(loop)
        loop.slow_callback_duration = SLOW

    base_events.BaseEventLoop.__init__ = quicker  # type: ignore[method-assign,assignment]
    plain(pair, side)


def with_blockbuster(pair: Any, side: str) -> None:
    """Have blocking calls inside an event loop raise."""
    library: Any = importlib.import_module("blockbuster")
    with library.blockbuster_ctx():
        plain(pair, side)


def with_pyleak(pair: Any, side: str) -> None:
    """Ask, outside the event loop, for threads that are left."""
    library: Any = importlib.import_module("pyleak")
    with library.no_thread_leaks(action="raise"):
        plain(pair, side)


def with_pyleak_in_the_loop(pair: Any, side: str) -> None:
    """Ask inside the event loop for tasks that are left and for steps that are slow as well."""
    library: Any = importlib.import_module("pyleak")

    async def watched(main: Coroutine[Any, Any, Any]) -> Any:
        async with (
            library.no_task_leaks(action="raise", enable_creation_tracking=True),
            library.no_event_loop_blocking(action="raise", threshold=0.1),
        ):
            return await main

    _wrap_asyncio_run(watched)
    with_pyleak(pair, side)


def with_aiodebug(pair: Any, side: str) -> None:
    """Log the steps that are slow, by the threshold of its documentation."""
    importlib.import_module("aiodebug.log_slow_callbacks").enable(0.05)
    plain(pair, side)


def with_aiodebug_hangs(pair: Any, side: str) -> None:
    """Log slow steps, and dump the stacks of a loop that hangs."""
    importlib.import_module("aiodebug.log_slow_callbacks").enable(SLOW)
    inspection: Any = importlib.import_module("aiodebug.hang_inspection")

    async def watched(main: Coroutine[Any, Any, Any]) -> Any:
        dumper = inspection.start(HANGS, interval=0.25)
        try:
            return await main
        finally:
            await inspection.stop_wait(dumper)

    _wrap_asyncio_run(watched)
    plain(pair, side)


def with_frontrun(pair: Any, side: str) -> None:
    """Have frontrun explore the threads that the side starts, in its default way."""
    _explore_by_frontrun(pair, side)


def with_frontrun_unbounded(pair: Any, side: str) -> None:
    """The same without a bound, and then by schedules drawn by chance."""
    clocks = {"clock": "virtual", "detect_io": False}
    _explore_by_frontrun(pair, side, preemption_bound=None, **clocks)
    _explore_by_frontrun(pair, side, strategy="random", max_attempts=200, seed=1, **clocks)


def _explore_by_frontrun(pair: Any, side: str, **options: Any) -> None:
    """Explore, and say what is wrong; or that the side gives frontrun no threads to schedule."""
    library: Any = importlib.import_module("frontrun")
    workers = len(Staged(pair, side).begin().threads)
    if workers < 2:
        sys.exit("no two threads to schedule")
    result = library.explore(
        lambda: Staged(pair, side).begin(),
        [lambda staged, n=n: staged.threads[n].run() for n in range(workers)],
        lambda staged: pair.holds(staged.end()),
        **options,
    )
    if result.property_holds is False:
        print("frontrun: the invariant does not hold:", result.explanation)  # it names the lines
        plain_end()


class Staged:
    """A side that has come to where it waits for its threads; who runs them is another's choice.

    The side itself runs in a thread of its own, in which ``start`` only takes note and the first
    ``join`` waits for ``end``. What it does meanwhile, beside its threads, is not explored.
    """

    def __init__(self, pair: Any, side: str) -> None:
        self.pair, self.side = pair, side
        self.threads: list[Any] = []
        self.value: Any = None
        self.waits = False  # or has waited
        self.at_the_join, self.go_on, self.over = (_taken() for _ in range(3))

    def begin(self) -> "Staged":
        """Run the side up to its first join, or to its end."""
        _thread.start_new_thread(self._run, ())
        self.at_the_join.acquire()
        return self

    def end(self) -> Any:
        """Let the side go on after its joins; what it returns."""
        self.go_on.release()
        self.over.acquire()
        return self.value

    def _run(self) -> None:
        me = _thread.get_ident()
        staged: set[int] = set()

        def start(thread: Any) -> None:
            if _thread.get_ident() != me:
                START(thread)
                return
            staged.add(id(thread))
            self.threads.append(thread)

        def join(thread: Any, timeout: float | None = None) -> None:
            if id(thread) not in staged:
                JOIN(thread, timeout)
                return
            if not self.waits:
                self.waits = True
                self.at_the_join.release()
                self.go_on.acquire()

        patched: Any = threading.Thread
        patched.start, patched.join = start, join
        try:
            self.value = getattr(self.pair, self.side)()
        finally:
            patched.start, patched.join = START, JOIN
            for lock in (self.at_the_join, self.over):
                with contextlib.suppress(RuntimeError):
                    lock.release()


START, JOIN = threading.Thread.start, threading.Thread.join


def _taken() -> Any:
    lock = _thread.allocate_lock()
    lock.acquire()
    return lock


def plain_end() -> None:
    """End at once: threads that a tool holds would keep the process."""
    sys.stdout.flush()
    os._exit(1)


def _wrap_asyncio_run(wrap: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
    run = asyncio.run
    asyncio.run = lambda main, **options: run(wrap(main), **options)


MODES: dict[str, Callable[[Any, str], None]] = {
    "plain": plain,
    "dump_stacks": dump_stacks,
    "dump_crashes": dump_crashes,
    "quick_steps": quick_steps,
    "blockbuster": with_blockbuster,
    "pyleak": with_pyleak,
    "pyleak in the loop": with_pyleak_in_the_loop,
    "aiodebug": with_aiodebug,
    "aiodebug hangs": with_aiodebug_hangs,
    "frontrun": with_frontrun,
    "frontrun unbounded": with_frontrun_unbounded,
}


if __name__ == "__main__":
    main(*sys.argv[1:4])

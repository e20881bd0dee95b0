"""The watchdog: ends an execution that is stuck where the explorer has no control over it."""

import contextvars
import sys
import time
import traceback
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from conlab.explorer.threads.real_threads import RealThread
from conlab.explorer.threads.scheduler import Scheduler, Uncontrolled

LOOK = 0.1  # seconds between two looks
STUCK = 2.0  # seconds without a step in which the thread sleeps and gets no CPU time: it is blocked
HELD_UP = 0.5  # the same where another thread could go on, that may hold what it waits for
IDLE = 0.1  # of a core: who gets less, and sleeps, waits in a loop of its own, as a database does
BUSY = 10.0  # seconds without a step in which it computes, or sleeps now and then

T = TypeVar("T")


def supervise(scheduler: Scheduler, work: Callable[[], T], notice: Callable[[], None]) -> T:
    """Do ``work`` in a thread of its own and return its result; call ``notice`` at each look.

    Raises Uncontrolled when an execution is stuck; then, and at Ctrl-C, it is ended if it can be.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    finished = allocate_lock()
    finished.acquire()
    context = contextvars.copy_context()

    def drive() -> None:
        scheduler.search_thread.is_the_caller()
        try:
            results.append(context.run(work))
        except BaseException as error:
            errors.append(error)
        finally:
            scheduler.search_ends()
            finished.release()

    start_new_thread(drive, ())
    try:
        _watch(scheduler, finished.acquire, notice)
    except BaseException as error:
        scheduler.interrupt(error)
        finished.acquire(timeout=STUCK)
        raise
    if errors:
        raise errors[0]
    return results[0]


def _watch(scheduler: Scheduler, wait: Callable[..., bool], notice: Callable[[], None]) -> None:
    """Look again and again at the thread whose turn it is.

    Looks are counted, not seconds: a machine that stands still, or that has no core to spare for
    the thread, is no reason to call it blocked.
    """
    seen: object = None
    began = spent = 0.0
    asleep = held_up = blocked = 0  # looks
    while not wait(timeout=LOOK):
        notice()
        real = scheduler.running_on()
        before, (clock, spent, sleeps) = spent, _look_at(real)
        done = scheduler.executions, scheduler.awaited, scheduler.steps
        state = (*done, real.ident, clock)
        if state != seen:
            seen, began, asleep, held_up, blocked = state, spent, 0, 0, 0
            continue
        asleep += sleeps
        sleeps = sleeps and not real.is_given_its_turn()
        held_up += sleeps
        blocked = blocked + 1 if sleeps and spent == before else 0
        if blocked * LOOK >= STUCK or asleep * LOOK >= BUSY:
            raise Uncontrolled(_where(scheduler, real, blocked=True))
        idle = spent - began < IDLE * LOOK * held_up
        if held_up * LOOK >= HELD_UP and idle and scheduler.paused():
            raise Uncontrolled(_where(scheduler, real, blocked=True))
        if spent - began >= BUSY:
            raise Uncontrolled(_where(scheduler, real, blocked=False))


def _look_at(real: RealThread) -> tuple[str, float, bool]:
    """The CPU seconds of the thread so far, named as such, and whether it sleeps.

    /proc is asked, as the thread may have ended meanwhile. Where it does not tell, only the longer
    limit counts, in seconds of the other clock: the two have nothing to do with one another.
    """
    thread = Path(f"/proc/self/task/{real.native}")
    try:
        spent = int((thread / "schedstat").read_text().split()[0]) / 1e9
        return "cpu", spent, (thread / "stat").read_text().rpartition(")")[2].split()[0] == "S"
    except OSError:
        return "wall", time.monotonic(), False


def _where(scheduler: Scheduler, real: RealThread, *, blocked: bool) -> str:
    frame = sys._current_frames().get(real.ident)
    stack = traceback.extract_stack(frame) if frame is not None else []
    ours = [entry for entry in stack if entry.filename in scheduler.stepped] or stack
    where = (
        f"{ours[-1].filename}:{ours[-1].lineno} ({ours[-1].line})" if ours else "an unknown place"
    )
    name = scheduler.current.name
    if blocked:
        others = ", ".join(
            f"{each.name} at {scheduler.line_of(each.runs_on.frame()) or 'an unknown place'}"
            for each in scheduler.paused()
        )
        return (
            f"thread {name!r} blocks at {where}, in something the explorer does not control: a"
            " real lock, real input or output, or a call into C"
            + (f"; paused meanwhile, and perhaps holding it: {others}" if others else "")
            + ". Make locks and queues inside the program, and let something in memory stand for a"
            " file, a database or a server"
        )
    return (
        f"thread {name!r} has computed for {BUSY:.0f} s at {where} without a switch point: give the"
        " program less work"
    )

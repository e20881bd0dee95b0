"""Watches a run from outside, and ends it when it is stuck where the explorer has no control."""

import contextvars
import sys
import time
import traceback
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from conlab.explorer.stage import Place, Stage, Uncontrolled

LOOK = 0.1  # seconds between two looks
STUCK = 2.0  # seconds without a step and without CPU time: the thread is blocked
BUSY = 10.0  # seconds without a step although it computes

T = TypeVar("T")


def supervise(stage: Stage, work: Callable[[], T], notice: Callable[[], None]) -> T:
    """Do ``work`` in a thread of its own and return its result; call ``notice`` at each look.

    Raises Uncontrolled when a run is stuck; then, and at Ctrl-C, the run is ended if it can be.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    finished = allocate_lock()
    finished.acquire()
    context = contextvars.copy_context()

    def drive() -> None:
        stage.driver.settle()
        try:
            results.append(context.run(work))
        except BaseException as error:
            errors.append(error)
        finally:
            finished.release()

    start_new_thread(drive, ())
    try:
        _watch(stage, finished.acquire, notice)
    except BaseException as error:
        stage.interrupt(error)
        finished.acquire(timeout=STUCK)
        raise
    if errors:
        raise errors[0]
    return results[0]


def _watch(stage: Stage, wait: Callable[..., bool], notice: Callable[[], None]) -> None:
    seen: object = None
    since = time.monotonic()
    cpu = 0.0
    while not wait(timeout=LOOK):
        notice()
        holder = stage.holder()
        state = (stage.runs, stage.steps, holder.ident)
        now = time.monotonic()
        if state != seen:
            seen, since, cpu = state, now, _cpu_seconds(holder)
        elif now - since >= STUCK:
            blocked = _cpu_seconds(holder) == cpu
            if blocked or now - since >= BUSY:
                raise Uncontrolled(_where(stage, holder, blocked=blocked))


def _cpu_seconds(place: Place) -> float:
    """The CPU time of the thread there so far, asked of /proc: it may have ended meanwhile."""
    try:
        spent = Path(f"/proc/self/task/{place.native}/schedstat").read_text().split()[0]
    except OSError:
        return time.monotonic()  # not to be told here: only the longer limit counts
    return int(spent) / 1e9


def _where(stage: Stage, place: Place, *, blocked: bool) -> str:
    frame = sys._current_frames().get(place.ident)
    stack = traceback.extract_stack(frame) if frame is not None else []
    ours = [entry for entry in stack if entry.filename in stage.stepped] or stack
    where = (
        f"{ours[-1].filename}:{ours[-1].lineno} ({ours[-1].line})" if ours else "an unknown place"
    )
    name = stage.current.name
    if blocked:
        return (
            f"thread {name!r} blocks at {where}, in something the explorer does not control: a"
            " real lock, real input or output, or a call into C. Make locks and queues inside the"
            " program"
        )
    return (
        f"thread {name!r} has computed for {BUSY:.0f} s at {where} without a switch point: give the"
        " program less work"
    )

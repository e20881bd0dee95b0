"""Controlled threads as greenlets of the one real thread that searches: a switch is a call.

What belongs to a real thread is changed with each switch: how deep in trace functions it is, its
trace function, the values of each real `threading.local` that was there before the program, and
which objects it is making the repr of. Greenlets outlive an execution and carry a controlled thread
of each, as real threads do.
"""

import ctypes
import functools
import sys
from collections.abc import Callable
from sys import call_tracing, gettrace, settrace
from types import FrameType
from typing import Any, NoReturn, Protocol

from conlab.explorer.threads.controlled_thread import Carrier, ControlledThread, Job
from conlab.explorer.threads.real_threads import RealThread

REPRS = "Py_Repr"
STEPS_BY_TRACING = sys.version_info < (3, 12)
FREE_THREADED = not getattr(sys, "_is_gil_enabled", lambda: True)()
GIVEN_UP: list[Any] = []  # that nothing can end: to collect one would be to let it go on


@functools.cache
def library() -> Any:
    """Return greenlet; None where it is not installed, or might switch the GIL on."""
    if FREE_THREADED:
        return None
    try:
        import greenlet
    except ImportError:
        return None
    return greenlet


def _state_of_the_thread() -> dict[Any, Any]:
    """Return the dict in which C code keeps what belongs to the calling thread."""
    # As a py_object the result would be taken for a new reference.
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))
    state: dict[Any, Any] = ctypes.cast(get(), ctypes.py_object).value
    return state


class Search(Protocol):
    """Whose greenlets these are: a scheduler."""

    current: ControlledThread


class PooledGreenlet:
    """A greenlet that carries one controlled thread of each execution."""

    def __init__(self, engine: "Greenlets") -> None:
        self.greenlet: Any = None
        self.job: Job | None = None
        self._engine = engine
        self._current = engine.current
        self._state = engine.state
        self._locals = engine.locals

    def real_thread(self) -> RealThread:
        """Return the thread of the search."""
        return self._engine.real

    def frame(self) -> FrameType | None:
        """Return its innermost frame."""
        if self.greenlet is None or self.greenlet is self._current():
            return sys._getframe()
        frame: FrameType | None = self.greenlet.gr_frame
        return frame

    def hand_over_to(self, other: "PooledGreenlet") -> None:
        """Let another take its next step, and come back when this one's turn has come."""
        self.greenlet = self._current()  # the program may have made it itself
        state, kept = self._state, None
        reprs = state.pop(REPRS) if state.get(REPRS) else None
        for values in self._locals:
            if values:
                kept = [values.copy() for values in self._locals]
                self.forget()
                break
        tracing = gettrace() if STEPS_BY_TRACING else None
        # It calls outside of all trace functions, and goes back into those it was called in.
        call_tracing(other.greenlet.switch, ())
        if STEPS_BY_TRACING and gettrace() is not tracing:
            settrace(tracing)
        if kept is not None:
            for values, own in zip(self._locals, kept, strict=True):
                values.update(own)
        if reprs is not None:
            state[REPRS] = reprs

    def forget(self) -> None:
        """Have no value in any `threading.local`, as a thread that begins."""
        for values in self._locals:
            values.clear()

    def give_up(self, other: "PooledGreenlet") -> NoReturn:
        """Let another take its next step, and never come back."""
        GIVEN_UP.append((self, self._current()))
        self._engine.pooled.remove(self)
        while True:
            self.hand_over_to(other)

    def begin(self) -> None:
        """Begin to wait for jobs; the search goes on."""
        self.greenlet = library().greenlet(self._run_jobs, parent=self._engine.search.greenlet)
        self._engine.search.hand_over_to(self)

    def _run_jobs(self) -> None:
        following: Carrier | None = self._engine.search
        while following is not None:
            self.hand_over_to(following)  # type: ignore[arg-type]  # all of them are greenlets
            following = None if self.job is None else self.job()
            self.forget()


class Greenlets:
    """The engine of greenlets."""

    def __init__(self, search: Search, locals_outside: Callable[[], list[Any] | None]) -> None:
        """Give nothing yet; ``locals_outside`` finds the values of `threading.local` to change."""
        self._search = search
        self.current = library().getcurrent
        self._locals_outside = locals_outside
        self.real = RealThread()
        self.state: dict[Any, Any] = {}
        self.locals: list[dict[str, Any]] = []
        self.search = PooledGreenlet(self)
        self.pooled: list[PooledGreenlet] = []
        self._free: list[PooledGreenlet] = []
        # Free in the next execution: no two threads of one may share a real `threading.local`.
        self._finished: list[PooledGreenlet] = []
        self._asks: Carrier | None = None  # for another greenlet

    def begin(self) -> bool:
        """Begin in the calling thread, which searches; return whether that can be."""
        if self.search.greenlet is None:
            found = self._locals_outside()
            if found is None:
                return False
            self.locals = [vars(local) for local in found]
            self.state = _state_of_the_thread()
            self.real.is_the_caller()
            self.search = PooledGreenlet(self)
            self.search.greenlet = self.current()
        return True

    def run(self, main: ControlledThread, job: Job) -> None:
        """Run the main thread of an execution, and come back when all have ended."""
        if not self._free:
            self._make()
        self.carry(main, job)
        following: Any = main.runs_on
        while following is not None:
            self.search.hand_over_to(following)
            following, self._asks = self._asks, None
            if following is not None:
                self._make()
        self._free += self._finished
        self._finished.clear()

    def carry(self, thread: ControlledThread, job: Job) -> None:
        """Have a thread ready to run, in its turn."""
        if not self._free:
            self._asks = self._search.current.runs_on
            self._asks.hand_over_to(self.search)
        carrier = self._free.pop()
        carrier.job = job
        thread.runs_on = carrier

    def _make(self) -> None:
        """Make another greenlet: from here, as it begins as deep in calls as who makes it is."""
        made = PooledGreenlet(self)
        self.pooled.append(made)
        self._free.append(made)
        made.begin()

    def ends(self, thread: ControlledThread) -> None:
        """Take note that what carries the thread is free from the next execution on."""
        assert isinstance(thread.runs_on, PooledGreenlet)
        self._finished.append(thread.runs_on)

    def search_ends(self) -> None:
        """End the greenlets, which no other thread can."""
        for each in self.pooled:
            each.job = None
            while not each.greenlet.dead:
                self.search.hand_over_to(each)
        self.pooled.clear()

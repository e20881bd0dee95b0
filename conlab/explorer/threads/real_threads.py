"""Controlled threads on real ones, each stopped at a semaphore but for the one that runs.

Real threads outlive an execution and carry a controlled thread of each, for to start one takes as
long as a hundred steps.
"""

import sys
from _thread import allocate_lock, get_ident, get_native_id, start_new_thread
from contextlib import suppress
from types import FrameType
from typing import NoReturn, Protocol

from conlab.explorer.threads.controlled_thread import ControlledThread, Job


class RealThread:
    """A thread of the operating system, and the semaphore that lets it take its next step."""

    def __init__(self) -> None:
        self.semaphore = allocate_lock()
        self.semaphore.acquire()
        self.ident = 0
        self.native = 0  # the system's number for the same thread

    def is_the_caller(self) -> None:
        """Take note that the calling thread is this one."""
        self.ident, self.native = get_ident(), get_native_id()

    def real_thread(self) -> "RealThread":
        """Return itself."""
        return self

    def hand_over_to(self, other: "RealThread") -> None:
        """Let another take its next step, and come back when this one's turn has come."""
        other.semaphore.release()
        self.semaphore.acquire()

    def give_up(self, other: "RealThread") -> NoReturn:
        """Let another take its next step, and never come back."""
        if other is not self:
            other.semaphore.release()
        while True:  # also when all are let go at the end: it would turn for ever
            self.semaphore.acquire()

    def frame(self) -> FrameType | None:
        """Return its innermost frame."""
        return sys._current_frames().get(self.ident)

    def is_given_its_turn(self) -> bool:
        """Whether it stands where it waits for its turn: whoever gives it may have no core yet."""
        frame = self.frame()
        return frame is not None and frame.f_code in WAITING_FOR_THEIR_TURN


class Pool(Protocol):
    """Whose real threads these are: a scheduler."""

    idents: set[int]

    def is_closed(self) -> bool:
        """Whether the exploration is over."""


class PooledThread(RealThread):
    """A real thread that carries one controlled thread of each execution."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.job: Job | None = None
        self.ended = allocate_lock()
        self.ended.acquire()
        start_new_thread(self._run_jobs, (pool,))

    def _run_jobs(self, pool: Pool) -> None:
        self.is_the_caller()
        pool.idents.add(self.ident)
        try:
            self.semaphore.acquire()
            while self.job is not None and not pool.is_closed():
                following = self.job()
                if following is None or pool.is_closed():
                    return
                self.hand_over_to(following)  # type: ignore[arg-type]  # all of them are real
        finally:
            pool.idents.discard(self.ident)
            self.ended.release()


WAITING_FOR_THEIR_TURN = (RealThread.hand_over_to.__code__, PooledThread._run_jobs.__code__)


class RealThreads:
    """The engine of real threads."""

    def __init__(self, pool: Pool) -> None:
        """Give nothing yet."""
        self._pool = pool
        self.search = RealThread()
        self.pooled: list[PooledThread] = []
        self.free: list[PooledThread] = []
        # Free in the next execution: no two threads of one may share a real `threading.local`.
        self._finished: list[PooledThread] = []

    def run(self, main: ControlledThread, job: Job) -> None:
        """Run the main thread where the search runs, and come back when all have ended."""
        self.search.is_the_caller()
        main.runs_on = self.search
        following = job()
        if following is not None and following is not self.search:
            self.search.hand_over_to(following)  # type: ignore[arg-type]  # all of them are real
        self.free += self._finished
        self._finished.clear()

    def carry(self, thread: ControlledThread, job: Job) -> None:
        """Have a thread ready to run, in its turn."""
        if self.free:
            real = self.free.pop()
        else:
            real = PooledThread(self._pool)
            self.pooled.append(real)
        real.job = job
        thread.runs_on = real

    def ends(self, thread: ControlledThread) -> None:
        """Take note that what carries the thread is free from the next execution on."""
        if isinstance(thread.runs_on, PooledThread):
            self._finished.append(thread.runs_on)

    def close(self) -> None:
        """End the real threads; one that is stuck ends when it comes loose."""
        for real in (self.search, *self.pooled):
            with suppress(RuntimeError):  # it waits for nothing: nobody has taken its semaphore
                real.semaphore.release()
        for real in self.free:
            if real.ended.acquire(timeout=5):
                real.ended.release()  # an interrupted exploration is closed once more at its end

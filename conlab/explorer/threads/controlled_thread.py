"""A controlled thread: a thread of the program, and the real thread on which it runs.

Real threads outlive an execution and carry a controlled thread of each, for to start one takes as
long as a hundred steps.
"""

import threading
from _thread import allocate_lock, get_ident, get_native_id, start_new_thread
from collections.abc import Callable
from typing import Any, Protocol

from conlab.explorer.threads.waiting import AccessLog, Identified, Waitable


class ControlledThread(Identified):
    """One thread of the program, what it waits for, and what its joiners wait for: itself."""

    __slots__ = (
        "asked_for_time",
        "daemon",
        "deadline",
        "done",
        "index",
        "let_go",
        "loaded",
        "made",
        "made_progress",
        "name",
        "operations",
        "others_progress",
        "pending",
        "progress",
        "refused",
        "runs_on",
        "slept",
        "thread",
        "timed_out",
        "turns",
        "wait",
        "waited",
    )

    def __init__(self, index: int, name: str, runs_on: "RealThread") -> None:
        self.index = index
        self.identity = "thread", index
        self.name = name
        self.runs_on = runs_on
        self.thread: threading.Thread | None = None
        self.daemon = False
        self.done = False
        self.wait: Waitable | None = None
        self.deadline: float | None = None
        self.timed_out = False
        self.refused = 0  # how often it caught the exception that was to end it
        self.pending: Any = None  # for the tracer: the call that its frame is in
        self.loaded: dict[Any, Any] = {}  # what it has loaded that another may rebind
        # The operations in C and the calls of code that is not stepped that it is in, by frame, and
        # what they touch: before, after and between the Python code that they enter.
        self.operations: list[tuple[int, dict[Any, bool]]] = []
        self.turns: dict[Any, Any] = {}  # of each loop that it is in, since it let others go
        self.slept = False  # since a loop turned
        self.asked_for_time = False  # since it let others go
        self.waited = 0.0  # seconds that its loops have let pass
        self.made = 0  # locks and queues
        self.made_progress = False
        self.progress = 0  # how often it did more than look
        self.others_progress = 0  # how often the others had, when it was let go on last
        self.let_go = 0  # how often it was let go on, with only a look, since they had

    @property
    def busy(self) -> bool:
        """Whether it still runs: who joins it waits for that."""
        return not self.done

    def touch(self, log: AccessLog) -> None:
        """Say that a step joins it, which nothing races with."""
        log.follow("end", self)

    def describe(self) -> str:
        """Say what its joiners wait for."""
        return f"the end of {self.name}"

    def holders(self) -> "list[ControlledThread]":
        """Return itself: nobody else can end the wait of its joiners."""
        return [self]


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


class Pool(Protocol):
    """Whose real threads these are: a scheduler."""

    idents: set[int]

    def is_closed(self) -> bool:
        """Whether the exploration is over."""


class PooledThread(RealThread):
    """A real thread that carries one controlled thread of each execution."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.job: Callable[[], None] | None = None
        self.ended = allocate_lock()
        self.ended.acquire()
        start_new_thread(self._run_jobs, (pool,))

    def _run_jobs(self, pool: Pool) -> None:
        self.is_the_caller()
        pool.idents.add(self.ident)
        try:
            while True:
                self.semaphore.acquire()
                if self.job is None or pool.is_closed():
                    return
                self.job()
                if pool.is_closed():
                    return
        finally:
            pool.idents.discard(self.ident)
            self.ended.release()

"""A controlled thread: a thread of the program, and what it runs on."""

import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, NoReturn, Protocol

from conlab.explorer.threads.reference import address_of
from conlab.explorer.threads.waiting import AccessLog, Identified, Waitable

FrameIdentity = tuple[int, CodeType]


class ControlledThread(Identified):
    """One thread of the program, what it waits for, and what its joiners wait for: itself."""

    __slots__ = (
        "asked_for_time",
        "busy",
        "calls_c",
        "daemon",
        "deadline",
        "holds_weakly",
        "index",
        "let_go",
        "loaded",
        "looked",
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

    def __init__(self, index: int, name: str, runs_on: "Carrier") -> None:
        self.index = index
        self.identity = "thread", index
        self.name = name
        self.runs_on = runs_on
        self.thread: threading.Thread | None = None
        self.daemon = False
        self.busy = True  # it still runs: who joins it waits for that
        self.wait: Waitable | None = None
        self.deadline: float | None = None
        self.timed_out = False
        self.refused = 0  # how often it caught the exception that was to end it
        self.pending: Any = None  # for the tracer: the call that its frame is in
        self.calls_c = False  # for the monitor: what it called last is a function in C
        self.loaded: dict[Any, Any] = {}  # what it has loaded that another may rebind
        # The operations in C and the calls of code that is not stepped that it is in, by frame, and
        # what they touch: before, after and between the Python code that they enter.
        self.operations: list[tuple[FrameIdentity, dict[Any, bool]]] = []
        self.turns: dict[Any, Any] = {}  # of each loop that it is in, since it let others go
        self.slept = False  # since a loop turned
        self.asked_for_time = False  # since it let others go
        self.looked: tuple[int, CodeType, int] | None = None  # at a clock: in which frame, where
        self.waited = 0.0  # seconds that its loops have let pass
        self.made = 0  # locks and queues
        self.made_progress = False
        self.holds_weakly = False  # a pool, of which it may so become the last that holds it
        self.progress = 0  # how often it did more than look
        self.others_progress = 0  # how often the others had, when it was let go on last
        self.let_go = 0  # how often it was let go on, with only a look, since they had

    @property
    def done(self) -> bool:
        """Whether it has run to its end."""
        return not self.busy

    def forget_ended(self, frame: FrameType | None) -> None:
        """Forget the operations that have ended: those of frames that have not called this one."""
        while self.operations and not _is_called_by(frame, self.operations[-1][0]):
            self.operations.pop()

    def touch(self, log: AccessLog) -> None:
        """Say that a step joins it, which nothing races with."""
        log.follow("end", self)

    def describe(self) -> str:
        """Say what its joiners wait for."""
        return f"the end of {self.name}"

    def holders(self) -> "list[ControlledThread]":
        """Return itself: nobody else can end the wait of its joiners."""
        return [self]


class Carrier(Protocol):
    """What controlled threads run on, one of each execution: a real thread, or a greenlet in it."""

    def real_thread(self) -> Any:
        """Return the real thread that is to be looked at when nothing goes on."""

    def hand_over_to(self, other: Any) -> None:
        """Let another take its next step, and come back when this one's turn has come."""

    def give_up(self, other: Any) -> NoReturn:
        """Let another take its next step, and never come back."""

    def frame(self) -> FrameType | None:
        """Return the innermost frame of what it carries."""


Job = Callable[[], Carrier | None]  # returns who goes on; None where the exploration is over


class Engine(Protocol):
    """Gives the controlled threads of each execution something to run on."""

    @property
    def search(self) -> Carrier:
        """What the search runs on."""

    def run(self, main: ControlledThread, job: Job) -> None:
        """Run the main thread of an execution, and come back when all have ended."""

    def carry(self, thread: ControlledThread, job: Job) -> None:
        """Have a thread ready to run, in its turn."""

    def ends(self, thread: ControlledThread) -> None:
        """Take note that what carries the thread is free from the next execution on."""


def identity_of(frame: FrameType) -> FrameIdentity:
    """Tell a frame from others without making it live longer: another may have its address then."""
    return address_of(frame), frame.f_code


def _is_called_by(frame: FrameType | None, other: FrameIdentity) -> bool:
    caller = frame and frame.f_back
    while caller is not None and identity_of(caller) != other:
        caller = caller.f_back
    return caller is not None

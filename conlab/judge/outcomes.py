"""What can become of a side, as values: returned, raised, hung, killed or exited."""

import signal
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Returned:
    """It came to its end; ``right`` is what the oracle says of the value, if one was named."""

    value: str  # as repr gives it
    right: bool | None

    def __str__(self) -> str:
        return f"returned {self.value}"


@dataclass(frozen=True)
class Raised:
    """It ended in an exception."""

    type: str
    message: str
    traceback: str = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"raised {self.type}: {self.message}"


@dataclass(frozen=True)
class Hung:
    """It did not end in time, or stood at the declared statements with no core in use."""

    stacks: str = field(compare=False, repr=False)  # of every thread of every process
    statements: tuple[str, ...]  # of the judged file, where its threads stood
    steady: bool  # whether two looks found the same stacks
    seconds_on_core: float  # CPU seconds that the whole tree used between the two looks
    after: "Returned | Raised | None" = None  # what it had done when only its exit was missing

    def __str__(self) -> str:
        done = f"{self.after}, then " if self.after else ""
        how = "still running" if self.seconds_on_core else "no core in use"
        return f"{done}hung at {' | '.join(self.statements) or 'no statement of its own'} ({how})"


@dataclass(frozen=True)
class Killed:
    """A signal ended it."""

    signal: signal.Signals

    def __str__(self) -> str:
        return f"killed by {self.signal.name}"


@dataclass(frozen=True)
class Exited:
    """It left by sys.exit or os._exit before its function came to an end."""

    status: int

    def __str__(self) -> str:
        return f"exited with status {self.status}"


Outcome = Returned | Raised | Hung | Killed | Exited


@dataclass(frozen=True)
class Judgement:
    """What became of a side, and what it lost or left behind."""

    outcome: Outcome
    lost: tuple[str, ...]  # exceptions, tasks and coroutines that nobody will ever see
    left: tuple[str, ...]  # threads, processes, descriptors, shared memory still there at the end
    gate: str  # "kept", "prevented" by the program, "never reached", or "none"
    stdout: str
    stderr: str

    def __str__(self) -> str:
        lines = [str(self.outcome)]
        lines += [f"lost {what}" for what in self.lost]
        lines += [f"left behind {what}" for what in self.left]
        return "; ".join(lines)

"""How one run of a program can end, as values to ``match`` on."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception that a thread died of: the thread's name, the exception's type and traceback."""

    thread: str
    type: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thread of a deadlock: what it waits for, who could end that, and where it stands."""

    thread: str
    waits_for: str
    held_by: tuple[str, ...]
    where: str

    def __str__(self) -> str:
        """Say it in one line."""
        held = f", held by {' and '.join(self.held_by)}" if self.held_by else ""
        where = f" at {self.where}" if self.where else ""
        return f"{self.thread} waits for {self.waits_for}{held}{where}"


@dataclass(frozen=True, slots=True)
class Returned:
    """The program returned this value."""

    value: Any

    def __str__(self) -> str:
        """Say it in one line."""
        return f"returned {_short(self.value)}"


@dataclass(frozen=True, slots=True)
class Raised:
    """The program's main thread raised this exception."""

    error: BaseException

    def __str__(self) -> str:
        """Say it in one line."""
        return f"raised {type(self.error).__name__}: {self.error}".rstrip(": ")


@dataclass(frozen=True, slots=True)
class Deadlocked:
    """No thread can go on: every one that is left, and what it waits for."""

    waiting: tuple[Waiting, ...]

    def __str__(self) -> str:
        """Say it in one line."""
        return "deadlock: " + "; ".join(map(str, self.waiting))


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The run was stopped after this many steps: a livelock, or a program without an end."""

    steps: int

    def __str__(self) -> str:
        """Say it in one line."""
        return f"not ended after {self.steps} steps (a livelock, or a program without an end)"


Outcome = Returned | Raised | Deadlocked | Unfinished


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:
        return f"a {type(value).__name__} whose repr raises {type(error).__name__}"
    return text if len(text) <= 200 else text[:197] + "..."

"""How an execution of a program can end, as values to ``match`` on."""

from dataclasses import dataclass
from typing import Any

from conlab.explorer.wording import joined, repr_of

LONGEST = 200  # characters of a value's repr
SWALLOWED = "swallowed its cancellation"  # what a task did that was cancelled and returned


@dataclass(frozen=True, slots=True)
class Failure:
    """What nobody would see: an exception that a thread died of, or what a task lost.

    ``type`` is the exception's; for a task it is the heading, in asyncio's words, and ``message``
    says of what.
    """

    thread: str
    type: str
    message: str
    traceback: str
    by_dying: bool = True

    def last_line(self) -> str:
        """Say type and message."""
        return f"{self.type}: {self.message}".removesuffix(": ")

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.thread}{' died of' if self.by_dying else ':'} {self.last_line()}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thread of a deadlock: what it waits for, who could end that, and where it stands.

    ``held_at`` says at which line each of ``held_by`` took what is waited for, where that is known.
    """

    thread: str
    waits_for: str
    held_by: tuple[str, ...]
    where: str
    held_at: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in one line."""
        where = f" at {self.where}" if self.where else ""
        return f"{self.thread} waits{where} for {self.waits_for}{self._held()}"

    def _held(self) -> str:
        if not self.held_by or self.waits_for.startswith("the end of "):
            return ""  # of who is named already
        if "tasks" in self.waits_for:
            return f": {' and '.join(self.held_by)}"
        places = [*self.held_at, *("" for _ in self.held_by)]
        held = [
            f"{'itself' if who == self.thread else who}{f' since {at}' if at else ''}"
            for who, at in zip(self.held_by, places, strict=False)
        ]
        return f", held by {' and '.join(held)}"


@dataclass(frozen=True, slots=True)
class Returned:
    """The program returned this value."""

    value: Any

    def __str__(self) -> str:
        """Say it in one line."""
        return f"returned {self.text()}"

    def text(self) -> str:
        """Give the value's repr, cut short."""
        return repr_of(self.value, LONGEST)


class Text(str):
    """The repr of a value that a saved witness told of: its own repr is without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Be the text itself."""
        return str(self)


@dataclass(frozen=True, slots=True)
class Raised:
    """The program raised an exception of this type, with this message."""

    type: str
    message: str
    traceback: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"raised {self.type}: {self.message}".removesuffix(": ")


@dataclass(frozen=True, slots=True)
class Deadlocked:
    """No thread can go on: each that is left, and those that wait for each other in a circle."""

    waiting: tuple[Waiting, ...]
    cycle: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in one line."""
        if len(self.cycle) == 1:
            return f"deadlocks: {self.cycle[0]} waits for itself"
        if self.cycle:
            first, *others = self.cycle
            links = [f"waits for {other}, which " for other in others]
            return f"deadlocks: {first} {''.join(links)}waits for {first}"
        names = [waiting.thread for waiting in self.waiting]
        return f"deadlocks: {joined(names)} wait{'' if names[1:] else 's'} for ever"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The execution was stopped after this many steps: a livelock, or a program without an end."""

    steps: int

    def __str__(self) -> str:
        """Say it in one line."""
        return f"has not ended after {self.steps} steps (a livelock, or a program without an end)"


Outcome = Returned | Raised | Deadlocked | Unfinished

"""What a controlled thread can wait for: it is enabled again when that is no longer busy."""

from collections.abc import Hashable, Sequence
from typing import Protocol, runtime_checkable

from conlab.explorer.outcomes import Waiting

Identity = tuple[str | int, int]


class Identified:
    """What is known in every execution by who made it, and as the how manieth that it made."""

    __slots__ = ("identity",)

    identity: Identity


class Named(Protocol):
    """Who may end a wait, as a person is told: a controlled thread."""

    name: str


class AccessLog(Protocol):
    """Who takes note of what a step touches: the scheduler."""

    def touch(self, kind: Hashable, thing: object, *, writes: bool) -> None:
        """Take note that the step reads or writes a thing."""

    def follow(self, kind: Hashable, thing: object) -> None:
        """Take note that the step comes after the last that wrote this, and could not before."""


class Waitable(Protocol):
    """What a controlled thread can wait for: it goes on when ``busy`` is false."""

    @property
    def busy(self) -> bool:
        """Whether who waits must go on waiting."""

    def touch(self, log: AccessLog) -> None:
        """Say what the step touches that ends the wait, when it is not for time."""

    def describe(self) -> str:
        """Name it for a person."""

    def holders(self) -> Sequence[Named]:
        """Name the threads whose next step could end the wait, where that is known."""


@runtime_checkable
class ManyWaits(Waitable, Protocol):
    """What several wait for at once in one thread, as the tasks of an event loop do."""

    def within(self) -> list[Waiting]:
        """Say what each of them waits for."""


class Time:
    """What a controlled thread waits for when nothing but time can end its wait."""

    busy = True
    for_time = True  # no timeout: that time is over is what it waits for

    def __init__(self, description: str) -> None:
        self._description = description

    def touch(self, log: AccessLog) -> None:
        """Touch nothing."""

    def describe(self) -> str:
        """Name it for a person."""
        return self._description

    def holders(self) -> Sequence[Named]:
        """Nobody holds it."""
        return []


SLEEP = Time("the end of a sleep")
OTHERS = Time("the others, in a loop that only waits")

"""A guarantee: what the manual says of an operation, and an idiom that would show it false."""

import textwrap
from dataclasses import dataclass
from enum import StrEnum

from conlab.atlas.idioms import Idiom


class Promise(StrEnum):
    """What the manual says, as far as a program can tell."""

    ATOMIC = "atomic"  # other threads see all of it or nothing
    SAFE = "safe"  # nothing is lost, corrupted or raised that no order of whole operations explains
    MIX = "may mix"  # it may see, or show, what is half done
    NOT_ATOMIC = "not atomic"
    SILENT = "-"  # nothing

    @property
    def forbids(self) -> bool:
        """Whether something that goes wrong is against it."""
        return self in (Promise.ATOMIC, Promise.SAFE)

    @property
    def allows(self) -> bool:
        """Whether the manual says that it can go wrong."""
        return self in (Promise.MIX, Promise.NOT_ATOMIC)


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What the manual says of one operation.

    ``idiom`` goes wrong if the operation is not one step to other threads, or loses something.
    ``known`` is the issue of CPython in which such a thing was reported.
    """

    operation: str
    promise: Promise
    idiom: Idiom
    known: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the manual: which versions have it, and of which builds it speaks."""

    name: str
    source: str
    since: tuple[int, int]
    of_the_gil: bool | None  # None: of every build
    rows: tuple[Guarantee, ...]

    def binds(self, version: tuple[int, int], gil: bool) -> bool:
        """Whether the manual of that version says this of a build with, or without, the GIL."""
        return version >= self.since and self.of_the_gil in (None, gil)


@dataclass(frozen=True, slots=True)
class Scene:
    """What several idioms share: a state, and what one thread does to it all the time."""

    state: str
    against: str = ""

    def row(
        self,
        operation: str,
        promise: Promise,
        act: str,
        *,
        count: str = "times",
        wrong: str = "False",
        known: str = "",
    ) -> Guarantee:
        """Return a row: ``act`` raises where it sees what it must not."""
        state = textwrap.dedent(self.state).strip()
        idiom = Idiom(operation, state, act, count, wrong, self.against)
        return Guarantee(operation, promise, idiom, known)

    def gives(
        self,
        operation: str,
        promise: Promise,
        expression: str,
        one_of: str = "wholes",
        *,
        known: str = "",
    ) -> Guarantee:
        """Return a row: the expression gives one of the values that no half done thing has."""
        act = f"got = {expression}\nif got not in {one_of}: raise RuntimeError(got)"
        return self.row(operation, promise, act, known=known)

    def never(self, operation: str, promise: Promise, condition: str, known: str = "") -> Guarantee:
        """Return a row: the condition is never true."""
        return self.row(operation, promise, f"if {condition}: raise RuntimeError", known=known)

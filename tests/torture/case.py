"""A case that was tried: which it was, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a case; ``trouble`` says what should not have been, or nothing."""

    seconds: float
    trouble: str = ""
    added: int = 0  # bytes of memory above what there was before


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to try. Its name is the same in every run."""

    name: str
    attempt: Callable[[], Tried]
    at_once: int = 1  # how many of its kind may run at the same time

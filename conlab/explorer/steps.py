"""A step of a witness: a source line that a thread ran, and what it accessed there."""

from dataclasses import dataclass

from conlab.explorer.accesses import Access


@dataclass(frozen=True, slots=True)
class Step:
    """A source line that a thread ran, or went on with; ``racing`` names what it raced for."""

    thread: str
    file: str
    line: int
    function: str
    accesses: tuple[Access, ...]
    racing: tuple[str, ...] = ()
    continued: bool = False

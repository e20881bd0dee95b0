"""A step of a witness: a source line that a thread ran, or what happened in between."""

from dataclasses import dataclass
from typing import Literal

from conlab.explorer.witnesses.accesses import Access

# What decides beside the order of the program's own steps, by the name that a headline counts it by
Event = Literal[
    "",
    "preemption",
    "time-out",  # of a thread's wait, while another could go on
    "cancellation",
    "early turn",  # of a loop that only waits, and should have let the others go first
    "slow step",  # so that a timer comes though a task is ready
    "late clock",  # as a step is slow that then asks for the time
    "reordered timer",
    "collection",
    "time",  # passes, as all wait: that is ordinary, and not counted
    "unseen",  # a thread ran code that is not stepped, and no other: not counted either
]


@dataclass(frozen=True, slots=True)
class Step:
    """A source line that a thread ran, or went on with; ``racing`` names what it raced for.

    ``source`` is the line's text when it was run. A step that is an ``event`` has no line of its
    own: ``note`` says what happened, and to whom is ``thread``. Of a line ``note`` says how it
    ended, if that matters: it raised, or waits.
    """

    thread: str
    file: str
    line: int
    function: str
    accesses: tuple[Access, ...]
    racing: tuple[str, ...] = ()
    continued: bool = False
    source: str = ""
    event: Event = ""
    note: str = ""

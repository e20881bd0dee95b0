"""What a search has found, whatever its kind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from conlab.explorer.search.traces import Traces


class Failing(Protocol):
    """A schedule that fails, or what is kept of it."""

    @property
    def choices(self) -> Sequence[int]:
        """What it chose."""

    @property
    def preemptions(self) -> int:
        """What that cost."""


@dataclass(frozen=True, slots=True)
class Found:
    """Of so many schedules so many fail, ``first`` with the fewest preemptions."""

    schedules: int
    failing: int
    first: Failing | None
    bound: int | None  # up to which every schedule was executed, if it was
    exhausted: bool
    beyond: int = 0  # of the schedules, those with more preemptions than that
    traces: Traces = field(default_factory=Traces)  # of the schedules, where they are traced

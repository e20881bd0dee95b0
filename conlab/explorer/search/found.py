"""What a search has found, whatever its kind."""

from dataclasses import dataclass, field

from conlab.explorer.search.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Found:
    """Of so many schedules so many fail, ``first`` with the fewest preemptions."""

    schedules: int
    failing: int
    first: Schedule | None
    bound: int | None  # up to which every schedule was executed, if it was
    exhausted: bool
    beyond: int = 0  # of the schedules, those with more preemptions than that
    traces: set[int] = field(default_factory=set)  # of the schedules, where they are traced

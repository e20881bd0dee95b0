"""How long a search may go on: so many executions, so many seconds."""

import time
from collections.abc import Callable
from math import inf
from typing import Self


class Budget:
    """So many executions, and until some moment; what is spent of a part is spent of the whole."""

    def __init__(
        self,
        executions: float = inf,
        seconds: float = inf,
        *,
        clock: Callable[[], float] = time.monotonic,
        within: Self | None = None,
    ) -> None:
        """Begin with all that is given; ``within`` is of what it is a part."""
        self._clock = clock
        self._within = within
        self._until = clock() + seconds
        self.executions = executions  # that are left

    def spend(self) -> None:
        """Take note of an execution."""
        self.executions -= 1
        if self._within is not None:
            self._within.spend()

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        if self.executions <= 0 or (self._until < inf and self._clock() >= self._until):
            return True
        return self._within is not None and self._within.over

    def part(self, share: float = 1.0, executions: float = inf) -> "Budget":
        """Return so large a share of what is left, and at most so many executions of it."""
        return Budget(
            min(self.executions * share, executions),
            (self._until - self._clock()) * share,
            clock=self._clock,
            within=self,
        )

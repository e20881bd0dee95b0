"""How often something happened, and how often it may happen after all."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

SURE = 0.95  # of an interval


@dataclass(frozen=True)
class Rate:
    """How often something happened, and the 95% interval of how often it does, as shares."""

    hits: int
    of: int
    low: float
    high: float

    def __str__(self) -> str:
        if not self.of:
            return "none yet"
        return f"{self.hits:,} of {self.of:,} ({self.low:.1%} to {self.high:.1%})"

    @property
    def share(self) -> float:
        """The share seen."""
        return self.hits / self.of if self.of else math.nan


def rate(events: Iterable[bool], sure: float = SURE) -> Rate:
    """The rate of events, with its exact binomial interval (Clopper and Pearson)."""
    from scipy import stats

    happened = [bool(event) for event in events]
    if not happened:
        return Rate(0, 0, 0.0, 1.0)
    interval = stats.binomtest(sum(happened), len(happened)).proportion_ci(sure)
    return Rate(sum(happened), len(happened), float(interval.low), float(interval.high))

"""Where a value lies on an axis, in per cent of its width; and where its ticks are."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDE = 30.0  # the ratio of the largest to the smallest value from which an axis is logarithmic
ROOM = 1.06  # beyond the largest value


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values, from ``low`` to ``high``."""

    low: float
    high: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """How far along the axis the value lies, from 0 to 100; what is outside is at an end."""
        if self.logarithmic:
            low, high = math.log(self.low), math.log(self.high)
            value = math.log(max(value, self.low))
        else:
            low, high = self.low, self.high
        if high <= low:
            return 0.0
        return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 2)

    def ticks(self, most: int = 5) -> list[float]:
        """Round values, ``most`` of them at most."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            step = max(1, math.ceil((last - first + 1) / most))
            return [10.0**power for power in range(first, last + 1, step)]
        if self.high <= self.low:
            return [self.low]
        size = nice_step((self.high - self.low) / most)
        least, most = math.ceil(self.low / size - 1e-9), math.floor(self.high / size + 1e-9)
        return [round(number * size, 12) for number in range(least, most + 1)]


def nice_step(least: float) -> float:
    """The least of 1, 2, 5, 10 ... that is no less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(
        each * power for each in (1.0, 2.0, 5.0, 10.0) if each * power >= least * (1 - 1e-9)
    )


def from_zero(values: Iterable[float]) -> Axis:
    """An axis for lengths: from zero, or logarithmic where they are too far apart for that."""
    known = [value for value in values if value > 0]
    if not known:
        return Axis(0.0, 1.0)
    if max(known) / min(known) > WIDE:
        return Axis(min(known) / 1.5, max(known) * 1.5, logarithmic=True)
    return Axis(0.0, max(known) * ROOM)


def around(values: Sequence[float], centre: float) -> Axis:
    """An axis that has the centre in its middle and all values within."""
    reach = max([abs(value - centre) for value in values] or [0.0]) * 1.15 or 0.1
    return Axis(centre - reach, centre + reach)

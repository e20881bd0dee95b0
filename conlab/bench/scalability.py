"""The Universal Scalability Law, fitted to measured speedups (Gunther, *Guerrilla Capacity
Planning*, 2007).

With n workers, the speedup is a n / (1 + s (n - 1) + k n (n - 1)): ``s`` is the share of the work
that is done one at a time (contention), ``k`` what each pair of workers costs by keeping in step
(coherency). Divided by its own value, n / speedup is linear in 1/a, s/a and k/a, none of which can
be negative: so the fit is one of non-negative least squares, by relative errors.

How far it can be trusted is found out by the bootstrap: the turns of each level are drawn anew, and
the law is fitted to each draw. Of fewer than six levels three parameters fit anything, and nothing
is said.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

FEWEST_LEVELS = 6
DRAWS = 1000
SEED = 2007
INTERVAL = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % bootstrap interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Law:
    """The fitted law; ``knee`` is None where none lies within the data, and ``why`` says so.

    ``curve`` are points of it between the least and the greatest level measured.
    """

    scale: float
    contention: Interval
    coherency: Interval
    knee: Interval | None
    why: str
    curve: tuple[tuple[float, float], ...]


def fit(levels: Sequence[int], ratios: Sequence[Sequence[float]]) -> Law | str:
    """The law of speedups at these levels, ``ratios`` those of the turns; or why there is none."""
    if len(levels) < FEWEST_LEVELS:
        return (
            f"no scalability law is fitted to {len(levels)} levels: its three parameters would fit"
            f" anything, and it takes {FEWEST_LEVELS}"
        )
    if find_spec("scipy") is None or find_spec("numpy") is None:
        return "a scalability law is fitted with scipy, which is not installed"
    if min(map(len, ratios)) < 2:
        return "no scalability law is fitted to one visit of a level: its error would be unknown"
    found = _fitted(levels, [_middle(each) for each in ratios])
    if found is None:
        return "no scalability law fits what was measured"
    chance = random.Random(SEED)
    draws = []
    for _ in range(DRAWS):
        drawn = [_middle(chance.choices(each, k=len(each))) for each in ratios]
        if (again := _fitted(levels, drawn)) is not None:
            draws.append(again)
    scale, contention, coherency = found
    knee, why = _knee(levels, found, draws)
    return Law(
        scale,
        _interval(contention, [each[1] for each in draws]),
        _interval(coherency, [each[2] for each in draws]),
        knee,
        why,
        tuple(_curve(levels, found)),
    )


def speedup(at: float, parameters: tuple[float, float, float]) -> float:
    """What the law says of so many workers."""
    scale, contention, coherency = parameters
    return scale * at / (1 + contention * (at - 1) + coherency * at * (at - 1))


def _middle(values: Sequence[float]) -> float:
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def _fitted(levels: Sequence[int], speedups: Sequence[float]) -> tuple[float, float, float] | None:
    import numpy as np
    from scipy.optimize import nnls

    at: Any = np.asarray(levels, dtype=float)
    weight = np.asarray(speedups) / at
    columns = np.column_stack([np.ones_like(at), at - 1, at * (at - 1)]) * weight[:, None]
    (inverse, one, two), _ = nnls(columns, np.ones_like(at))
    if inverse <= 0:
        return None
    return float(1 / inverse), float(one / inverse), float(two / inverse)


def _knee(
    levels: Sequence[int],
    found: tuple[float, float, float],
    draws: Sequence[tuple[float, float, float]],
) -> tuple[Interval | None, str]:
    """Where more workers begin to cost speed, if that is known and lies among the levels."""
    at = [_turning(each) for each in (found, *draws)]
    told = _interval(at[0], at[1:])
    if math.isinf(told.high):
        return None, "no knee is drawn: a law that never turns down fits what was measured as well"
    if not (min(levels) <= told.low and told.high <= max(levels)):
        return None, (
            f"no knee is drawn: it may lie anywhere from {told.low:.3g} to {told.high:.3g}, and"
            f" measured was from {min(levels)} to {max(levels)}"
        )
    return told, ""


def _turning(parameters: tuple[float, float, float]) -> float:
    _, contention, coherency = parameters
    if coherency <= 1e-12:
        return math.inf
    return math.sqrt(max(0.0, 1 - contention) / coherency)


def _interval(estimate: float, draws: Sequence[float]) -> Interval:
    ordered = sorted(draws) or [estimate]
    low, high = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in INTERVAL)
    return Interval(estimate, min(low, estimate), max(high, estimate))


def _curve(
    levels: Sequence[int], found: tuple[float, float, float], points: int = 40
) -> list[tuple[float, float]]:
    first, last = min(levels), max(levels)
    step = (last - first) / points
    at = [first + step * number for number in range(points + 1)]
    return [(each, speedup(each, found)) for each in at]

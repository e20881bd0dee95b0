"""Finds the commits at which a ratio changed: ruptures cuts the series, scipy says how readily.

Cost l1 (distances from the segment's median), since single runs that went wrong are what a
benchmark's history is full of; PELT, since it also finds a change that was mended later, which
binary segmentation does not. The penalty for one more cut is what the best of n cuts of pure noise
gains with a chance of ALPHA / series: under l1, 4 f gain is about chi-squared, f being the density
of the noise at its median (Koenker and Machado, 1999), and with normal noise f = 0.4 / sigma.
"""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from conlab.errors import UserError

ALPHA = 0.05  # chance of any false mark in a machine's whole table, nominally
FEWEST = 10  # commits
SHORTEST = 4  # commits between two changes: of three, two may be outliers by chance
QUIETEST = 0.003  # sigma of the logarithm: no series is taken to be quieter
NORMAL_DIFFERENCE = 0.9539  # median of |a - b| for a, b standard normal
GAIN = 0.6267  # sigma / (4 f) for normal noise: sqrt(2 pi) / 4
LIBRARY = "ruptures>=1.1.10"


def available() -> bool:
    """Say whether the library is there and works on this Python."""
    try:
        import ruptures  # noqa: F401
        import scipy.stats  # noqa: F401
    except ImportError:
        return False
    return True


def changes(values: Sequence[float], *, series: int = 1, matters: float = 0.05) -> list[int]:
    """The places at which a new level begins: indices of ``values``, ratios above 0.

    ``series`` is how many are looked at together; a level that differs from the one before by
    less than ``matters`` (a share) is not reported.

    Raises:
        UserError: ruptures is not installed.
    """
    if not available():
        raise UserError(f"change points need ruptures: pip install '{LIBRARY}'")
    if len(values) < FEWEST:
        return []
    import numpy
    import ruptures
    from scipy.stats import chi2

    logs = [math.log(value) for value in values]
    steps = [abs(one - other) for one, other in pairwise(logs)]
    sigma = max(QUIETEST, statistics.median(steps) / NORMAL_DIFFERENCE)
    penalty = chi2.isf(ALPHA / series / len(logs), 1) * GAIN * sigma
    search = ruptures.Pelt("l1", min_size=SHORTEST, jump=1).fit(numpy.array(logs)[:, None])
    ends = [int(end) for end in search.predict(pen=float(penalty))]
    return _that_matter(values, ends, matters)


def levels(values: Sequence[float], found: Sequence[int]) -> list[float]:
    """The median of each stretch between changes."""
    bounds = [0, *found, len(values)]
    return [statistics.median(values[begin:end]) for begin, end in pairwise(bounds)]


def _that_matter(values: Sequence[float], ends: Sequence[int], matters: float) -> list[int]:
    """Without the smallest change, as long as one is smaller than matters."""
    found = list(ends[:-1])
    while found:
        level = levels(values, found)
        sizes = [abs(after / before - 1) for before, after in pairwise(level)]
        if min(sizes) >= matters:
            return found
        del found[sizes.index(min(sizes))]
    return found

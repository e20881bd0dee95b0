"""Divides a cell's jobs into strata, before the first pair: each is measured and judged by itself.

A kind of job that got slower is a small share of the whole, and would be lost in it. Of a few jobs
each is a stratum. More are divided by how long they take; and, since kinds may take equally long,
by how much longer they took on one side in the inventory. No pair that is judged was looked at for
that, so it costs nothing of what the rule promises (Cox, Biometrika 1975: data splitting).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST = 8  # strata
BY_LENGTH = 4  # of which length makes no more: the others are for what length does not tell apart
LIKE = 0.2  # the logarithm of the ratio within which two lengths are alike
WIDE = 0.7  # the same of a group that is too wide to be one, though it has no gap
FEWEST = 8  # jobs of a group to be divided
SMALLEST = 16  # a part holds no fewer of all jobs than one in so many


@dataclass(frozen=True, slots=True)
class Stratum:
    """Jobs that are measured together: their numbers from 0, and their share of the time of all.

    A round is ``runs`` times ``size`` of them, and a pair has ``rounds``; each round takes the next
    ``size``, so that one pair after another all have their turn. ``numbers`` is None if the jobs of
    the cell are not to be divided: then a round runs all of them.
    """

    numbers: tuple[int, ...] | None
    share: float
    size: int = 1
    runs: int = 1
    rounds: int = 1

    def jobs(self, pair: int, round_: int) -> list[int] | None:
        """The numbers of the jobs of a round of a pair, both counted from 0."""
        if self.numbers is None:
            return None
        count = len(self.numbers)
        if self.size >= count:
            return list(self.numbers)
        start = (pair * self.rounds + round_) * self.size
        return [self.numbers[(start + n) % count] for n in range(self.size)]

    def covered(self, pairs: int) -> int:
        """How many of its jobs so many pairs measured."""
        count = len(self.numbers or ())
        return min(count, pairs * self.rounds * self.size)


def divide(seconds: Sequence[float], ratios: Sequence[float]) -> list[list[int]]:
    """The strata of the jobs, as lists of their numbers, each with its jobs in their order.

    ``seconds`` says how long each job takes, ``ratios`` the logarithm of how much longer it took
    on side B.
    """
    if len(seconds) <= MOST:
        return [[number] for number in range(len(seconds))]
    least = max(2, math.ceil(len(seconds) / SMALLEST))
    lengths = [math.log(max(each, 1e-9)) for each in seconds]
    groups = [sorted(range(len(seconds)), key=lambda number: lengths[number])]
    while len(groups) < BY_LENGTH:
        cuts = [(group, cut) for group in groups if (cut := best_cut(group, lengths, least))]
        if not cuts:
            break
        group, (_, at) = max(cuts, key=lambda one: one[1])
        groups.remove(group)
        groups += [group[:at], group[at:]]
    groups.sort(key=lambda group: lengths[group[0]])
    parts = max(1, MOST // len(groups))
    found = []
    for group in groups:
        by_ratio = sorted(group, key=lambda number: (-ratios[number], number))
        count = min(parts, len(group) // max(least, FEWEST // 2)) or 1
        bounds = [round(n * len(group) / count) for n in range(count + 1)]
        found += [sorted(by_ratio[a:b]) for a, b in pairwise(bounds)]
    return found


def best_cut(
    group: Sequence[int], lengths: Sequence[float], least: int
) -> tuple[float, int] | None:
    """Where to cut a group, sorted by length, and how large the gap is there; None if not at all.

    The parts keep at least so many jobs. A wide group without a gap is cut in the middle.
    """
    places = range(least, len(group) - least + 1)
    if not places:
        return None
    gaps = [(lengths[group[at]] - lengths[group[at - 1]], at) for at in places]
    gap, at = max(gaps)
    if gap > LIKE:
        return gap, at
    inner = lengths[group[-least]] - lengths[group[least - 1]]
    return (0.0, len(group) // 2) if inner > WIDE and len(group) >= FEWEST else None


def together(strata: Sequence[Sequence[int]], size: int) -> list[int]:
    """About so many jobs, of each stratum its share, as they would run beside each other."""
    everyone = [number for stratum in strata for number in stratum]
    if len(everyone) <= size:
        return sorted(everyone)
    return sorted(everyone[n * len(everyone) // size] for n in range(size))

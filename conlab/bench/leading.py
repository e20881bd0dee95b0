"""The rule: from the visits of a workload's models to its leaders, with a stated rate of errors.

Each model is visited once in every turn, so whatever drifts hits all of them alike. A visit gives
one time, however many rounds it had: rounds of one process are no independent samples. The
logarithm of that time is taken to be the model's own, plus the turn's, plus chance; what chance
does is pooled over all models (two-way analysis of variance without replication).

Who is the fastest is found by looking, so the fastest gets no test of its own: a model is beaten
only if it lies behind by more than the range of as many equal models would, by chance, with
probability alpha (Tukey, *The Problem of Multiple Comparisons*, 1953). So of models that are equal,
any is beaten with that probability at most, whichever of them happens to look the fastest. A pair
that differs more from turn to turn than the pool is judged by its own spread.

There are as many visits as their spread asks for, so they tend to end when by chance they agree. In
simulations that made up to twice as many errors: therefore half of alpha is held back.

On a busy machine, a model may lie behind because others kept it from the cores. It is beaten for
certain only if it would be, had it lost nothing to them and the fastest all that it lost.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from statistics import NormalDist, fmean, variance

ALPHA = 0.05  # the probability, at most, that in a run any model is wrongly said to be beaten
MATTERS = 0.10  # the lead that the number of visits is chosen for
NINE_IN_TEN = NormalDist().inv_cdf(0.9)
FLOOR_OF_NOISE = 0.02  # no run is so quiet that a smaller lead should be called one
STOPPING = 2  # times as many errors, at most, as visits end when they agree: so it is divided
CROWDED = "other programs had the cores, which may be all that sets them apart"
LOUD = 0.25  # the least lead that can be told, from which none told says nothing


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the visits say. Labels are those of the models.

    ``times`` are the geometric means of the visits, seconds, the fastest first. ``leaders`` are
    those that the fastest does not beat, or may not have beaten where others had the cores; the
    fastest is one. ``undecided`` says why none of them is to be named a leader, or is empty.
    ``noise`` is the least lead that these visits can tell, as a share; None if that is not known.
    """

    times: Mapping[str, float]
    leaders: tuple[str, ...]
    undecided: str
    noise: float | None
    visits: int


def rank(
    visits: Mapping[str, Sequence[float]], delays: Mapping[str, float], alpha: float = ALPHA
) -> Ranking:
    """Rank models by their visits: seconds by turn, in the same order for all.

    ``delays`` are the largest shares of their times by which others can have delayed them. Turns
    that not every model had are left out of the judgement.
    """
    turns = min(map(len, visits.values()))
    logs = {label: [math.log(t) for t in seconds[:turns]] for label, seconds in visits.items()}
    means = {label: fmean(found) for label, found in logs.items()}
    order = sorted(means, key=lambda label: means[label])
    times = {label: math.exp(means[label]) for label in order}
    fastest = order[0]
    if len(order) == 1:
        return Ranking(times, (fastest,), "", None, turns)
    if reason := cannot_judge(turns):
        return Ranking(times, tuple(order), reason, None, turns)
    models = tuple(logs.values())
    factor = critical_difference(len(order), turns, alpha)
    pooled = math.sqrt(2 * chance(models) / turns)
    noise = max(math.expm1(factor * pooled), FLOOR_OF_NOISE)

    def is_beaten(label: str, lost: float) -> bool:
        differences = [one - other for one, other in zip(logs[label], logs[fastest], strict=True)]
        own = math.sqrt(variance(differences) / turns)
        told = max(factor * max(pooled, own), math.log1p(FLOOR_OF_NOISE))
        behind = means[label] - means[fastest]
        return lost < 1 and behind + math.log1p(-lost) > told

    level = [one for one in order if not is_beaten(one, 0.0)]
    possible = [one for one in order if not is_beaten(one, delays.get(one, 0.0))]
    undecided = ""
    if len(possible) > len(level):
        undecided = CROWDED
    elif len(level) > 1 and noise > LOUD:
        least = f"{noise:.0%}" if noise < 1 else f"{1 + noise:.1f} times"
        undecided = f"this run can tell no lead of less than {least}"
    return Ranking(times, tuple(possible), undecided, noise, turns)


def cannot_judge(turns: int) -> str:
    """Why so many visits of each model cannot be judged, or nothing."""
    if turns < 2:
        return "each was visited once, and what visits differ by is not known"
    if find_spec("scipy") is None:
        return "to judge that takes scipy: install it with `python -m pip install scipy`"
    return ""


def chance(logs: Sequence[Sequence[float]]) -> float:
    """The variance of one visit, pooled: what neither the model nor the turn accounts for.

    ``logs`` is one row a model, one column a turn; at least two of each.
    """
    models, turns = len(logs), len(logs[0])
    by_model = [fmean(row) for row in logs]
    by_turn = [fmean(column) for column in zip(*logs, strict=True)]
    overall = fmean(by_model)
    left = sum(
        (logs[one][turn] - by_model[one] - by_turn[turn] + overall) ** 2
        for one in range(models)
        for turn in range(turns)
    )
    return left / ((models - 1) * (turns - 1))


@lru_cache(maxsize=1000)
def critical_difference(models: int, turns: int, alpha: float) -> float:
    """How far apart any two of equal models lie by chance with probability ``alpha`` at most.

    In standard errors of a difference between two.
    """
    from scipy import stats

    degrees = (models - 1) * (turns - 1)
    studentized = stats.studentized_range.isf(alpha / STOPPING, models, degrees)
    return float(studentized) / math.sqrt(2)


def visits_needed(variance: float, models: int, alpha: float, most: int) -> int:
    """How many visits tell a lead that matters nine times in ten, at this variance of a visit.

    ``most`` if not even so many do, and 2 where nothing is there to judge by.
    """
    if models < 2 or cannot_judge(2):
        return 2
    for turns in range(2, most):
        told = critical_difference(models, turns, alpha) + NINE_IN_TEN
        if told * math.sqrt(2 * variance / turns) <= math.log1p(MATTERS):
            return turns
    return most

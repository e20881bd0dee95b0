"""What the pairs of a cell will measure, found out before the first: all jobs run, on both sides.

All results are compared, the files that were imported are looked at, and the jobs are divided into
strata. Every pair then measures the same strata on both sides.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from conlab.versus.pairs import fingerprints, strata
from conlab.versus.pairs.strata import Stratum
from conlab.versus.pairs.worker_process import SideFailed, Worker
from conlab.versus.sides.origins import not_its_own

LIMIT = 60.0  # seconds after which an inventory draws no more jobs
LOOKS = 7  # at how long each job takes, as far as they fit into
LOOKING = 1.0  # seconds, of each side: one look at a short job tells little
LONG = 0.1  # seconds of a round that is not run untimed first, or only once
LEAST_PART = 4  # each of many strata gets this part of the rounds of one


@dataclass(frozen=True, slots=True)
class Sizing:
    """How rounds are to be: ``lasting`` so many seconds, ``share`` seconds of them in a pair.

    ``fewest`` to ``most`` of one stratum.
    """

    lasting: float
    share: float
    fewest: int
    most: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The strata of a cell, of ``jobs`` jobs that were run, ``of`` so many that there are.

    ``together`` says that the last stratum is of jobs of all others, run beside each other.
    ``names`` says of each stratum what it is.
    """

    strata: tuple[Stratum, ...]
    jobs: int
    of: int
    names: tuple[str, ...]
    together: bool = False
    warm: tuple[int, ...] = ()

    @property
    def weights(self) -> tuple[float, ...]:
        """How much each stratum counts in the whole."""
        if self.together:
            return (*(0.0 for _ in self.strata[1:]), 1.0)
        return tuple(one.share for one in self.strata)

    def measured(self, pairs: int) -> int:
        """How many jobs so many pairs measured."""
        if self.strata[0].numbers is None:
            return self.jobs if pairs else 0
        kinds = self.strata[:-1] if self.together else self.strata
        return sum(one.covered(pairs) for one in kinds)

    def order(self) -> list[tuple[int, int]]:
        """The rounds of a pair: the stratum of each, and its number among those of its stratum."""
        longest = max(one.rounds for one in self.strata)
        return [
            (number, round_)
            for round_ in range(longest)
            for number, one in enumerate(self.strata)
            if round_ < one.rounds
        ]


def plan(
    name: str,
    workers: Sequence[Worker],
    packages: Sequence[Iterable[str]],
    most: int | None,
    in_flight: int,
    divisible: bool,
    limit: float,
    sizing: Sizing,
) -> Plan:
    """Take the inventory of a cell, and divide its jobs.

    ``workers`` have it open, of both sides; ``in_flight`` jobs are done at once. After ``limit``
    seconds no more jobs are drawn, unless they are not to be divided. Raises SideFailed where the
    sides give other results, or one does not import its own files.
    """
    taken = inventories(name, workers, packages, most, limit if divisible else math.inf)
    seconds = [one["seconds"] for one in taken]
    jobs = taken[0]["jobs"]
    divisible = divisible and len(seconds[0]) == jobs
    groups: Sequence[list[int] | None] = [None]
    if divisible:
        if jobs > strata.MOST:
            look_again(workers, packages, jobs, seconds)
        both = [a + b for a, b in zip(*seconds, strict=True)]
        ratios = [math.log(max(b, 1e-9) / max(a, 1e-9)) for a, b in zip(*seconds, strict=True)]
        divided = strata.divide(both, ratios)
        whole = sum(both) or 1.0
        shares = [sum(both[number] for number in group) / whole for group in divided]
        beside = in_flight > 1 and len(divided) > 1
        groups = [*divided, *([strata.together(divided, in_flight)] if beside else [])]
    else:
        beside, shares = False, [1.0]
    made = [
        sized(workers[1], group, share, in_flight, len(groups), sizing)
        for group, share in zip(groups, [*shares, 1.0], strict=False)
    ]
    lengths = [length for _, length in made]
    warm = [n for n, length in enumerate(lengths) if length < LONG]
    return Plan(
        strata=tuple(one for one, _ in made),
        jobs=jobs,
        of=max(jobs, taken[0]["of"]),
        names=named(workers[1], groups, seconds, beside),
        together=beside,
        warm=tuple(warm or [lengths.index(min(lengths))]),
    )


def inventories(
    name: str,
    workers: Sequence[Worker],
    packages: Sequence[Iterable[str]],
    most: int | None,
    limit: float,
) -> list[dict[str, Any]]:
    """What all jobs showed on both sides, one after the other. Raises SideFailed."""
    taken: list[dict[str, Any]] = []
    for worker, seconds in zip(workers, (limit, math.inf), strict=True):
        taken.append(worker.ask("inventory", how=asked(worker, packages, most, seconds)))
        most = taken[0]["jobs"]
    compare_all(name, workers, taken)
    modules = [dict(one["modules"]) for one in taken]
    if said := not_its_own([worker.side for worker in workers], modules, packages):
        raise SideFailed(said)
    return taken


def asked(
    worker: Worker, packages: Sequence[Iterable[str]], most: int | None, limit: float
) -> dict[str, Any]:
    """How a side is to take its inventory."""
    side = worker.side
    return {
        "most": most,
        "limit": limit,
        "folders": [str(one) for one in (side.tree, side.copy) if one],
        "packages": sorted({name for each in packages for name in each}),
    }


def compare_all(name: str, workers: Sequence[Worker], taken: Sequence[dict[str, Any]]) -> None:
    """Raise SideFailed unless both gave the same result for each job."""
    one, other = taken
    sides = [worker.side.name for worker in workers]
    if one["jobs"] != other["jobs"]:
        raise SideFailed(
            f"{name}: {sides[1]} has {other['jobs']} jobs and {sides[0]} has {one['jobs']}: the two"
            " are not given the same work"
        )
    pairs = enumerate(zip(one["digests"], other["digests"], strict=False))
    differing = [number for number, (a, b) in pairs if a != b]
    if not differing and one["whole"] == other["whole"]:
        return
    per_job = len(one["digests"]) == one["jobs"] == len(other["digests"])
    numbers = [differing[0]] if differing and per_job else None
    texts = [worker.ask("show", jobs=numbers)["text"] for worker in workers]
    said = fingerprints.difference(*texts)
    where = f" for job {differing[0] + 1} of {one['jobs']}" if numbers else ""
    more = f" (and for {len(differing) - 1} more)" if numbers and len(differing) > 1 else ""
    raise SideFailed(
        f"{name}: {sides[1]} gives other results than {sides[0]}{where}{more}:"
        f" {said[1]} in place of {said[0]}"
    )


def look_again(
    workers: Sequence[Worker],
    packages: Sequence[Iterable[str]],
    jobs: int,
    seconds: list[list[float]],
) -> None:
    """See again how long each job takes, in turns, and keep the shortest time of each."""
    spent = max(map(sum, seconds))
    for _ in range(min(LOOKS - 1, int(LOOKING / max(spent, 1e-3)))):
        for number, worker in enumerate(workers):
            again = worker.ask("inventory", how=asked(worker, packages, jobs, math.inf))
            if len(again["seconds"]) == len(seconds[number]):
                seconds[number] = list(map(min, seconds[number], again["seconds"]))


def sized(
    worker: Worker,
    group: list[int] | None,
    share: float,
    in_flight: int,
    strata_in_all: int,
    sizing: Sizing,
) -> tuple[Stratum, float]:
    """A stratum with the size of its rounds, as side B has them, and the seconds of one."""
    how = {"numbers": group, "lasting": sizing.lasting, "least": in_flight}
    found = worker.ask("size", how=how)
    seconds = found["seconds"] * found["runs"]
    part = sizing.share / min(strata_in_all, LEAST_PART)
    fewest = 1 if strata_in_all > 1 and seconds > LONG else sizing.fewest
    count = max(fewest, min(sizing.most, int(part / max(seconds, 1e-9))))
    numbers = None if group is None else tuple(group)
    return Stratum(numbers, share, max(1, found["size"]), found["runs"], count), seconds


def named(
    worker: Worker,
    groups: Sequence[list[int] | None],
    seconds: Sequence[Sequence[float]],
    together: bool,
) -> tuple[str, ...]:
    """What each stratum is, for a reader: a job, or jobs of a length."""
    kinds = [group for group in groups[: len(groups) - together] if group]
    first = worker.ask("describe", jobs=[group[0] for group in kinds])["jobs"] if kinds else []
    names = []
    for group, job in zip(kinds, first, strict=True):
        if len(group) == 1:
            names.append(f"job {group[0] + 1}, {job}")
            continue
        length = sum(seconds[0][number] for number in group) / len(group)
        names.append(f"{len(group)} jobs of about {length * 1000:.3g} ms, such as {job}")
    if together:
        names.append("all kinds beside each other")
    return tuple(names) or ("all jobs",)

"""Puts saved runs in order: per machine the commits, per ratio its values over them."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from conlab.history.saved import KINDS, SERIAL_SECONDS, Machine, Ratio, Run


@dataclass(frozen=True)
class Commit:
    """The runs of one commit; a run of changes that are in no commit stands alone."""

    runs: tuple[Run, ...]

    @property
    def name(self) -> str:
        """Seven digits, with + where there were changes on top; or the number of the run."""
        first = self.runs[0]
        if first.commit is None:
            return f"run {first.name.rpartition('/')[2].partition('_')[0]}"
        return first.commit[:7] + ("+" if first.dirty else "")

    @property
    def time(self) -> datetime:
        """When it was committed, or if nobody knows, when it was first measured."""
        return self.runs[0].committed or min(run.made for run in self.runs)

    def values(self, ratio: Ratio, host: str | None = None) -> list[float]:
        """What its runs, or those of one host, made of a ratio, the smallest first."""
        return sorted(
            run.ratios[ratio]
            for run in self.runs
            if ratio in run.ratios and host in (None, run.machine.host)
        )


@dataclass(frozen=True)
class History:
    """What one machine measured under the same conditions, the oldest commit first."""

    machine: Machine
    conditions: str
    commits: tuple[Commit, ...]

    @cached_property
    def ratios(self) -> list[Ratio]:
        """Every ratio that a run made, by kind, then by what it is of."""
        found = {ratio for commit in self.commits for run in commit.runs for ratio in run.ratios}
        return sorted(found, key=lambda one: (KINDS.index(one.kind), one.of, one.jobs or 0))

    @cached_property
    def hosts(self) -> list[str]:
        """The hosts that ran it, that of the newest run first."""
        runs = sorted(
            (run for commit in self.commits for run in commit.runs),
            key=lambda run: (run.made, run.name),
        )
        return list(dict.fromkeys(run.machine.host for run in reversed(runs)))

    def series(self, ratio: Ratio) -> "Series":
        """A ratio's values over the commits that have any.

        Serial's own seconds are those of one host, of that which ran last: of others they would say
        as much of the hosts as of the commits.
        """
        host = self.hosts[0] if ratio.kind == SERIAL_SECONDS else None
        values = [(commit, commit.values(ratio, host)) for commit in self.commits]
        return Series(ratio, tuple((commit, tuple(found)) for commit, found in values if found))


@dataclass(frozen=True)
class Series:
    """A ratio over commits; each has at least one value, the smallest first."""

    ratio: Ratio
    points: tuple[tuple[Commit, tuple[float, ...]], ...]

    @cached_property
    def medians(self) -> list[float]:
        """One value a commit."""
        return [statistics.median(values) for _, values in self.points]

    @cached_property
    def spread(self) -> float | None:
        """How far runs of one commit lie apart: half their range over their median.

        The median over the commits that have several, None if none has.
        """
        several = [values for _, values in self.points if len(values) > 1]
        halves = [(v[-1] - v[0]) / 2 / statistics.median(v) for v in several]
        return statistics.median(halves) if halves else None


def histories(runs: Iterable[Run], *, by_host: bool, last: int) -> list[History]:
    """The runs by machine and conditions: never two of them in one series.

    Hosts of one kind are one machine, unless ``by_host``: each run in CI has another. ``last`` is
    how many commits are kept.
    """
    found: dict[tuple[Machine, str], list[Run]] = {}
    for run in runs:
        machine = run.machine if by_host else replace(run.machine, host="")
        found.setdefault((machine, run.conditions), []).append(run)
    return [
        History(machine, conditions, tuple(_commits(found[machine, conditions])[-last:]))
        for machine, conditions in sorted(found)
    ]


def _commits(runs: Iterable[Run]) -> list[Commit]:
    """By commit time, then by the time of the first run: commits of one second have an order."""
    found: dict[tuple[str, ...], list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.made, run.name)):
        clean = run.commit is not None and not run.dirty
        found.setdefault((run.commit or "",) if clean else ("", run.name), []).append(run)
    commits = [Commit(tuple(same)) for same in found.values()]
    return sorted(commits, key=lambda commit: (commit.time, commit.runs[0].made))

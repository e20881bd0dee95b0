"""Stragglers: one job takes so long that the others end before it does."""

import heapq
import statistics
from collections.abc import Iterable

from conlab.bench.readings import bounds
from conlab.bench.readings.figures import HELD, Case, Row
from conlab.bench.readings.reading import Reading
from conlab.bench.words import duration, join

FAR_LONGER = 2.0  # times the median job, from which the longest is a straggler
NEAR = 0.5  # the share of the fastest run from which its longest job bounds it
WORTH_IT = 0.9  # the share of the time up to which another order would help


def read(case: Case) -> Reading | None:
    """Say that the longest job bounds it, and whether starting that first would help."""
    alone, bound = case.alone, bounds.bound(case)
    if alone is None or bound is None or bound.by != bounds.JOB or len(alone.jobs) < 2:
        return None
    rows = [row for row in case.rows if HELD not in row.label]
    longest, fastest = bound.seconds, rows[0]
    usual = statistics.median(alone.jobs)
    if longest < FAR_LONGER * usual or longest < NEAR * fastest.seconds:
        return None
    helped = [said for row in rows if row is not case.serial if (said := by_order(case, row))]
    order = (
        f"Starting the longest first would help: {join(helped)}."
        if helped
        else "Starting it first would not help: there was room for it from the start."
    )
    return Reading(
        "straggler",
        f"Bounded by its longest job: one takes {duration(longest)} (half of them take no more than"
        f" {duration(usual)}), no run can be shorter, and the fastest, {fastest.label}, took"
        f" {duration(fastest.seconds)}. {order} Beyond that, only dividing that job would.",
        answers=True,
    )


def by_order(case: Case, row: Row) -> str:
    """What the row would take with the longest job first; empty where that is no gain."""
    assert case.alone
    computes = case.alone.waiting < 0.5
    places = min(row.at_once, case.cores) if computes else row.at_once
    if computes and row.processes < 2:
        return ""  # threads may have to take turns at the GIL: nothing is known of their order
    now = run_time(case.alone.jobs, places)
    then = run_time(sorted(case.alone.jobs, reverse=True), places)
    if then > WORTH_IT * now:
        return ""
    return f"{row.label} would take about {duration(then)} instead of {duration(now)}"


def run_time(jobs: Iterable[float], places: int) -> float:
    """Seconds until all jobs have ended, each begun in turn as soon as a place is free."""
    free = [0.0] * max(1, places)
    for seconds in jobs:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)

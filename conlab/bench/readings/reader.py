"""Reads a case by every rule, those first that others build on."""

from conlab.bench.readings import (
    big_results,
    blocked_loop,
    clients,
    making,
    memory,
    not_awaited,
    parallel_inside,
    remembered,
    shared,
    stragglers,
    too_short,
)
from conlab.bench.readings.figures import Case
from conlab.bench.readings.reading import Reading

DISPATCH = "dispatch_tasks"  # jobs that do nothing, to see what a pool costs
RULES = (
    blocked_loop.read,
    not_awaited.read,
    shared.read,
    parallel_inside.read,
    making.read,
    stragglers.read,
    big_results.read,
    memory.read,
    clients.read,
)


def readings(case: Case) -> list[Reading]:
    """What the figures say of the jobs; where they are too short, or did nothing, only that."""
    if case.name == DISPATCH:
        return []
    if alone := remembered.read(case) or too_short.read(case):
        return [alone]
    return [reading for rule in RULES if (reading := rule(case))]

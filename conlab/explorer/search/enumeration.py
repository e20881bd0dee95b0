"""Enumerates the schedules, depth first, the fewest preemptions first: iterative context bounding.

Musuvathi and Qadeer, *Iterative context bounding for systematic testing of multithreaded programs*,
PLDI 2007.
"""

from collections.abc import Callable, Iterator

from conlab.explorer.search.schedule import Schedule

MOST_KEPT = 2_000  # schedules kept whole between two levels; of the others only the choices are


def enumerate_schedules(
    execute: Callable[[Schedule], object], bound: int | None
) -> Iterator[Schedule]:
    """Execute every sequence of choices of at most ``bound`` preemptions, the fewest first.

    ``execute`` is one execution under the schedule that it is given; none comes twice. Yields each
    schedule when its execution has ended. Between two levels the schedules that have costlier
    neighbours are kept; of those above `MOST_KEPT` only the choices, and such a one is executed
    again when its turn comes.
    """
    level = 0
    costlier: list[tuple[Schedule | bytes, int]] = []
    first = Schedule()
    execute(first)
    yield first
    yield from _free_neighbours(execute, first, 0, costlier, keep=bound != 0)
    while costlier and (bound is None or level < bound):
        level += 1
        parents, costlier = costlier, []
        while parents:
            kept, start = parents.pop()
            if isinstance(kept, Schedule):
                parent = kept
            else:
                parent = Schedule(kept)
                execute(parent)
            for at in range(start, len(parent.choices)):
                for option, cost in enumerate(parent.costs[at]):
                    if cost and option != parent.choices[at]:
                        schedule = _branch(execute, parent, at, option)
                        yield schedule
                        yield from _free_neighbours(
                            execute, schedule, at + 1, costlier, keep=bound is None or level < bound
                        )


def _free_neighbours(
    execute: Callable[[Schedule], object],
    schedule: Schedule,
    start: int,
    costlier: list[tuple[Schedule | bytes, int]],
    *,
    keep: bool,
) -> Iterator[Schedule]:
    """Execute what differs from ``schedule`` from ``start`` on by free choices, depth first."""
    if keep:
        _keep(costlier, schedule, start)
    stack = [(schedule, _free_options(schedule, start))]
    while stack:
        parent, options = stack[-1]
        for at, option in options:
            neighbour = _branch(execute, parent, at, option)
            yield neighbour
            if keep:
                _keep(costlier, neighbour, at + 1)
            stack.append((neighbour, _free_options(neighbour, at + 1)))
            break
        else:
            stack.pop()


def _keep(costlier: list[tuple[Schedule | bytes, int]], schedule: Schedule, start: int) -> None:
    if any(1 in costs for costs in schedule.costs[start:]):
        costlier.append((schedule if len(costlier) < MOST_KEPT else bytes(schedule.choices), start))


def _free_options(schedule: Schedule, start: int) -> Iterator[tuple[int, int]]:
    for at in range(len(schedule.choices) - 1, start - 1, -1):
        for option, cost in enumerate(schedule.costs[at]):
            if not cost and option != schedule.choices[at]:
                yield at, option


def _branch(
    execute: Callable[[Schedule], object], schedule: Schedule, at: int, option: int
) -> Schedule:
    branch = Schedule([*schedule.choices[:at], option], schedule.sites[:at])
    execute(branch)
    return branch

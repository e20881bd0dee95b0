"""What the races of an execution demand: that at some fork another goes first as well.

Without a bound somebody must be able to bring the later step about without the earlier one. Within
one, the thread of the later step goes first, right there and where the turn before it began.
"""

from collections.abc import Iterator

from conlab.explorer.search.happens_before import HappensBefore, TracedStep
from conlab.explorer.search.traced import Demand, TracedSchedule


def demands(
    schedule: TracedSchedule, order: HappensBefore, since: int, bound: int | None
) -> Iterator[Demand]:
    """Demand both orders of every race, of those whose later step is ``since`` or after.

    ``order`` has the schedule's first steps already, none after ``since``, and is given the others.
    """
    reverse = _reverse_anyway if bound is None else _reverse_within_bound
    for here, step in enumerate(schedule.steps[len(order.steps) :], len(order.steps)):
        races = _reversible(order, step, bound) if here >= since else []
        order.add(step)
        for earlier in races:
            yield from reverse(schedule, order.steps, earlier, step)
    for step in schedule.pending:
        step.clock = order.clock_of(step)
        for earlier in _reversible(order, step, bound):
            yield from reverse(schedule, [*order.steps, step], earlier, step)


def _reversible(order: HappensBefore, step: TracedStep, bound: int | None) -> list[int]:
    """Give the earlier steps before which, or instead of which, a step's thread may have to go."""
    if bound is None:
        return order.races(step)
    return order.races(step, bounded=True) + order.enabling(step)


def _reverse_within_bound(
    schedule: TracedSchedule, steps: list[TracedStep], earlier: int, later: TracedStep
) -> Iterator[Demand]:
    """Let the later step's thread go first, right there and where the turn before it began."""
    turn = max(earlier - 1, 0)
    while turn and steps[turn - 1].thread == steps[turn].thread:
        turn -= 1
    for at in dict.fromkeys([earlier, turn]):
        if (choice := schedule.choice_of.get(at)) is not None:
            enabled = (later.thread,) if later.thread in steps[at].instead else ()
            yield Demand(choice, enabled, later.thread)


def _reverse_anyway(
    schedule: TracedSchedule, steps: list[TracedStep], earlier: int, later: TracedStep
) -> Iterator[Demand]:
    """Have somebody go first who can bring the later step about without the earlier one."""
    choice = schedule.choice_of.get(earlier)
    if choice is None:
        return  # nobody else could have gone on
    first = _first_without(steps, earlier, later)
    enabled = tuple(thread for thread in first if thread in steps[earlier].instead)
    best = later.thread if later.thread in enabled or not enabled else enabled[0]
    yield Demand(choice, enabled, best)


def _first_without(steps: list[TracedStep], earlier: int, later: TracedStep) -> list[int]:
    """Give the threads that can begin with what leads to the later step without the earlier one."""
    gone = steps[earlier]
    seen: dict[int, TracedStep] = {}
    first: list[int] = []
    for step in steps[earlier + 1 :]:
        if step.thread in seen or (step is not later and gone.comes_before(step.clock)):
            continue
        if not any(before.comes_before(step.clock) for before in seen.values()):
            first.append(step.thread)
        seen[step.thread] = step
    return first

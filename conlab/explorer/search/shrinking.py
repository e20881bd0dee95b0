"""Makes a failing schedule shorter, as long as it fails in the same way."""

from collections.abc import Callable, Iterator, Sequence

from conlab.explorer.search.schedule import Schedule


def shrink(
    fails: Callable[[Sequence[int]], Schedule | None], schedule: Schedule, tries: int = 200
) -> Schedule:
    """Return a failing schedule with as few preemptions and other choices as ``tries`` allow.

    ``fails`` executes a sequence of choices and returns its schedule when it fails in the same way,
    else None; a sequence that leads elsewhere is no failure.
    """
    best, again = schedule, True
    while again and tries > 0:
        again = False
        for at in reversed([at for at, choice in enumerate(best.choices) if choice]):
            for candidate in _simpler(best.choices, at):
                if tries <= 0:
                    break
                tries -= 1
                shorter = fails(candidate)
                if shorter is not None and _size(shorter) < _size(best):
                    best, again = shorter, True
                    break
            if again:
                break
    return best


def _simpler(choices: Sequence[int], at: int) -> Iterator[list[int]]:
    """Give the sequence without the choice at ``at``: cut there, dropped, or made the first."""
    yield list(choices[:at])
    yield [*choices[:at], 0, *choices[at + 1 :]]
    yield [*choices[:at], *choices[at + 1 :]]


def _size(schedule: Schedule) -> tuple[int, int, int]:
    chosen = sum(1 for choice in schedule.choices if choice)
    return schedule.preemptions, chosen, len(schedule.choices)

"""How long each lock was held in a witness: by whom, and between which of its steps."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hold:
    """A lock that a thread or task took in the step ``start`` and gave back in the step ``end``.

    Steps are counted from 0. ``end`` is None where the lock was never given back. ``lock`` is its
    name in the source, with a number where several have the same.
    """

    lock: str
    thread: str
    start: int
    end: int | None = None


@dataclass(slots=True)
class Holding:
    """The same while it is written down; ``number`` is that of the lock."""

    number: int
    name: str
    thread: str
    start: int
    end: int | None = None


def told(holdings: Sequence[Holding], steps: int) -> tuple[Hold, ...]:
    """Return what is worth telling, of a witness of so many steps.

    Left out is a lock that is taken and given back within one line each time: a queue's own, say.
    """
    lasting = {each.number for each in holdings if each.end is None or each.end > each.start}
    numbers: dict[str, list[int]] = {}
    for each in holdings:
        if each.number in lasting and each.number not in numbers.setdefault(each.name, []):
            numbers[each.name].append(each.number)
    found = []
    for each in holdings:
        if each.number not in lasting or each.start >= steps:
            continue
        alike = numbers[each.name]
        name = f"{each.name} ({alike.index(each.number) + 1})" if len(alike) > 1 else each.name
        found.append(Hold(name, each.thread, each.start, each.end))
    return tuple(found)

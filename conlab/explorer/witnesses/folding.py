"""Folds what repeats: a sequence in which a run of items comes again and again, told once."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

LONGEST_PERIOD = 150  # items of a repetition that is looked for anywhere but at the end
LONG = 4_000  # items, of which no repetition is looked for in the middle


@dataclass(frozen=True, slots=True)
class Part:
    """The items from ``start`` on, ``length`` of them, that come ``times`` times in a row."""

    start: int
    length: int
    times: int = 1

    @property
    def end(self) -> int:
        """Where the next part starts."""
        return self.start + self.length * self.times


def fold(keys: Sequence[Hashable], at_least: int = 3) -> list[Part]:
    """Return the parts of a sequence, equal neighbours folded where they come so many times."""
    numbers: dict[Hashable, int] = {}
    items = [numbers.setdefault(key, len(numbers)) for key in keys]
    ending = _at_the_end(items, at_least)
    until = len(items) if ending is None else ending.start
    parts: list[Part] = []
    at = plain = 0
    while at < until:
        found = None if until > LONG else _at(items, at, until, at_least)
        if found is None:
            at += 1
            continue
        if plain < at:
            parts.append(Part(plain, at - plain))
        parts.append(found)
        at = plain = found.end
    if plain < until:
        parts.append(Part(plain, until - plain))
    if ending is not None:
        parts.append(ending)
        if ending.end < len(items):
            parts.append(Part(ending.end, len(items) - ending.end))
    return parts


def _at(items: Sequence[int], at: int, until: int, at_least: int) -> Part | None:
    """Return the repetition that begins here and saves the most, of the shortest period."""
    best: Part | None = None
    for length in range(1, min(LONGEST_PERIOD, (until - at) // at_least) + 1):
        same = at
        while same + length < until and items[same] == items[same + length]:
            same += 1
        times = (same - at) // length + 1
        if times >= at_least and (best is None or times * length > best.times * best.length):
            best = Part(at, length, times)
    return best


def _at_the_end(items: Sequence[int], at_least: int) -> Part | None:
    """Return the repetition that the sequence ends in, if it is long; its last turn may be broken.

    The failure function of Knuth, Morris and Pratt gives the shortest period of each suffix.
    """
    turned = items[::-1]
    border = [0] * len(turned)
    longest = (0, 0)  # items of the suffix, its period
    for at in range(1, len(turned)):
        known = border[at - 1]
        while known and turned[at] != turned[known]:
            known = border[known - 1]
        border[at] = known + (turned[at] == turned[known])
        size, period = at + 1, at + 1 - border[at]
        if size >= period * at_least and size > 4 * at_least and size - period > longest[0]:
            longest = size, period
    size, period = longest
    if not size:
        return None
    start = len(items) - size
    return Part(start, period, size // period)

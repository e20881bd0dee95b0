"""A set of the numbers of traces, which may become a million."""

from array import array
from collections.abc import Iterable, Iterator

SMALLEST = 64  # places; a power of two, as each larger number of them
FREE = 0


class Traces:
    """A set of numbers of 64 bits, at 12 to 24 bytes each: an open-addressed hash table.

    The numbers are digests, so their last bits are as good as any hash.
    """

    __slots__ = ("_count", "_places")

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        """Begin with these numbers."""
        self._places = array("Q", [FREE]) * SMALLEST
        self._count = 0
        self.update(numbers)

    def add(self, number: int) -> None:
        """Take a number in."""
        number = number or 1  # 0 says that a place is free
        at = self._place_of(number)
        if self._places[at] == FREE:
            self._places[at] = number
            self._count += 1
            if 3 * self._count > 2 * len(self._places):
                self._grow()

    def update(self, numbers: Iterable[int]) -> None:
        """Take all of these in."""
        for number in numbers:
            self.add(number)

    def __contains__(self, number: int) -> bool:
        """Whether it was taken in."""
        return self._places[self._place_of(number or 1)] != FREE

    def __len__(self) -> int:
        """How many differ."""
        return self._count

    def __iter__(self) -> Iterator[int]:
        """Give them in no order that means anything."""
        return (number for number in self._places if number != FREE)

    def __eq__(self, other: object) -> bool:
        """Whether the other has the same ones."""
        return isinstance(other, Traces) and set(self) == set(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Say how many there are."""
        return f"<{self._count} traces>"

    def _place_of(self, number: int) -> int:
        places = self._places
        last = len(places) - 1
        at = number & last
        while places[at] != FREE and places[at] != number:
            at = (at + 1) & last
        return at

    def _grow(self) -> None:
        numbers, self._count = list(self), 0
        self._places = array("Q", [FREE]) * (2 * len(self._places))
        self.update(numbers)

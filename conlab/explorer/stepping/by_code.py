"""What is known of code objects, found by their address: to hash one takes as long as a step."""

from collections.abc import Iterator
from types import CodeType
from typing import Generic, TypeVar

from conlab.explorer.threads.reference import address_of

MOST_KEPT = 10_000  # addresses; more only where a program makes its code again and again

T = TypeVar("T")


class ByCode(Generic[T]):
    """A mapping by code object; equal ones are one key.

    ``by_address`` has the values of those that were asked for already, each with its code object.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._values: dict[CodeType, T] = {}
        self.by_address: dict[int, tuple[T, CodeType]] = {}

    def get(self, code: CodeType) -> T | None:
        """Return what is known of it, or None."""
        known = self.by_address.get(address_of(code))
        return known[0] if known is not None else self._found_equal(code)

    def _found_equal(self, code: CodeType) -> T | None:
        value = self._values.get(code)
        if value is not None:
            if len(self.by_address) >= MOST_KEPT:
                self.by_address.clear()
            self.by_address[address_of(code)] = value, code
        return value

    def __getitem__(self, code: CodeType) -> T:
        value = self.get(code)
        if value is None:
            raise KeyError(code)
        return value

    def __setitem__(self, code: CodeType, value: T) -> None:
        self._values[code] = value
        self.by_address.clear()

    def __contains__(self, code: CodeType) -> bool:
        return address_of(code) in self.by_address or code in self._values

    def __iter__(self) -> Iterator[CodeType]:
        return iter(self._values)

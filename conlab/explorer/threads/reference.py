"""Refers to a thing of the program without making it live longer, where that can be."""

import weakref
from typing import Any

address_of = id  # while a program is explored, what it makes is numbered by `id`
GONE: Any = type("Gone", (), {"__repr__": lambda _: "gone"})()


class Reference:
    """A weak reference where the thing allows one, as all do that have a finaliser of their own."""

    __slots__ = ("_strong", "_weak")

    def __init__(self, thing: Any) -> None:
        self._strong: Any = GONE
        try:
            self._weak: weakref.ref[Any] | None = weakref.ref(thing)
        except TypeError:
            self._weak, self._strong = None, thing

    def thing(self) -> Any:
        """Return it, or GONE."""
        if self._weak is None:
            return self._strong
        found = self._weak()
        return GONE if found is None else found

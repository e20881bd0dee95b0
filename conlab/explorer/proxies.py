"""Looking at a program's objects without running their code.

A proxy, as Flask's ``request``, Django's ``settings`` and celery's ``current_app`` are, asks the
object that it stands for even for its ``__class__`` and its ``__dict__``, and raises where there is
none. So ``isinstance`` and ``getattr`` are no way to look at what a program holds.
"""

from _thread import _local
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any


def stands_for_another(thing: object) -> bool:
    """Whether an object says itself of what class it is, as a proxy does and a mock."""
    return any("__class__" in vars(base) for base in type(thing).__mro__[:-1])


def namespace_of(thing: object) -> Any:
    """Return the attributes that an object has of its own; None if it cannot have any."""
    for base in type(thing).__mro__:
        slot: Any = vars(base).get("__dict__")
        if type(slot) in (GetSetDescriptorType, MemberDescriptorType):
            return slot.__get__(thing)
    return None


def begins_when_looked_at(thing: object) -> bool:
    """Whether to look at its attributes calls an ``__init__``, once in each thread.

    So does a `threading.local` of a class that has one: the program is to call it, where it is
    stepped, and nobody else.
    """
    kind = type(thing)
    return issubclass(kind, _local) and kind.__init__ is not object.__init__

"""Which classes are known to do in Python what they do: only these have all their touches seen."""

import array
import collections
import ctypes
from typing import Any

import pytest

from conlab.explorer.stepping.operands import in_python, purely_in_python


class Plain:
    pass


class Inheriting(Plain):
    __slots__ = ()


class OfC(collections.deque[int]):
    pass


class Overriding:
    __eq__ = object.__eq__  # of C, and of another class


@pytest.mark.parametrize("kind", [Plain, Inheriting, OfC, Overriding])
def test_a_class_statement_makes_a_class_in_python(kind: Any) -> None:
    assert in_python(kind)


@pytest.mark.parametrize("kind", [array.array, collections.deque, dict, ctypes.Array, object])
def test_c_makes_others_some_of_them_at_run_time(kind: Any) -> None:
    assert not in_python(kind)


def test_who_inherits_from_c_is_not_purely_in_python() -> None:
    assert [purely_in_python(kind) for kind in (Inheriting, OfC, ctypes.c_int * 1)] == [
        True,
        False,
        False,
    ]

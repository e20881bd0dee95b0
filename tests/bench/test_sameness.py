"""Which results are the same: by their own equality, NaN as NaN, and what is in them."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conlab.bench.sameness import difference, same, without_equality

NAN = float("nan")


def nan() -> float:
    """Another object each time, as one that a worker process has sent."""
    return float("nan")


@dataclass
class Held:
    value: Any
    seconds: float = field(default=0.0, compare=False)


@dataclass(eq=False)
class Unequal:
    value: Any


class Frame:
    """Stands in for a data frame: its ``==`` gives a frame, whose truth is ambiguous."""

    def __init__(self, *values: Any) -> None:
        self.values = values

    def __eq__(self, other: object) -> Any:
        return Frame(*(one == two for one, two in zip(self.values, other.values, strict=True)))  # type: ignore[attr-defined]

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise ValueError("The truth value of a Frame is ambiguous")

    def equals(self, other: "Frame") -> bool:
        return self.values == other.values


class Model:
    """Has an ``==`` over its fields, as pydantic's models have."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return bool(vars(self) == vars(other))

    __hash__ = None  # type: ignore[assignment]


MADE: dict[str, Callable[[], Any]] = {
    "NaN": lambda: nan(),
    "a complex NaN": lambda: complex(nan(), 1),
    "a decimal NaN": lambda: Decimal("NaN"),
    "numpy's NaN": lambda: np.float64("nan"),
    "NaN within": lambda: [1, (nan(), {"a": nan()})],
    "a deque": lambda: deque([nan()]),
    "a set": lambda: {1.0, 2.0, nan()},
    "an array": lambda: np.arange(4),
    "an array with NaN": lambda: np.array([1.0, nan()]),
    "an empty array": lambda: np.array([]),
    "an array of text": lambda: np.array(["a", "b"]),
    "an array of arrays": lambda: np.array([np.arange(2), None, nan()], dtype=object),
    "a structured array": lambda: np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    "arrays in a list": lambda: [np.arange(3), np.arange(4)],
    "arrays in a dict": lambda: {"a": np.arange(3), "b": [np.array([nan()])]},
    "a dataclass": lambda: Held(np.arange(3)),
    "dataclasses in one": lambda: Held([Held(nan())]),
    "a field left out": lambda: Held(1, seconds=nan()),
    "a frame": lambda: Frame(1, 2),
    "frames within": lambda: (Frame(1), [Frame(2)]),
    "a frame in a dataclass": lambda: Held(Frame(1)),
    "a model of fields": lambda: Model(np.arange(3)),
    "an exception": lambda: ValueError("no", 3),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE.keys())
def test_what_is_made_twice_in_the_same_way_is_the_same(make: Any) -> None:
    assert same(make(), make())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (nan(), 1.0),
        ([nan()], [1.0]),
        ({1.0, nan()}, {2.0, nan()}),
        ({nan()}, {nan(), 1.0}),
        (np.arange(3), np.arange(1, 4)),
        (np.arange(3), np.arange(4)),
        (np.arange(3), np.arange(3, dtype=float)),
        (np.zeros((1, 3)), np.zeros(3)),
        (np.array([nan(), 1]), np.array([1, nan()])),
        (np.arange(3), [0, 1, 2]),
        ([np.arange(3)], [np.arange(3) + 1]),
        (Held(np.arange(3)), Held(np.arange(4))),
        (Held(1), Unequal(1)),
        (Frame(1), Frame(2)),
        (Model(np.arange(3)), Model(np.arange(1, 4))),
        (ValueError("no"), ValueError("yes")),
        (ValueError("no"), TypeError("no")),
        ({"a": np.arange(2)}, {"b": np.arange(2)}),
        (Unequal(1), Unequal(1)),
        (object(), object()),
        ([1], (1,)),
        ("a", "b"),
    ],
    ids=lambda _: None,
)
def test_what_differs_is_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)


def test_what_has_no_equality_at_all_raises_what_its_own_raised() -> None:
    class Slotted:
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise TypeError("no truth in me")

        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(TypeError, match="no truth in me"):
        same(Slotted(), Slotted())


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Unequal(1), "Unequal"),
        ([{"a": Unequal(1)}], "Unequal"),
        (Held(1), None),
        (SimpleNamespace(a=1), None),
        (ValueError("no"), None),
        (3.5, None),
        (None, None),
    ],
)
def test_a_class_without_an_equality_is_named(value: Any, name: str | None) -> None:
    assert without_equality(value) == name


def test_where_results_differ_passes_over_what_is_the_same() -> None:
    said = difference([nan(), np.arange(2), 1], [nan(), np.arange(2), 2])
    assert said == "in result 2: 1\nand serial gives 2"
    assert difference({"a": nan(), "b": 1}, {"a": nan(), "b": 2}).startswith("at 'b': 1")


def test_a_way_of_comparing_that_is_given_decides() -> None:
    said = difference([1.0, 2.0], [1.001, 3.0], lambda *two: math.isclose(*two, rel_tol=0.01))
    assert said == "in result 1: 2.0\nand serial gives 3.0"

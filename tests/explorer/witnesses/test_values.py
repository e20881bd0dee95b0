"""Values are shown in a few characters, and no code of the reader's is run for it."""

import asyncio
import queue
from collections import deque

import pytest

from conlab.explorer.witnesses.values import LONGEST, change, shown


class Raises:
    def __repr__(self) -> str:
        raise AssertionError("a repr was asked for")

    __str__ = __len__ = __eq__ = __hash__ = __repr__  # type: ignore[assignment]


class OwnList(list[int]):
    def __len__(self) -> int:
        raise AssertionError("a length was asked for")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (99, "99"),
        (None, "None"),
        ("Ada", "'Ada'"),
        ([1, 2], "[1, 2]"),
        ({}, "{}"),
        ({"a": 1}, "{'a': 1}"),
        ({"b", "a"}, "{'a', 'b'}"),
        (list(range(50)), "list of 50"),
        ([Raises()], "list of 1"),
        ({"a": Raises()}, "dict of 1"),
        (deque([1]), "[1]"),
        (Raises(), "Raises"),
        (OwnList([1]), "OwnList"),
        (queue.Queue(), "Queue of 0"),
        pytest.param(10**5000, "an int of 16610 bits", id="large"),
    ],
)
def test_value_is_shown(value: object, text: str) -> None:
    assert shown(value) == text


def test_an_event_is_set_or_not() -> None:
    assert shown(asyncio.Event()) == "not set"


def test_nothing_is_longer_than_a_few_characters() -> None:
    for value in ("x" * 1000, b"y" * 1000, ["long" * 10] * 3, {"key" * 10: "value" * 10}, 1e300):
        assert len(shown(value)) <= LONGEST


def test_a_change_says_what_was_there_and_what_is() -> None:
    assert change("0", "99") == "0 → 99"
    assert change("list of 12", "list of 13") == "list of 12 → 13"

"""What a function in C calls back divides it: another thread comes between its two halves."""

import functools
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from conlab.explorer import explore
from tests.explorer.running import run_all


def maps_what_another_clears() -> None:
    numbers: list[int] = [1, 2]
    copies: list[int] = []

    def same(number: int) -> int:
        return number

    run_all(lambda: copies.extend(map(same, numbers)), numbers.clear)
    assert copies in ([], [1, 2])


def sorts_what_another_appends_to() -> None:
    numbers = [2, 1]
    run_all(lambda: numbers.sort(key=lambda each: each), lambda: numbers.append(0))
    assert len(numbers) == 3


def reduces_and_adds() -> None:
    totals = [0]

    def add() -> None:
        totals[0] += functools.reduce(lambda one, other: one + other, [1, 1])

    run_all(add, add)
    assert totals == [4]


def groups_with_a_factory() -> None:
    groups: defaultdict[str, list[int]] = defaultdict(lambda: [])  # noqa: PIE807
    run_all(lambda: groups["a"].append(1), lambda: groups["a"].append(1))
    assert groups == {"a": [1, 1]}


@pytest.mark.parametrize(
    "program",
    [
        maps_what_another_clears,
        sorts_what_another_appends_to,
        reduces_and_adds,
        pytest.param(
            groups_with_a_factory,
            marks=pytest.mark.skipif(
                sys.version_info >= (3, 13), reason="from 3.13 on, what came meanwhile is kept"
            ),
        ),
    ],
)
@pytest.mark.parametrize("reduction", [True, False])
def test_another_comes_while_c_calls_back(program: Callable[[], None], reduction: bool) -> None:
    found = explore(program, reading="bytecode", reduction=reduction)
    assert found.witness is not None
    assert "AssertionError" in str(found.witness.outcome)


class Box:
    """Does what is asked of it by itself, touching nothing."""

    def __getitem__(self, index: int) -> int:
        return index


def schedules_of(box: Any) -> int:
    verdict = explore(
        lambda: run_all(lambda: box[0], lambda: box[0]), reading="bytecode", reduction=False
    )
    assert verdict.exhausted
    return verdict.schedules


def test_a_method_after_which_c_does_nothing_has_no_further_point() -> None:
    assert schedules_of(Box()) == schedules_of([0])


def test_a_witness_makes_nothing_that_is_missing() -> None:
    def program() -> None:
        groups_with_a_factory()
        raise ValueError("always")

    found = explore(program, reading="bytecode")
    assert found.witness is not None

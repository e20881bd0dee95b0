"""Drivers of an object: which calls they make, and what they show of it."""

from collections.abc import Callable
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.explorer.serial.drivers import Operation, drivers, read_operations
from conlab.explorer.serial.linearizability import Linearizability, check_linearizability
from tests.explorer.serial import counted
from tests.explorer.serial.counted import Counter, LockedCounter, Slot


def checked(
    make: Callable[[], Any], operations: str, seconds: float | None = None
) -> Linearizability:
    return check_linearizability(
        make,
        "it",
        read_operations(operations, make()),
        stepped=[counted.__file__],
        reading="bytecode",
        seconds=seconds,
    )


def test_the_smallest_driver_that_shows_a_race_is_told() -> None:
    found = checked(Counter, "next")
    assert str(found.failing) == "[next()] beside [next()]"
    assert found.exploration is not None
    assert found.exploration.witness is not None
    assert found.exploration.witness.program == f"{found.name}: {found.failing}"
    assert "is not linearizable" in str(found)


def test_what_is_lost_is_seen_though_no_call_returns_it() -> None:
    found = checked(Counter, "add(5)")
    assert str(found.failing) == "[add(5)] beside [add(5)]"


def test_every_driver_of_a_locked_object_passes() -> None:
    found = checked(LockedCounter, "next")
    assert found.exhausted
    assert found.failing is None
    assert found.drivers == 6
    assert str(found) == (
        "it: the outcome of all 6 drivers equals that of a serial order of the same calls"
    )


def test_drivers_that_wait_in_every_serial_order_are_counted_apart() -> None:
    found = checked(Slot, "put(1),get", seconds=5)
    assert found.failing is None
    assert found.unordered
    assert found.explored


def test_an_object_that_only_waits_has_no_verdict() -> None:
    with pytest.raises(UserError, match="no driver can make its calls to the end"):
        checked(Slot, "get")


def test_drivers_begin_with_the_fewest_calls() -> None:
    made = list(drivers(Counter, [Operation("next")], []))
    sizes = [sum(map(len, driver.threads)) for driver in made]
    assert sizes == sorted(sizes) == [2, 3, 4, 4, 5, 6]
    assert max(len(calls) for driver in made for calls in driver.threads) == 3


def test_arguments_that_nobody_gave_are_the_same_and_then_different() -> None:
    made = drivers(Slot, read_operations("put", Slot()), [])
    assert [str(next(made)) for _ in range(2)] == [
        "[put(1)] beside [put(1)]",
        "[put(1)] beside [put(2)]",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("get,forget", "Slot has no method 'forget': it has condition, get, items, put"),
        ("put(", "are no names of methods"),
        ("put(x)", "are no names of methods"),
        ("", "names no method"),
    ],
)
def test_what_is_no_operation_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_operations(text, Slot())
    assert message in str(refusal.value)

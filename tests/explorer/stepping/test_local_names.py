"""A look at a frame's local names finds what they are bound to, and changes nothing."""

import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from conlab.explorer import explore
from conlab.explorer.stepping.local_names import UNBOUND, local_value
from tests.explorer.running import run_all


class Thing:
    """Something that can be referred to weakly."""


def frame_of(argument: Any, *rest: Any, given: Any = None, **options: Any) -> Iterator[FrameType]:
    """A frame with names of every kind."""
    own, shared = "own", "shared"

    def inner() -> tuple[Any, ...]:
        return shared, given

    yield sys._getframe()
    deleted = 1
    del deleted
    yield sys._getframe()
    del own, argument, rest, options, inner


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("argument", 1),
        ("rest", (2, 3)),
        ("given", "g"),
        ("options", {"more": 4}),
        ("own", "own"),
        ("shared", "shared"),
        ("deleted", UNBOUND),
        ("nobody", UNBOUND),
    ],
)
def test_a_name_of_any_kind_is_found(name: str, value: Any) -> None:
    frames = frame_of(1, 2, 3, given="g", more=4)
    assert local_value(next(frames), name) == value
    assert local_value(next(frames), name) == value


@pytest.mark.parametrize(("name", "value"), [("shared", "shared"), ("given", "g")])
def test_a_name_of_the_function_around_is_found(name: str, value: Any) -> None:
    def around(given: str) -> FrameType:
        shared = "shared"

        def inner() -> FrameType:
            return sys._getframe() if shared + given else sys._getframe(1)

        return inner()

    found: Callable[[], Any] = lambda: local_value(around("g"), name)  # noqa: E731
    assert found() == value


def test_what_was_looked_at_lives_no_longer() -> None:
    thing = Thing()
    seen = weakref.ref(thing)
    assert local_value(sys._getframe(), "thing") is thing
    del thing
    gc.collect()
    assert seen() is None


@pytest.mark.parametrize("reduction", [False, True])
def test_a_name_that_another_thread_binds_meanwhile_is_not_bound_back(reduction: bool) -> None:
    def program() -> int:
        count = 0
        items: list[int] = []

        def look() -> int:
            items.append(1)  # whose receiver the reading looks at; and then it lets others in
            return count

        def bind() -> None:
            nonlocal count
            count = 1

        run_all(look, bind)
        return count

    verdict = explore(program, check=lambda count: count == 1, reading="gil", reduction=reduction)
    assert not verdict.failing

"""What threads or tasks share is named; what each has of its own is not."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from conlab.explorer.exploration import shared_things

NAMES = ("first", "second")
SEEN: list[int] = []


class Shelf:
    """An attribute, a list, a lock."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()

    def add(self) -> None:
        self.count += 1

    def add_locked(self) -> None:
        with self.lock:
            self.count += 1

    def look(self) -> int:
        return self.count


def in_threads(make: Callable[[], Callable[[], object]]) -> Callable[[], None]:
    def program() -> None:
        job = make()
        threads = [threading.Thread(target=job, name=name) for name in NAMES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return program


@pytest.mark.parametrize(
    ("make", "shared"),
    [
        pytest.param(lambda: Shelf().add, ("Shelf.count",), id="an attribute"),
        pytest.param(lambda: Shelf().add_locked, ("Shelf.count", "a lock"), id="a lock"),
        pytest.param(lambda: Shelf().look, (), id="what is only read"),
        pytest.param(lambda: lambda: Shelf().add(), (), id="of each its own"),
        pytest.param(lambda: lambda: SEEN.append(1), ("the content of a list",), id="a list"),
        pytest.param(lambda: lambda: None, (), id="nothing"),
    ],
)
def test_what_threads_share_is_named(
    make: Callable[[], Callable[[], Any]], shared: tuple[str, ...]
) -> None:
    assert shared_things(in_threads(make), NAMES, stepped=[__file__]) == shared


@pytest.mark.parametrize(("own", "shared"), [(True, ()), (False, ("Shelf.count",))])
def test_what_tasks_share_is_named(own: bool, shared: tuple[str, ...]) -> None:
    async def program() -> None:
        one = Shelf()

        async def add() -> None:
            shelf = Shelf() if own else one
            shelf.add()
            await asyncio.sleep(0)
            shelf.add()

        await asyncio.gather(*(asyncio.create_task(add(), name=name) for name in NAMES))

    assert shared_things(program, NAMES, stepped=[__file__]) == shared

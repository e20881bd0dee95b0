"""Where a thread stands is told by the line of the reader's own code, and a loop that waits from
one that is held up."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.bench.evidence.stacks import Place, Stacks, is_own
from tests.patience import patience


@contextmanager
def standing(wait: Callable[[], object], leave: Callable[[], object]) -> Iterator[int]:
    """A thread that stands in ``wait``, by its number."""
    begun = threading.Event()

    def stand() -> None:
        begun.set()
        wait()

    thread = threading.Thread(target=stand)
    thread.start()
    assert begun.wait(patience(60))
    try:
        yield thread.ident or 0
    finally:
        leave()
        thread.join()


def look_until_seen(stacks: Stacks, seen: Callable[[], bool]) -> None:
    """Look until that was seen: the thread may not have got there yet."""
    end = threading.Event()
    timer = threading.Timer(patience(60), end.set)
    timer.start()
    try:
        while not seen() and not end.is_set():
            stacks.look()
    finally:
        timer.cancel()


def test_threads_that_wait_for_a_lock_are_seen_at_its_line() -> None:
    lock = threading.Lock()

    def work() -> None:
        with lock:
            pass

    lock.acquire()
    stacks = Stacks(on_loop=False, models=None)
    with standing(work, lock.release):
        look_until_seen(stacks, lambda: any(one.source == "with lock:" for one in stacks.places))
    seen = [place for place in stacks.places if place.source == "with lock:"]
    assert [place.line.partition(":")[0] for place in seen] == ["test_stacks.py"]
    assert seen[0].line.endswith(", work()")
    assert seen[0].inside == ""


def test_the_function_of_a_library_that_it_called_is_named() -> None:
    event = threading.Event()

    def work() -> None:
        event.wait()

    stacks = Stacks(on_loop=False, models=None)
    with standing(work, event.set):
        look_until_seen(stacks, lambda: any(one.inside for one in stacks.places))
    assert any(place.inside.endswith("threading.py, wait()") for place in stacks.places)


def looked_at_from_a_loop(
    work: Callable[[threading.Event], object], enough: Callable[[Stacks], bool]
) -> Stacks:
    """What is seen of the calling thread's loop while it does the work, until that is enough."""
    stacks, seen = Stacks(on_loop=True, models=None), threading.Event()

    def look() -> None:
        look_until_seen(stacks, lambda: enough(stacks))
        seen.set()

    async def run() -> None:
        looker = threading.Thread(target=look, name="conlab-test")
        looker.start()
        result = work(seen)
        if asyncio.iscoroutine(result):
            await result
        looker.join()

    asyncio.run(run())
    return stacks


def test_a_loop_that_is_blocked_is_seen_in_the_call_that_blocks_it() -> None:
    def block(seen: threading.Event) -> None:
        seen.wait()

    def in_the_call(stacks: Stacks) -> bool:
        return any(place.source == "seen.wait()" for place in stacks.places)

    stacks = looked_at_from_a_loop(block, in_the_call)
    assert in_the_call(stacks)
    assert stacks.idle == 0


def test_a_loop_that_waits_for_the_next_event_is_idle() -> None:
    async def wait(seen: threading.Event) -> None:
        await asyncio.get_running_loop().run_in_executor(None, seen.wait)

    assert looked_at_from_a_loop(wait, lambda stacks: stacks.idle >= 3).idle >= 3


def test_what_called_the_jobs_is_no_place_of_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conlab.bench.evidence.stacks.OUTSIDE", (str(Path(__file__).parent),))
    assert Stacks(on_loop=True, models=None).place_of(sys._getframe()) is None


def test_a_bytecode_of_no_line_stands_at_the_first_of_its_function() -> None:
    code = test_a_bytecode_of_no_line_stands_at_the_first_of_its_function.__code__
    frame: Any = SimpleNamespace(f_code=code, f_lineno=None, f_back=None)
    place = Stacks(on_loop=False, models=None).place_of(frame)
    assert place is not None
    assert place.line == f"test_stacks.py:{code.co_firstlineno}, {code.co_name}()"


@pytest.mark.parametrize(
    ("file", "own"),
    [
        (__file__, True),
        (threading.__file__, False),
        (pytest.__file__, False),
        ("<string>", False),
        (sys.modules[Stacks.__module__].__file__, False),
    ],
)
def test_the_readers_own_files_are_told_from_those_of_libraries(file: str, own: bool) -> None:
    assert is_own(file) is own


def test_what_was_seen_most_is_given_with_how_often() -> None:
    stacks = Stacks(on_loop=False, models=None)
    often, once = Place("a.py:1, work()", "x"), Place("a.py:2, work()", "y")
    stacks.places.update([often, often, once])
    stacks.busy = 3
    assert (stacks.standing().most, stacks.standing().at_most) == (often, 2)
    assert Stacks(on_loop=False, models=None).standing().most is None

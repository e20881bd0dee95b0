"""What the recorder of a checked run takes note of, and what it keeps alive for that."""

import gc
import sys
import threading
import weakref
from multiprocessing import get_context
from types import FrameType

import pytest

from conlab.study.recording import conlab_recorder as recorder


def nothing() -> None:
    """What a thread or a process runs here."""


def test_a_process_is_not_kept_alive_with_its_pipes_and_a_thread_is() -> None:
    process = get_context("spawn").Process(target=nothing)
    thread = threading.Thread(target=nothing)
    of_process, of_thread, gone = (
        recorder.held(process),
        recorder.held(thread),
        weakref.ref(process),
    )
    assert (of_process(), of_thread()) == (process, thread)
    del process, thread
    gc.collect()
    assert gone() is None
    assert of_process() is None
    assert of_thread() is not None


@pytest.mark.parametrize(
    ("value", "count"),
    [(range(2000), 2000), ([1, [2, "three"]], 3), ({"a": None}, 1), (object(), 0)],
)
def test_plain_values_are_counted_in_what_holds_them(value: object, count: int) -> None:
    assert recorder.plain_values(value) == count


def test_a_thread_that_runs_what_is_not_the_file_s_works_all_the_same() -> None:
    assert recorder.is_of_another(threading.Thread(target=[].append), __file__)
    assert not recorder.is_of_another(threading.Thread(target=nothing), __file__)
    assert not recorder.is_of_another(threading.Thread(), __file__)


def here() -> recorder.Place:
    """The place that calls this."""
    frame: FrameType = sys._getframe()
    return recorder.place_of_caller(frame)


def test_whether_there_is_a_line_to_run_between_two_places() -> None:
    start = here()
    join = here()
    assert recorder.nothing_between(start, join)
    nothing()
    later = here()
    assert not recorder.nothing_between(join, later)
    assert not recorder.nothing_between(later, start)  # a loop, which comes back to it

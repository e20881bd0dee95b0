"""A set of traces holds what a set holds, and little more than the numbers."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from conlab.explorer.search.traces import Traces

NUMBERS = st.integers(1, 2**64 - 1)


@given(st.lists(st.one_of(NUMBERS, st.integers(1, 9).map(lambda n: n << 40))), NUMBERS)
def test_it_holds_what_a_set_holds(numbers: list[int], other: int) -> None:
    traces = Traces(numbers)
    assert (len(traces), set(traces)) == (len(set(numbers)), set(numbers))
    assert all(number in traces for number in numbers)
    assert (other in traces) == (other in numbers)


def test_the_number_that_marks_a_free_place_can_be_held() -> None:
    traces = Traces([0, 0])
    assert len(traces) == 1
    assert 0 in traces


def test_a_hundred_thousand_take_at_most_24_bytes_each() -> None:
    step = 0x9E3779B97F4A7C15  # makes of 0, 1, 2 … numbers that lie anywhere
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        traces = Traces(number * step % 2**64 for number in range(100_000))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(traces) == 100_000
    assert after - before <= 24 * len(traces) + 4_096

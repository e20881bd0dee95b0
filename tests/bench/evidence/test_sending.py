"""What is sent is measured on a few jobs, in both directions, and never at the cost of the run."""

import threading
from collections.abc import Iterator

from conlab.bench.evidence.sending import MOST_TRIED, sending, sent


def test_a_job_and_its_result_are_counted_together() -> None:
    found = sending(iter([b"x" * 1000] * 5), [b"y" * 50_000] * 5)
    assert found
    assert 51_000 <= found.size < 51_200
    assert found.seconds > 0


def test_what_is_larger_than_a_pipe_comes_through() -> None:
    found = sent(bytes(10_000_000))
    assert found
    assert found.size >= 10_000_000


def test_no_more_jobs_are_made_than_are_tried() -> None:
    made = []

    def jobs() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    sending(jobs(), None)
    assert len(made) == MOST_TRIED


def test_of_what_cannot_be_sent_nothing_is_known() -> None:
    assert sending(iter([threading.Lock()]), [1]) is None
    assert sending(iter([1]), [lambda: 1]) is None
    assert sending(iter([]), []) is None


class Unreadable:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("no number",)


def test_of_what_cannot_be_read_nothing_is_known() -> None:
    assert sent(Unreadable()) is None

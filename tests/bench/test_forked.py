"""A process that a job has forked ends where it would go on with the run."""

from typing import NoReturn

import pytest

from conlab.bench import forked
from conlab.bench.forked import Forked


class Left(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Forked:
    """What such a process has of its parent."""

    def leave(status: int) -> NoReturn:
        raise Left(status)

    monkeypatch.setattr(forked, "leave", leave)
    found = Forked()
    found.owner += 1
    return found


def test_the_process_itself_goes_on() -> None:
    own = Forked()
    with own.ending():
        own.end()
    assert not own.returned


def test_one_that_comes_out_of_its_job_ends_and_its_parent_can_see_it(child: Forked) -> None:
    with pytest.raises(Left, match="1"):
        child.end()
    assert child.returned


@pytest.mark.parametrize(("asked", "status"), [(0, "0"), (3, "3"), (None, "0"), ("no", "1")])
def test_one_that_asks_to_exit_does_so_with_its_status(
    asked: object, status: str, child: Forked
) -> None:
    with pytest.raises(Left, match=status), child.ending():
        raise SystemExit(asked)

"""Other programs: who they are, and waiting until they are quiet, on a clock of its own."""

import os
import subprocess
import sys

import pytest

from conlab.bench import neighbours
from conlab.bench.contention import Contention
from conlab.bench.neighbours import Neighbours, look_around, wait_for_quiet

LOOK = 1.0  # seconds that one takes on that clock


def taking(cores: float | None, *programs: tuple[str, float]) -> Neighbours:
    others = None if cores is None else cores * LOOK
    return Neighbours(Contention(LOOK, 2, 0.0, others, 0.0, 0.0, 0.0, 0.0), programs)


class Looks:
    """What each look sees, the last for ever; a look takes its time on the clock."""

    def __init__(self, *cores: float) -> None:
        self.cores = list(cores)
        self.clock = 0.0
        self.said: list[str] = []

    def __call__(self) -> Neighbours:
        self.clock += LOOK
        cores = self.cores.pop(0) if len(self.cores) > 1 else self.cores[0]
        return taking(cores, ("ffmpeg", cores))

    def wait(self, limit: float) -> Neighbours:
        return wait_for_quiet(limit, self.said.append, self, lambda: self.clock)


def test_what_they_take_is_said_with_the_programs_that_take_most() -> None:
    assert str(taking(1.26, ("ffmpeg", 0.9), ("rsync", 0.36))) == (
        "1.3 of 2 cores (ffmpeg 0.9, rsync 0.4)"
    )
    assert str(taking(0.04)) == "0.0 of 2 cores"
    assert str(taking(None)) == "a share that is not known on this system"


def test_on_a_quiet_machine_nothing_is_waited_for_and_nothing_said() -> None:
    looks = Looks(0.05)
    assert looks.wait(60.0).are_quiet
    assert (looks.clock, looks.said) == (LOOK, [])


def test_until_they_are_quiet_it_is_waited_and_said_for_what() -> None:
    looks = Looks(1.5, 1.5, 0.05)
    assert looks.wait(60.0).are_quiet
    assert looks.clock == 3 * LOOK
    waiting, quiet = looks.said
    assert waiting == (
        "waiting for quiet, 59 s more at most: other programs take 1.5 of 2 cores (ffmpeg 1.5),"
        " and more than 5% of the cores is not quiet"
    )
    assert quiet == "quiet after 3 s: other programs take 0.1 of 2 cores (ffmpeg 0.1); measuring"


def test_no_longer_is_waited_than_is_asked_for_and_that_is_said() -> None:
    looks = Looks(1.5)
    assert not looks.wait(25.0).are_quiet
    assert looks.clock == 25.0
    assert [sentence.partition(":")[0] for sentence in looks.said] == [
        "waiting for quiet, 24 s more at most",
        "waiting for quiet, 14 s more at most",
        "waiting for quiet, 4 s more at most",
        "no quiet in 25 s",
    ]


def test_without_the_option_one_look_is_all_and_nothing_is_said() -> None:
    looks = Looks(1.5)
    assert not looks.wait(0.0).are_quiet
    assert (looks.clock, looks.said) == (LOOK, [])


def test_what_is_not_known_is_not_waited_for() -> None:
    assert wait_for_quiet(60.0, pytest.fail, lambda: taking(None)).contention.taken is None


def test_a_look_names_who_computed_most_and_none_of_the_run_s_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {(1, 0.0): ("ffmpeg", 5.0), (2, 0.0): ("ffmpeg", 1.0), (3, 0.0): ("idle", 9.0)}
    after = before | {(1, 0.0): ("ffmpeg", 6.0), (2, 0.0): ("ffmpeg", 1.5), (9, 1.0): ("new", 1.0)}
    answers = iter([before, after])
    monkeypatch.setattr(neighbours, "cpu_seconds_by_process", lambda: next(answers))
    monkeypatch.setattr(neighbours, "LOOKING", 0.01)
    ((name, cores),) = look_around().programs
    assert name == "ffmpeg"
    assert cores > 0


def test_the_run_and_its_children_are_no_neighbours() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found = {pid for pid, _ in neighbours.cpu_seconds_by_process()}
        child.kill()

    assert not found & {os.getpid(), child.pid}

"""What the judge reads of a process tree tells rest from movement, on a busy machine too."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from conlab.warden import processes
from tests.patience import patience

SAYS_READY_AND_WAITS = "print('ready', flush=True); input()"


@pytest.fixture
def child() -> Iterator["subprocess.Popen[str]"]:
    """A Python that waits for input."""
    command = [sys.executable, "-c", SAYS_READY_AND_WAITS]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield started
        started.kill()


@pytest.mark.parametrize(("state", "rests"), [("S", True), ("Z", True), ("R", False), ("D", False)])
def test_a_thread_that_would_run_if_it_could_is_not_at_rest(state: str, rests: bool) -> None:
    assert processes.at_rest({(1, 1): ("S", "1 0 1"), (1, 2): (state, "1 0 1")}) is rests


def test_the_time_on_a_core_is_summed_in_seconds() -> None:
    look = {(1, 1): ("S", "1500000000 7 1"), (2, 2): ("S", "500000000 7 1")}
    assert processes.seconds_on_core(look) == 2.0


def test_two_looks_at_a_waiting_process_are_equal(child: "subprocess.Popen[str]") -> None:
    while not processes.at_rest(processes.look([child.pid])):
        pass  # on its way from the print to the wait
    assert processes.look([child.pid]) == processes.look([child.pid])


def test_a_process_that_has_ended_is_at_rest(child: "subprocess.Popen[str]") -> None:
    before = processes.look([child.pid])
    child.kill()
    child.wait(timeout=patience(30))
    assert before
    assert processes.look([child.pid]) == {}


def test_the_children_of_children_are_descendants(child: "subprocess.Popen[str]") -> None:
    assert child.pid in processes.descendants(os.getpid())
    assert child.pid in processes.descendants(os.getppid())
    assert os.getpid() not in processes.descendants(os.getpid())


def test_a_handler_is_known_before_a_signal_is_sent(child: "subprocess.Popen[str]") -> None:
    assert processes.handles(child.pid, signal.SIGINT)
    assert not processes.handles(child.pid, signal.SIGUSR1)

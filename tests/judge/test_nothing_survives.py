"""Nothing outlives the judge, not even when it is itself interrupted or killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conlab.judge import Hung, judge
from conlab.warden import processes
from tests.patience import patience

# A tree that does what it can to survive: a group of its own, orphans, signals ignored.
STUBBORN = """
import os, signal, subprocess, sys, threading

STAY = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep({mark})"

def side():
    stay = [sys.executable, "-c", STAY]
    for own_group in (False, True):
        orphan = f"import subprocess; subprocess.Popen({stay}, start_new_session={own_group})"
        subprocess.run([sys.executable, "-c", orphan], check=True)
    subprocess.Popen(stay)
    threading.Event().wait()
"""


def marked(mark: int) -> list[int]:
    """The processes whose command line bears the mark."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if f"time.sleep({mark})" in processes.command_line(pid)]


@pytest.fixture
def mark() -> int:
    """A number of seconds that no other process sleeps for."""
    return 10_000 + os.getpid()


@pytest.fixture
def stubborn(tmp_path: Path, mark: int) -> Path:
    file = tmp_path / "stubborn.py"
    file.write_text(STUBBORN.replace("{mark}", str(mark)))
    return file


def until(claim: Callable[[], bool]) -> bool:
    """Whether the claim comes true before patience ends."""
    deadline = time.monotonic() + patience(30)
    while time.monotonic() < deadline:
        if claim():
            return True
        time.sleep(0.02)
    return False


def test_a_stubborn_tree_is_gone_when_the_judge_returns(stubborn: Path, mark: int) -> None:
    judgement = judge(stubborn, "side", limit=60, stuck_at=["threading.Event().wait()"])
    assert isinstance(judgement.outcome, Hung)
    assert judgement.outcome.stacks.count(f"time.sleep({mark})") == 3, "all three were there"
    assert marked(mark) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_a_tree_is_gone_when_its_judge_is_ended(
    stubborn: Path, mark: int, number: signal.Signals
) -> None:
    call = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        f"from conlab.judge import judge; judge({str(stubborn)!r}, 'side', limit=100)"
    )
    with subprocess.Popen([sys.executable, "-c", call], stderr=subprocess.DEVNULL) as judging:
        try:
            assert until(lambda: len(marked(mark)) == 3)
            judging.send_signal(number)
            judging.wait(timeout=patience(30))
        finally:
            judging.kill()
    assert until(lambda: marked(mark) == [])

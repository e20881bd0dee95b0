"""What a stretch of work cost: CPU and memory of the whole tree, also of what has ended."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conlab.bench import costs
from conlab.bench.costs import cost_of_tree
from conlab.bench.words import MEBI
from tests.patience import patience

LIMIT = 60  # seconds for a child to do what it is there for

BURN = """
import os, subprocess, sys, time
depth = int(sys.argv[1])
if depth:
    subprocess.run([sys.executable, "-c", sys.argv[2], str(depth - 1), sys.argv[2]], check=True)
while time.process_time() < 0.15:
    pass
print(time.process_time())
"""

HOLD = """
import sys
print("ready", flush=True)
sys.stdin.readline()
held = b"x" * (64 * 1024 * 1024)
print("held", flush=True)
sys.stdin.read()
"""


def burnt(depth: int) -> float:
    """Let a child burn CPU, and its own child before it; give what they say they spent."""
    said = subprocess.run(
        [sys.executable, "-c", BURN, str(depth), BURN],
        capture_output=True,
        text=True,
        check=True,
        timeout=patience(LIMIT),
    )
    return sum(map(float, said.stdout.split()))


@contextmanager
def child(source: str) -> Iterator[subprocess.Popen[str]]:
    """A child that says a word when it is ready, and ends when its standard input does."""
    with subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline()
        yield process
        process.stdin.close()
        process.wait(patience(LIMIT))


@pytest.mark.parametrize("depth", [0, 1], ids=["child", "grandchild"])
def test_cpu_of_a_process_that_ended_within_the_stretch_is_counted(depth: int) -> None:
    with cost_of_tree(None) as cost:
        said = burnt(depth)
    assert said >= 0.15 * (depth + 1)
    # Starting an interpreter and ending it is not in what it says of itself.
    assert said - 0.05 <= cost.cpu <= said + 0.3 * (depth + 1)


def test_cpu_of_a_process_that_was_never_looked_at_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(costs, "INTERVAL", 60.0)
    with cost_of_tree(None) as cost:
        said = burnt(0)
    if sys.platform != "win32":  # where nobody is told what children spent
        assert cost.cpu >= said - 0.03


def test_cpu_of_this_process_is_counted() -> None:
    with cost_of_tree(None) as cost:
        start = time.thread_time()
        while (spent := time.thread_time() - start) < 0.15:
            pass
    assert 0.95 * spent <= cost.cpu <= spent + 0.1


def test_cpu_of_before_the_stretch_is_not_counted() -> None:
    source = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True); input()"
    with child(source), cost_of_tree(None) as cost:
        pass
    assert cost.cpu < 0.15


def test_cpu_of_the_process_left_out_is_not_counted() -> None:
    source = "print(flush=True)\nimport time\nwhile time.process_time() < 0.2: pass\nprint(1)"
    with child(source) as process, cost_of_tree(process.pid) as cost:
        assert process.stdout
        assert process.stdout.readline()
    assert cost.cpu < 0.15


def test_memory_that_a_child_holds_is_seen() -> None:
    with child(HOLD) as process:
        before = costs.memory_of_tree(None)
        with cost_of_tree(None) as cost:
            assert process.stdin
            assert process.stdout
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline()
    assert 60 <= (cost.peak_memory - before) / MEBI <= 80


def test_the_looking_thread_ends_with_the_stretch() -> None:
    before = set(threading.enumerate())  # those of others may end meanwhile
    with pytest.raises(KeyboardInterrupt), cost_of_tree(None) as cost:
        raise KeyboardInterrupt
    assert set(threading.enumerate()) <= before
    assert cost.wall > 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux can pin a process")
def test_standing_ready_while_others_have_the_core_is_not_waiting() -> None:
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})  # inherited by the child: both want one core
        with child("print(flush=True)\nimport time\nwhile time.process_time() < 9: pass") as other:
            with cost_of_tree(None) as cost:
                start = time.thread_time()
                while time.thread_time() - start < 0.1:
                    pass
            other.kill()
    finally:
        os.sched_setaffinity(0, cores)
    assert cost.ready is not None
    assert cost.ready > 0.02
    assert cost.ready < 2 * cost.wall  # each of the two may stand ready all along


@pytest.mark.parametrize(
    ("wall", "cpu", "ready", "share"),
    [
        pytest.param(1.0, 0.25, 0.0, 0.75, id="idle machine"),
        pytest.param(4.0, 0.25, 3.0, 0.75, id="busy machine"),
        pytest.param(1.0, 1.0, 0.0, 0.0, id="computes"),
        pytest.param(4.0, 1.0, 3.0, 0.0, id="computes when it gets a core"),
        pytest.param(1.0, 1.5, 0.0, 0.0, id="on two cores"),
        pytest.param(1.0, 0.0, 1.0, 0.0, id="got no core at all"),
    ],
)
def test_the_share_spent_waiting_is_the_same_on_a_busy_machine(
    wall: float, cpu: float, ready: float, share: float
) -> None:
    assert costs.waiting_share(wall, cpu, ready) == share


def test_a_child_left_over_is_named() -> None:
    with child("print(flush=True); input()") as process:
        assert [left for left in costs.children_left(None) if str(process.pid) in left]
        assert not [left for left in costs.children_left(process.pid) if str(process.pid) in left]
    assert not [left for left in costs.children_left(None) if str(process.pid) in left]


@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="there is no forkserver"
)
def test_a_worker_of_the_forkserver_is_left_over_and_the_forkserver_is_not() -> None:
    costs.start_helpers("forkserver")
    before = set(costs.children_left(None))  # the origin of the run, if this is not the only test
    context = multiprocessing.get_context("forkserver")
    hold, held = context.Event(), context.Event()
    process = context.Process(target=stay, args=(held, hold), daemon=True)
    process.start()
    try:
        assert held.wait(patience(LIMIT))
        (left,) = set(costs.children_left(None)) - before
        assert left.startswith(f"{process.pid} (")
    finally:
        hold.set()
        process.join(patience(LIMIT))


def stay(held: threading.Event, hold: threading.Event) -> None:
    held.set()
    hold.wait(patience(LIMIT))

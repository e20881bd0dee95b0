"""What kept a stretch of work from the cores: as the system counts it, and what follows from it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import psutil
import pytest

from conlab.bench import contention, settings
from conlab.bench.contention import BUSY, Contention, Look, seconds_throttled

BURN = """
import sys, time
cores = sys.argv[2:]
if cores:
    import os
    os.sched_setaffinity(0, set(map(int, cores)))
print("begin", flush=True)
sys.stdin.readline()
began = time.process_time()
while time.process_time() - began < float(sys.argv[1]):
    pass
print(time.process_time() - began, flush=True)
sys.stdin.read()
"""


def seen(**changes: Any) -> Contention:
    """One second on two cores, one of them others', the other ours and never free."""
    usual: dict[str, Any] = {
        "wall": 1.0,
        "cores": 2,
        "own": 0.5,
        "others": 1.0,
        "stolen": 0.0,
        "idle": 0.0,
        "ready": 0.9,
        "throttled": 0.0,
    }
    return Contention(**(usual | changes))


# What follows from it


@pytest.mark.parametrize(
    ("changes", "delay"),
    [
        pytest.param({"others": 0.3}, 0.3, id="no longer than others computed"),
        pytest.param({"others": 0.2, "stolen": 0.1}, 0.3, id="nor than they and the host's others"),
        pytest.param({"idle": 1.5}, 0.25, id="nor than no core was idle"),
        pytest.param({"ready": 0.1}, 0.1, id="nor than a thread stood ready"),
        pytest.param({"own": 1.6, "others": 9.0, "ready": 9.0}, 0.2, id="nor than it was idle"),
        pytest.param({"ready": None, "others": 0.4}, 0.4, id="ready is not known"),
        pytest.param({"idle": None, "ready": None, "others": 9.0}, 0.75, id="little is known"),
        pytest.param({"others": None}, 0.0, id="nothing is known of others"),
        pytest.param({"others": 2 * BUSY - 0.01}, 0.0, id="others took a trifle"),
    ],
)
def test_others_delay_a_run_no_longer_than_each_of_their_figures_allows(
    changes: dict[str, Any], delay: float
) -> None:
    assert seen(**changes).most_delay == pytest.approx(delay)


def test_what_others_took_is_in_cores_and_is_busy_from_a_share_of_them() -> None:
    assert seen(wall=2.0, others=1.0, stolen=0.5).taken == pytest.approx(0.75)
    assert seen(others=2 * BUSY).is_busy
    assert not seen(others=2 * BUSY - 0.001).is_busy
    assert not seen(others=None).is_busy


def test_two_stretches_add_up_but_for_what_is_not_known_of_one() -> None:
    whole = seen(stolen=None) + seen(wall=2.0, ready=0.1)
    assert (whole.wall, whole.cores, whole.own, whole.others) == (3.0, 2, 1.0, 2.0)
    assert whole.ready == pytest.approx(1.0)
    assert whole.stolen is None


# What the system counts


def look(**changes: Any) -> Look:
    usual: dict[str, Any] = {
        "moment": 0.0,
        "busy": 0.0,
        "stolen": None,
        "idle": 0.0,
        "own": 0.0,
        "ready": {},
        "throttled": None,
    }
    return Look(**(usual | changes))


def test_others_computed_what_was_computed_less_what_the_run_did() -> None:
    before = look(busy=10.0, own=1.0, idle=5.0, ready={1: 0.5, 2: 9.0})
    after = look(moment=2.0, busy=13.0, own=2.5, idle=6.0, ready={1: 0.75, 3: 0.5})
    found = before.until(after)
    assert (found.wall, found.own, found.others, found.idle) == (2.0, 1.5, 1.5, 1.0)
    assert found.ready == 0.75  # one more of thread 1, all of thread 3, and 2 has ended
    assert found.stolen is None
    assert found.cores == settings.usable_cores()


def test_a_sandbox_whose_cores_never_do_anything_tells_nothing() -> None:
    found = look().until(look(moment=1.0))
    assert (found.others, found.idle, found.taken, found.most_delay) == (None, None, None, 0.0)


def test_a_system_without_any_of_the_figures_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: Any) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(psutil, "cpu_times", none)
    monkeypatch.setattr(contention, "ready_in", lambda _path: None)
    monkeypatch.setattr(contention, "OWN_GROUPS", Path("/nowhere"))
    found = Look.now().until(Look.now())
    assert (found.others, found.stolen, found.idle, found.ready) == (None, None, None, None)


def test_only_usable_cores_count_and_interrupts_are_nobody_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def core(user: float) -> SimpleNamespace:
        others = {"system": 0.5, "nice": 0.25, "idle": 7.0, "iowait": 1.0, "softirq": 9.0}
        return SimpleNamespace(user=user, steal=2.0, **others)

    monkeypatch.setattr(psutil, "cpu_times", lambda **_: [core(1.0), core(1000.0), core(3.0)])
    monkeypatch.setattr(contention, "usable_core_numbers", lambda: [0, 2])
    assert contention.core_seconds() == (5.5, 4.0, 16.0)


@contextmanager
def burning(seconds: float, *cores: int) -> Iterator[tuple[IO[str], IO[str]]]:
    """A child that computes for so long when it is told to, on these cores if any are named.

    Then it says what it spent, and stays. Gives the ends of its pipes to write to and to read from.
    """
    command = [sys.executable, "-c", BURN, str(seconds), *map(str, cores)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "begin\n"
        yield process.stdin, process.stdout
        process.kill()


def begin(*children: tuple[IO[str], IO[str]]) -> float:
    """Let the children compute, at once; give the CPU seconds that they say they spent."""
    for told, _ in children:
        told.write("\n")
        told.flush()
    return sum(float(said.readline()) for _, said in children)


def test_what_a_child_computes_is_the_run_s_own() -> None:
    with burning(0.3) as child:
        before = Look.now()
        spent = begin(child)
        found = before.until(Look.now())
    assert found.own >= spent - 0.05  # the system counts in ticks


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux counts and pins")
def test_children_in_the_queue_for_a_core_are_ready() -> None:
    core = min(os.sched_getaffinity(0))
    with burning(0.3, core) as one, burning(0.3, core) as other:
        before = Look.now()
        begin(one, other)
        found = before.until(Look.now())
    if found.ready is None:
        pytest.skip("this system does not count for how long threads stand ready")
    assert found.ready > 0.1  # each has to let the other go first again and again


@pytest.mark.parametrize(
    ("own", "file", "text", "seconds"),
    [
        ("0::/app", "app/cpu.stat", "usage_usec 9\nthrottled_usec 2500000", 2.5),
        ("0::/app", "cpu.stat", "usage_usec 9\nthrottled_usec 500000", 0.5),
        ("1:cpu:/app\n0::/", "cpu/app/cpu.stat", "nr_periods 3\nthrottled_time 1500000000", 1.5),
        ("4:cpu,cpuacct:/", "cpu,cpuacct/cpu.stat", "throttled_time 0", 0.0),
        ("4:cpu,cpuacct:/", "cpu/cpu.stat", "throttled_time 1000000000", 1.0),
        ("5:memory:/app", "memory/app/cpu.stat", "throttled_time 1", None),
        ("0::/app", "app/cpu.stat", "no pairs here", None),
        ("0::/app", "app/cpu.stat", "usage_usec 9", None),
    ],
)
def test_a_limit_of_the_container_is_read_wherever_it_is_mounted(
    tmp_path: Path, own: str, file: str, text: str, seconds: float | None
) -> None:
    (tmp_path / "own").write_text(own)
    (tmp_path / "groups" / file).parent.mkdir(parents=True)
    (tmp_path / "groups" / file).write_text(text)
    assert seconds_throttled(tmp_path / "groups", tmp_path / "own") == seconds


def test_where_there_are_no_control_groups_a_limit_is_not_known(tmp_path: Path) -> None:
    assert seconds_throttled(tmp_path, tmp_path / "nowhere") is None


@pytest.mark.parametrize("text", ["", "12", "no number", "1 x 3"])
def test_a_schedstat_that_tells_nothing_is_not_known(tmp_path: Path, text: str) -> None:
    (tmp_path / "schedstat").write_text(text)
    assert contention.ready_in(tmp_path / "schedstat") is None
    assert contention.ready_in(tmp_path / "nowhere") is None


def test_a_schedstat_tells_nanoseconds(tmp_path: Path) -> None:
    (tmp_path / "schedstat").write_text("113298 5500000000 2\n")
    assert contention.ready_in(tmp_path / "schedstat") == 5.5

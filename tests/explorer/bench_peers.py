"""The explorer beside frontrun and interleave-test, on one interpreter.

Schedules a second, on the same program; and what each finds, misses and calls safe of the kernels,
by all of its strategies. Seconds of CPU: each lets one thread run at a time, and other work on the
machine must not decide.
"""

import faulthandler
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from conlab.bench.settings import usable_cores
from conlab.plain_console import PlainConsole
from tests.explorer.kernels.comparison import Trial, by_kernel, by_tool, tried
from tests.explorer.kernels.table import KERNELS, Kernel
from tests.explorer.kernels.trial import TOOLS, Side, Tool
from tests.patience import patience

PROGRAM = """
import json, threading, time

class State:
    def __init__(self):
        self.count = 0
        self.lock = threading.Lock()

def add(state):
    for _ in range(4):
        with state.lock:
            state.count += 1

def holds(state):
    return state.count == 8

def program():
    state = State()
    threads = [threading.Thread(target=add, args=(state,)) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return state
"""
OURS = """
from conlab.explorer import explore

began = time.process_time()
verdict = explore(program, check=holds, reading="bytecode", bound=4, reduction=False)
assert verdict.exhausted and not verdict.failing
runs = verdict.schedules
"""
FRONTRUN = """
import frontrun

runs = 0
def setup():
    global runs
    runs += 1
    return State()

began = time.process_time()
result = frontrun.explore_random(setup, [add, add], holds, max_attempts=200, seed=1)
assert result.property_holds
"""
INTERLEAVE_TEST = """
import interleave_test

def model():
    assert holds(program())

began = time.process_time()
result = interleave_test.explore(model, strategy={strategy!r}, iterations=200, seed=1)
assert result.ok
runs = result.schedules_run
"""
RATE = "print(json.dumps([runs, time.process_time() - began]))"
MOST_SECONDS = 120.0
AT_LEAST = 4.0  # times the peer's rate
OURS_BY_NAME = "conlab"
RIGHT = {"found", "missed", "safe", "safe to 2", "not ended"}
SECONDS_A_TRIAL = 10.0  # of CPU
WIDTH = 140  # of the tables


@dataclass(frozen=True)
class Peer:
    """A library that runs the same program, and how it is asked to."""

    library: str
    strategy: str
    body: str
    launcher: str | None = None  # a command of its own that must start Python

    def __str__(self) -> str:
        return f"{self.library}, {self.strategy}"


PEERS = [
    Peer("frontrun", "random", FRONTRUN, launcher="frontrun"),
    Peer("interleave-test", "random", INTERLEAVE_TEST.format(strategy="random")),
    Peer("interleave-test", "exhaustive", INTERLEAVE_TEST.format(strategy="dfs")),
]


def schedules_a_second(body: str, tmp_path: Path, *launcher: str) -> float:
    file = tmp_path / "measured.py"
    file.write_text(PROGRAM + body + RATE)
    done = subprocess.run(
        [*launcher, sys.executable, str(file)],
        capture_output=True,
        text=True,
        timeout=patience(MOST_SECONDS),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runs, seconds = json.loads(done.stdout.splitlines()[-1])
    return float(runs / seconds)


@pytest.mark.parametrize("peer", PEERS, ids=str)
def bench_against(peer: Peer, benchmark: Any, tmp_path: Path) -> None:
    try:
        benchmark.extra_info[peer.library] = version(peer.library)
    except PackageNotFoundError:
        pytest.skip(f"{peer.library} is not installed: pip install {peer.library}")
    launcher = [str(Path(sys.executable).with_name(peer.launcher))] if peer.launcher else []
    theirs = schedules_a_second(peer.body, tmp_path, *launcher)
    ours = benchmark.pedantic(schedules_a_second, args=(OURS, tmp_path), rounds=1)
    benchmark.extra_info |= {"schedules a second": ours, f"{peer}, schedules a second": theirs}
    print(f"\nschedules a second: conlab {ours:,.0f}, {peer} {theirs:,.0f}: {ours / theirs:.1f} x")
    assert ours >= AT_LEAST * theirs


@pytest.fixture(scope="module")
def trials(request: pytest.FixtureRequest) -> Iterator[list[Trial]]:
    """What was tried, for the tables at the end."""
    found: list[Trial] = []
    yield found
    title = f"Python {platform.python_version()}, at most {SECONDS_A_TRIAL:g} s of CPU each"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        console = PlainConsole(width=WIDTH)
        console.print(by_kernel(found, f"The kernels: {title}"))
        console.print(by_tool(found, f"The tools: {title}"))


@pytest.mark.parametrize("tool", TOOLS, ids=str)
def bench_kernels(tool: Tool, benchmark: Any, trials: list[Trial]) -> None:
    if tool.library != OURS_BY_NAME:
        try:
            benchmark.extra_info[tool.library] = version(tool.library)
        except PackageNotFoundError:
            pytest.skip(f"{tool.library} is not installed: pip install {tool.library}")

    def one(task: tuple[Kernel, Side]) -> Trial:
        return tried(tool, *task, SECONDS_A_TRIAL)

    def try_all() -> list[Trial]:
        with ThreadPoolExecutor(usable_cores()) as pool:
            return list(pool.map(one, product(KERNELS, tool.sides)))

    faulthandler.cancel_dump_traceback_later()  # it takes minutes
    own = benchmark.pedantic(try_all, rounds=1)
    trials += own
    if tool.library == OURS_BY_NAME:
        assert {trial.worth for trial in own} <= {
            "found",
            "missed",
            "safe",
            "safe to 2",
            "not ended",
        }

"""Schedules a second beside frontrun's random strategy and interleave-test, on the same program."""

import json
import subprocess
import sys
import textwrap
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

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
"""
OURS = """
from conlab.explorer import explore

def program():
    state = State()
    threads = [threading.Thread(target=add, args=(state,)) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return state

began = time.perf_counter()
verdict = explore(program, check=holds, reading="bytecode", bound=3)
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

began = time.perf_counter()
result = frontrun.explore_random(setup, [add, add], holds, max_attempts=200, seed=1)
assert result.property_holds
"""
RATE = "print(json.dumps([runs, time.perf_counter() - began]))"
MOST_SECONDS = 120.0
AT_LEAST = 4.0  # times the peer's rate


def schedules_a_second(body: str, tmp_path: Path, *launcher: str) -> float:
    file = tmp_path / "measured.py"
    file.write_text(textwrap.dedent(PROGRAM + body + RATE))
    done = subprocess.run(
        [*launcher, sys.executable, str(file)],
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runs, seconds = json.loads(done.stdout.splitlines()[-1])
    return float(runs / seconds)


def bench_against_frontrun_random(benchmark: Any, tmp_path: Path) -> None:
    try:
        benchmark.extra_info["frontrun"] = version("frontrun")
    except PackageNotFoundError:
        pytest.skip("frontrun is not installed: pip install frontrun")
    launcher = str(Path(sys.executable).with_name("frontrun"))
    theirs = schedules_a_second(FRONTRUN, tmp_path, launcher)
    ours = benchmark.pedantic(schedules_a_second, args=(OURS, tmp_path), rounds=1)
    benchmark.extra_info |= {"schedules a second": ours, "frontrun, schedules a second": theirs}
    print(f"\nschedules a second: conlab {ours:,.0f}, frontrun (random) {theirs:,.0f}")
    assert ours >= AT_LEAST * theirs

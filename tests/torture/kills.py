"""Ctrl-C, SIGTERM and SIGKILL at a random moment of a measurement, under each model."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import psutil

from conlab import scratch
from conlab.bench import discovery
from tests.torture.case import Case, Tried

TIMES = 20
LATEST = 4.0  # seconds after the start: when the pools of all models are at work
MOST = 5.0  # seconds from the signal to the end
GONE = 10.0  # seconds in which workers of the killed must have noticed
JOB = Path(__file__).parents[1] / "never_ends.py"
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}


def cases(_until: ExitStack) -> Iterator[Case]:
    """A number of times each signal, for each model."""
    for model in discovery.models():
        if model.module.absent():
            continue
        for number in STATUS:
            for time_ in range(TIMES):
                name = f"{number.name}, {model.name}, {time_}"
                yield Case(name, partial(kill, model.name, number, name), 2)


def kill(model: str, number: signal.Signals, seed: str) -> Tried:
    """Measure, send the signal, and look at what is left."""
    moment = random.Random(seed).uniform(0.5, LATEST)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        temporary, marks = Path(folder, "t"), Path(folder, "marks")
        temporary.mkdir()
        marks.mkdir()
        environment = os.environ | {"TMPDIR": str(temporary), "MARKS": str(marks)}
        if model == "serial":
            environment["SERIAL"] = "1"
        process = subprocess.Popen(
            [sys.executable, "-m", "conlab", "measure", str(JOB), "--models", model],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(moment)
            tree = psutil.Process(process.pid).children(recursive=True)
            began = time.monotonic()
            process.send_signal(number)
            said, _ = process.communicate(timeout=60)
            seconds = time.monotonic() - began
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(tree, timeout=GONE)
        alive = [one for one in alive if is_alive(one)]
        for one in alive:
            one.kill()
        if number == signal.SIGKILL:
            scratch.sweep.__wrapped__(str(temporary))
        left = [path.name for path in temporary.iterdir()]
    troubles = [
        f"status {process.returncode}: {said[-300:]}" * (process.returncode != STATUS[number]),
        f"{seconds:.1f} s" * (seconds > MOST),
        f"{len(alive)} alive" * bool(alive),
        f"left {left}" * bool(left),
        f"a traceback: {said[-300:]}" * ("Traceback" in said),
    ]
    return Tried(seconds, " ".join(filter(None, troubles)))


def is_alive(process: psutil.Process) -> bool:
    """Say whether it runs; a zombie whose parent is gone is for init to take away."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

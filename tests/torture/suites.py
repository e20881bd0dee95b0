"""The whole test suite beside three busy loops."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from tests.torture.case import Case, Tried

TIMES = 10
LOOPS = 3
LIMIT = 3600.0


def cases(_until: ExitStack) -> Iterator[Case]:
    """A number of times the same."""
    for number in range(TIMES):
        yield Case(f"suite {number}", partial(run))


def run() -> Tried:
    """Run the suite; every failure is a trouble."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(LOOPS)]
    began = time.monotonic()
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    trouble = ""
    if ended.returncode:
        trouble = "; ".join(re.findall(r"^(?:FAILED|ERROR) .*$", ended.stdout, re.MULTILINE))
        trouble = trouble or f"status {ended.returncode}: {ended.stdout[-300:]}"
    return Tried(time.monotonic() - began, trouble)

"""Missing main guard: every child runs the script that starts children.

Symptom: RuntimeError about the "bootstrapping phase", again and again, or a storm of processes. It
worked on Linux, and fails on macOS, on Windows, and on Linux from Python 3.14 on.

Why: A spawned child imports the main script to find its functions. A pool that is created while the
script is imported is created in the child too.

Fix: Start processes under `if __name__ == "__main__":` and nowhere else.

Detect: none known. A test of the result fails.

Source: https://docs.python.org/3/library/multiprocessing.html#multiprocessing-programming and
https://github.com/argilla-io/distilabel/issues/685

Run: python missing_main_guard.py broken|fixed; conlab study missing_main_guard
"""

import subprocess
import sys
import tempfile
from pathlib import Path

FAILURE = "exception"
SHOWS = "returned 'the child is still bootstrapping'"
EVIDENCE = "judged"


def broken() -> str:
    return run("""
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

with ProcessPoolExecutor(1, get_context("spawn")) as pool:
    print(list(pool.map(abs, [-1, 2])))
""")


def fixed() -> str:
    return run("""
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        print(list(pool.map(abs, [-1, 2])))
""")


def holds(result: str) -> bool:
    """The script prints what it computed."""
    return result == "[1, 2]"


def run(script: str) -> str:
    """Run the script as a file of its own; what it prints, or why a child could not start."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "script.py")
        file.write_text(script)
        done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=False)
    if "current process has finished its bootstrapping phase" in done.stderr:
        return "the child is still bootstrapping"
    return done.stdout.strip()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"The script: {(result := side())}:", "right" if holds(result) else "wrong")

"""Runs the tests in orders on which nothing may depend: ``tox -e random``.

All of them in random orders, each file alone, and each folder twice in one process. The seeds are
those that are given, or one that the time chooses; pytest-randomly prints it.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LIMIT = 3600.0  # seconds for any one run
PLAIN = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly")
TWICE = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]) or pytest.main(sys.argv[1:]))"
GREEN = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)  # a file may be for timing only


def runs(seeds: list[str]) -> Iterator[tuple[str, list[str]]]:
    """What each run shows, and its command."""
    for seed in seeds:
        options = ["-q", "-p", "no:cacheprovider", f"--randomly-seed={seed}"]
        yield f"in the random order {seed}", [sys.executable, "-m", "pytest", *options]
    files = sorted([*TESTS.rglob("test_*.py"), *TESTS.rglob("bench_*.py")])
    for file in files:
        yield f"{file.name} alone", [sys.executable, "-m", "pytest", *PLAIN, "-n0", str(file)]
    for folder in sorted({file.parent for file in files}):
        here = [str(file) for file in files if file.parent == folder]
        yield f"{folder.name}/ twice", [sys.executable, "-c", TWICE, *PLAIN, "-n0", *here]


def main() -> None:
    """Do all runs, and name those that were not green."""
    red = []
    for name, command in runs(sys.argv[1:] or ["default"]):
        print(f"--- {name}", flush=True)
        status = subprocess.run(command, cwd=TESTS.parent, timeout=LIMIT, check=False).returncode
        if status not in GREEN:
            red.append(name)
    sys.exit("\n".join(["red were:", *red]) if red else 0)


if __name__ == "__main__":
    main()

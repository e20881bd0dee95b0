"""Runs pytest-benchmark over the job's cells, with nothing of the reader's own pytest."""

import json as reading
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.logger import PytestBenchmarkWarning

from conlab.bench.cells import MATRIX
from conlab.bench.discovery import Cell
from conlab.bench.measuring import Matrix
from conlab.scratch import scratch_folder
from conlab.terminal import LiveLine

FILE = Path(__file__).with_name("bench_own_job.py")
ENDS = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
OF_THE_READER = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")  # they are meant for tests


@dataclass
class Run:
    """What became of the run: ``failures`` are what the cells that failed say, each once."""

    matrix: Matrix
    line: LiveLine
    failures: list[str] = field(default_factory=list)
    figures: dict[str, Any] | None = None  # what pytest-benchmark writes, where it is to be kept
    cells: int = 0
    begun: int = 0
    turn: int = 0

    def pytest_configure(self, config: pytest.Config) -> None:
        """Leave the matrix where the cells look for it."""
        config.stash[MATRIX] = self.matrix
        self.matrix.visiting = self.show_visit

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take note of how many cells there are."""
        self.cells = len(session.items)

    def show_visit(self, cell: Cell, turn: int) -> None:
        """Show which cell is measured, of how many in each turn."""
        if turn > self.turn:
            self.turn, self.begun = turn, 0
        self.begun += 1
        self.line.show(f"{cell.id} ({self.begun} of {self.cells}, turn {turn}): its pool starts")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a failing cell says; what ails the job ails all its cells, and is said once."""
        if report.failed and report.longreprtext not in self.failures:
            self.failures.append(report.longreprtext)


def measure(
    matrix: Matrix, json: Path | None, line: LiveLine, *, keep: bool = False
) -> tuple[Run, bool]:
    """Measure the cells of the matrix; say what became of them, and whether Ctrl-C ended it.

    ``json`` is where to write what pytest-benchmark writes, which is kept as well where ``keep`` is
    true; ``line`` shows which cell is measured.
    The inputs are closed in the end. Raises RuntimeError where pytest could not run the cells,
    which is no fault of the job's.
    """
    run = Run(matrix, line)
    with scratch_folder() as folder, without(OF_THE_READER):
        options = [
            "--disable-plugin-autoload",
            *("-p", "pytest_benchmark.plugin", "-p", "conlab.bench.cells"),
            *("-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:faulthandler"),
            *("-c", os.devnull, f"--rootdir={folder}", "--noconftest", "--capture=no"),
            *("-o", "python_files=bench_*.py", "-o", "python_functions=bench_*"),
            *("--import-mode=importlib", "--benchmark-only", "--benchmark-quiet"),
            f"--benchmark-storage=file://{folder}",
        ]
        written = folder / "figures.json"
        if json or keep:
            options.append(f"--benchmark-json={written}")
        with warnings.catch_warnings():  # that there was nothing to time, the failures say
            warnings.simplefilter("ignore", PytestBenchmarkWarning)
            status = pytest.main([*options, str(FILE)], plugins=[run])
        run.line.clear()
        if keep and matrix.measured and written.exists():
            run.figures = reading.loads(written.read_text("utf-8"))
        if json and matrix.measured and written.exists():
            try:
                put_in_place(written, json)
            except OSError as error:
                run.failures.append(f"--json {json}: it cannot be written: {error.strerror}")
    if status not in ENDS:
        raise RuntimeError(f"pytest could not measure and ended with {pytest.ExitCode(status)!r}")
    return run, status == pytest.ExitCode.INTERRUPTED


def put_in_place(written: Path, path: Path) -> None:
    """Let the file appear under its name as a whole."""
    part = path.with_name(f"{path.name}.part")
    shutil.copyfile(written, part)
    part.replace(path)


@contextmanager
def without(names: tuple[str, ...]) -> Iterator[None]:
    """Do without some variables of the environment for a while."""
    kept: dict[str, Any] = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)

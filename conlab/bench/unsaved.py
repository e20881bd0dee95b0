"""Says in one line what a run could not save, where files may not be written: its report stands.

pytest warns that its cache cannot be written, and where warnings are errors that would cost the
report, as would pytest-benchmark's own error.
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from conlab.terminal import plain

UNSAVED = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)  # before pytest-benchmark's, which is a wrapper and saves there
def pytest_runtestloop(session: pytest.Session) -> None:
    """Find out before anything is measured what cannot be saved, and do without."""
    config = session.config
    unsaved = config.stash.setdefault(UNSAVED, [])
    benchmarks: Any = config.pluginmanager.get_plugin("pytest-benchmark")
    saves = benchmarks is not None and (benchmarks.save or benchmarks.autosave)
    folder = Path(benchmarks.storage.path) / benchmarks.machine_id if saves else None
    if folder and not may_be_written(folder):
        benchmarks.save = benchmarks.autosave = None
        unsaved.append(f"the run itself, for later comparisons, in {folder}")
    if config.pluginmanager.has_plugin("cacheprovider"):  # which has the option
        cache = config.rootpath / str(config.getini("cache_dir")) / "v" / "cache"
        if not may_be_written(cache):
            unsaved.append(f"pytest's cache, in {config.rootpath}")


def may_be_written(folder: Path) -> bool:
    """Say whether files can be made in the folder, or the folder itself where it is missing."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: Any, config: pytest.Config
) -> Generator[None, None, None]:
    """Say it below the report."""
    yield
    if unsaved := config.stash.get(UNSAVED, []):
        terminalreporter.write_line(plain(f"Not saved, as it may not be: {'; '.join(unsaved)}."))

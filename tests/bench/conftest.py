"""What the tests of the bench share: files of the reader's own, forgotten afterwards."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from conlab.bench import neighbours

Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others take before a run is no matter here."""
    monkeypatch.setattr(neighbours, "LOOKING", 0.0)


@pytest.fixture
def own_file(tmp_path: Path) -> Iterator[Write]:
    """Writes a Python file; what imports of it leave behind is removed."""
    path, modules = list(sys.path), set(sys.modules)

    def write(name: str, source: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source))
        importlib.invalidate_caches()
        return file

    yield write
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(
            sys.modules[name].__file__
        ):
            del sys.modules[name]

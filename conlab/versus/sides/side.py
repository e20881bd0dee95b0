"""A side of a comparison: where its workloads lie, and which Python runs them."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conlab.bench.settings import Settings

ROOT = Path(__file__).resolve().parents[3]  # of the conlab that measures both sides
WORKING_TREE = "working tree"


@dataclass(frozen=True, slots=True)
class Side:
    """What is measured. ``root`` holds ``workloads/``, ``own`` the reader's own files by name."""

    name: str
    python: Path = Path(sys.executable)
    root: Path = ROOT
    own: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def working_tree(settings: Settings, name: str = WORKING_TREE) -> Side:
    """The reader's tree as it is, under the Python that runs."""
    return Side(name, own=own_files(settings))


def own_files(settings: Settings) -> dict[str, Path]:
    """The reader's own workload files, by the names of their workloads."""
    files = {
        workload.name: Path(str(workload.module.__file__)).resolve()
        for workload in settings.workloads
        if workload.module
    }
    return {name: file for name, file in files.items() if file.parent != ROOT / "workloads"}

"""A side of a comparison: where its workloads lie, and which Python runs them."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conlab.bench.settings import Settings

ROOT = Path(__file__).resolve().parents[3]  # of the conlab that measures both sides
WORKING_TREE = "working tree"
MOST_NAMED = 3  # of a list in a sentence
AIMED = Path(__file__).parent / "aimed"  # what each process of a side imports at its start


@dataclass(frozen=True, slots=True)
class Side:
    """What is measured. ``root`` holds ``workloads/``, ``own`` the reader's own files by name.

    ``lacks`` names the workloads whose file is not there, with the file as the project has it.
    ``tree`` is the reader's repository if a side is a revision of it, and ``copy`` where the files
    of this side's revision lie, if it is one. ``folders`` come on the path ahead of what is
    installed, ``behind`` after it. ``made`` is the environment that was made for this side alone.
    ``gone`` are workload files that the other side has.
    ``pointers`` are files of which Git LFS left a pointer. What lies in ``shared`` may be the same
    file on both sides.
    """

    name: str
    python: Path = Path(sys.executable)
    root: Path = ROOT
    own: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lacks: Mapping[str, str] = field(default_factory=dict)
    tree: Path | None = None
    copy: Path | None = None
    folders: tuple[Path, ...] = ()
    behind: tuple[Path, ...] = ()
    made: Path | None = None
    pointers: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    shared: tuple[Path, ...] = ()


def working_tree(settings: Settings, name: str = WORKING_TREE) -> Side:
    """The reader's tree as it is, under the Python that runs."""
    return Side(name, own=own_files(settings))


def aimed(side: Side, given: Mapping[str, str]) -> dict[str, str]:
    """The environment, of that given, that has Python import the side's files, and our conlab."""
    path = (AIMED, side.root, ROOT)
    given_path = filter(None, given.get("PYTHONPATH", "").split(os.pathsep))
    here = [str(Path(entry).absolute()) for entry in given_path]
    several = {
        "TREE": [side.tree] if side.tree else [],
        "COPY": [side.copy] if side.copy else [],
        "FOLDERS": side.folders,
        "BEHIND": side.behind,
        "KEPT": [ROOT, side.root],
    }
    kept = {name: value for name, value in given.items() if name != "PYTHONHOME"}
    told = {f"CONLAB_SIDE_{name}": joined(paths) for name, paths in several.items()}
    return kept | told | {"PYTHONPATH": joined(dict.fromkeys([*map(str, path), *here]))}


def joined(paths: Iterable[Path | str]) -> str:
    """Paths as a variable of the environment has them."""
    return os.pathsep.join(map(str, paths))


def about_pointers(pointers: Sequence[str]) -> str:
    """What to say of files of which Git LFS left a pointer."""
    are = (
        "is a Git LFS pointer, not the file"
        if len(pointers) == 1
        else ("are Git LFS pointers, not the files")
    )
    return f"{listing(pointers)} {are}: git lfs install, then git lfs fetch --all"


def listing(names: Sequence[str]) -> str:
    """Some names in words; of many, the first."""
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def own_files(settings: Settings) -> dict[str, Path]:
    """The reader's own workload files, by the names of their workloads."""
    files = {
        workload.name: Path(str(workload.module.__file__)).resolve()
        for workload in settings.workloads
        if workload.module
    }
    return {name: file for name, file in files.items() if file.parent != ROOT / "workloads"}

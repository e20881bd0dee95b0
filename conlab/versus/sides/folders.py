"""The folders from which a side's modules are imported: those of the reader's Python, mirrored.

What a team calls its layout is seen twice: in the path and the finders of the Python that runs, and
in the metadata of the project as that side has it.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from conlab.bench.layout import import_folders, project_root
from conlab.versus.sides.aimed.conlab_side import Tree, paths_of
from conlab.versus.sides.side import ROOT


def folders_of(tree: Path, own: Iterable[Path], at: Path) -> tuple[Path, ...]:
    """The folders of a side whose files lie in ``at``: the tree itself, or a copy of it.

    ``own`` are the reader's workload files in the tree.
    """
    seen = [*leading_into(tree), *(place.relative_to(tree) for place in projects(tree, own))]
    found = []
    for inside in dict.fromkeys(seen):
        folder = at / inside
        found += import_folders(folder) if (folder / "pyproject.toml").exists() else [folder]
    found += import_folders(at)
    return tuple(dict.fromkeys(folder for folder in found if folder.is_dir()))


def projects(tree: Path, own: Iterable[Path]) -> Iterator[Path]:
    """The projects of the tree to which the files belong."""
    for file in own:
        root = project_root(file)
        if root and root.resolve().is_relative_to(tree):
            yield root.resolve()


def leading_into(tree: Path) -> list[Path]:
    """Where this Python's path and finders lead into the tree, as paths below it."""
    reader = Tree(str(tree), str(tree), [str(ROOT / "conlab")])
    places = [entry or "." for entry in sys.path]
    for finder in sys.meta_path:
        if reader_finder := [one for one in paths_of(finder) if reader.holds(one)]:
            places += filter(None, map(str, roots(finder, reader_finder)))
    found = [Path(place).resolve() for place in places if reader.holds(place)]
    return list(dict.fromkeys(place.relative_to(tree) for place in found if place.is_dir()))


def roots(finder: Any, leading: list[str]) -> Iterator[Path]:
    """The folders that hold the packages to which an editable install's finder leads."""
    module = sys.modules.get(getattr(finder, "__module__", type(finder).__module__))
    for scope in (finder, type(finder), module):
        for value in vars(scope).values() if hasattr(scope, "__dict__") else ():
            if not isinstance(value, dict):
                continue
            for name, path in value.items():
                if isinstance(name, str) and isinstance(path, str) and path in leading:
                    place = Path(path).parent if Path(path).stem == "__init__" else Path(path)
                    yield place.parents[name.count(".")]

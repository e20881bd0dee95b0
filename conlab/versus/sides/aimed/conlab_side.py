"""Aims a Python process of a side at that side's files, whatever is installed beside them.

Editable installs leave entries of the path, and finders that may come before the path. Those that
lead into the reader's tree would give both sides the same files, and are switched off. All that is
needed comes in the environment, as text: this runs at the start of each process of a side, so it
imports next to nothing.
"""

import os
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from typing import Any

LAB = frozenset(["conlab", "workloads"])  # are the lab's, whatever the reader's folders hold
INSTALLED = frozenset(["site-packages", "dist-packages"])
MOST_VALUES = 10_000  # of a finder, to be looked through


def told(name: str) -> list[str]:
    """The paths that the parent gives under that name."""
    return list(filter(None, os.environ.get(f"CONLAB_SIDE_{name}", "").split(os.pathsep)))


class Tree:
    """The reader's tree: what leads into it, and where the same lies in the side's copy of it."""

    def __init__(self, root: str, copy: str, kept: list[str]) -> None:
        self.root = root = os.path.realpath(root)
        self.copy = copy
        environments = (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix)
        places = [*kept, *environments]
        self.others = [place for place in map(os.path.realpath, places) if is_below(place, root)]

    def holds(self, path: str) -> bool:
        """Whether the path lies in the tree, and is none of an environment that lies there, too."""
        path = os.path.realpath(path)
        if not is_below(path, self.root) or any(is_below(path, one) for one in self.others):
            return False
        return INSTALLED.isdisjoint(os.path.relpath(path, self.root).split(os.sep))

    def counterpart(self, path: str) -> str | None:
        """The same place in the copy; None if the copy has none."""
        there = os.path.join(self.copy, os.path.relpath(os.path.realpath(path), self.root))
        return os.path.normpath(there) if os.path.exists(there) else None

    def mapped(self, paths: list[str]) -> list[str]:
        """The entries of a path, those that lead into the tree replaced, or left out."""
        found = [
            self.counterpart(entry) if entry and self.holds(entry) else entry for entry in paths
        ]
        return list(dict.fromkeys(entry for entry in found if entry is not None))


def is_below(path: str, root: str) -> bool:
    """Say whether a path is the root or lies below it."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


class SideFirst:
    """Finds modules in the side's folders before any other finder is asked for them."""

    def __init__(self, folders: list[str]) -> None:
        self.folders = folders

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The module of the top level, if a folder has it; parts of a namespace are for others."""
        if path is not None or name in LAB or name in sys.stdlib_module_names:
            return None
        spec = PathFinder.find_spec(name, self.folders, target)
        return spec if spec is not None and spec.has_location else None


class Guarded:
    """Another finder, but for what it finds in the reader's tree."""

    def __init__(self, finder: Any, tree: Tree) -> None:
        self.finder = finder
        self.tree = tree

    def __getattr__(self, name: str) -> Any:
        return getattr(self.finder, name)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """What the finder finds elsewhere."""
        spec: ModuleSpec | None = self.finder.find_spec(name, path, target)
        if spec is None:
            return None
        places = [*(spec.submodule_search_locations or ()), spec.origin or ""]
        return None if any(place and self.tree.holds(place) for place in places) else spec


def paths_of(finder: Any) -> list[str]:
    """The paths that an editable install gave to its finder, wherever this keeps them."""
    kind = finder if isinstance(finder, type) else type(finder)
    module = sys.modules.get(kind.__module__)
    scopes = [getattr(thing, "__dict__", {}) for thing in (finder, kind, module)]
    waiting = [
        value for scope in scopes for name, value in scope.items() if not name.startswith("__")
    ]
    found = []
    for _ in range(MOST_VALUES):  # one may hold itself
        if not waiting:
            break
        value = waiting.pop()
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if isinstance(value, str) and os.path.isabs(value):
            found.append(value)
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value
    return found


def aim(tree: Tree | None, folders: list[str], behind: list[str]) -> None:
    """Put the side's folders on the path, and switch off what leads into the reader's tree."""
    standard = (BuiltinImporter, FrozenImporter, PathFinder)
    if tree:
        kept: list[Any] = []
        for finder in sys.meta_path:
            if finder in standard:
                kept.append(finder)
                continue
            paths = paths_of(finder)
            if not (paths and all(map(tree.holds, paths))):
                kept.append(Guarded(finder, tree))
        sys.meta_path[:] = kept
        sys.path[:] = tree.mapped(without_placeholders(sys.path, tree))
    if folders:
        sys.meta_path.insert(0, SideFirst(folders))
        new = [folder for folder in folders if folder not in sys.path]
        sys.path[first_installed() : first_installed()] = new
    sys.path += [folder for folder in behind if folder not in sys.path]


def without_placeholders(path: list[str], tree: Tree) -> list[str]:
    """The path without the entries by which setuptools finds an editable namespace in the tree."""
    leading = set()
    for name, module in list(sys.modules.items()):
        if name.startswith("__editable__") and hasattr(module, "PATH_PLACEHOLDER"):
            spaces = [place for places in module.NAMESPACES.values() for place in places]
            if any(map(tree.holds, spaces)):
                leading.add(module.PATH_PLACEHOLDER)
    return [entry for entry in path if entry not in leading]


def first_installed() -> int:
    """Where on the path what is installed begins: the standard library comes before it."""
    places = (n for n, entry in enumerate(sys.path) if os.path.basename(entry) in INSTALLED)
    return next(places, len(sys.path))


def main() -> None:
    """Do as the environment says."""
    trees, copies = told("TREE"), told("COPY")
    tree = Tree(trees[0], copies[0], told("KEPT")) if trees and copies else None
    aim(tree, told("FOLDERS"), told("BEHIND"))

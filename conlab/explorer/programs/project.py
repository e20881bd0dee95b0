"""The reader's project: where it begins, and which of its files a program imports.

The project is where the program's file lies, up to the nearest ``pyproject.toml``, ``setup.py`` or
``.git``; without such a marker it is the file's folder, or the one that holds the file's package.
Nothing that is installed belongs to it: site-packages, virtual environments, the standard library,
the lab itself; but for the copy of the project's own modules that `pip install .` has made, where
tests import that. A program that is installed has its package for a project.
"""

import ast
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import conlab
from conlab.explorer.proxies import stands_for_another

MARKERS = ("pyproject.toml", "setup.py", ".git")
INSTALLED = frozenset(["site-packages", "dist-packages"])
SOURCES = (".", "src")  # below a project's root, where what it installs lies
ENVIRONMENT = "pyvenv.cfg"  # marks the folder of a virtual environment
LAB = Path(conlab.__file__).resolve().parent
STANDARD = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")]


@dataclass(frozen=True, slots=True)
class Project:
    """A folder and what lies below it; or a file alone."""

    root: Path

    def holds(self, file: str | None) -> bool:
        """Whether a module's file belongs to the project."""
        if not file or not file.endswith(".py"):
            return False
        path = Path(file).resolve()
        if path == self.root or self._has_installed(path):
            return True
        if not path.is_relative_to(self.root) or _installed_in(path, below=self.root) is not None:
            return False
        folders = path.relative_to(self.root).parents
        return not any((self.root / folder / ENVIRONMENT).is_file() for folder in folders)

    def _has_installed(self, path: Path) -> bool:
        """Whether a file is the copy of one of the project that was installed from it."""
        folder = _installed_in(path)
        if folder is None or folder.name not in INSTALLED or path.is_relative_to(LAB):
            return False
        if not any((self.root / marker).exists() for marker in MARKERS):
            return False
        original = path.relative_to(folder)
        return any((self.root / source / original).is_file() for source in SOURCES)


def project_of(file: str) -> Project:
    """Find the project of a program's file."""
    path = Path(file).resolve()
    if path.is_relative_to(LAB):
        return Project(path)
    installed = _installed_in(path)
    if installed is not None:
        return Project(installed / path.relative_to(installed).parts[0])
    for folder in path.parents:
        if any((folder / marker).exists() for marker in MARKERS):
            return Project(folder)
    return Project(folder_of_package(path))


def folder_of_package(path: Path) -> Path:
    """Return the folder that holds the outermost package of a file; of no package, its folder."""
    folder = path.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _installed_in(path: Path, below: Path | None = None) -> Path | None:
    """Return the innermost folder of installed packages that holds a file, if one does."""
    if below is not None and path.is_relative_to(LAB) and not below.is_relative_to(LAB):
        return LAB
    for folder in path.parents:
        if folder == below:
            return None
        if folder.name in INSTALLED or folder in STANDARD:
            return folder
    return None


def imported_files(
    project: Project, file: str, names: Mapping[str, Any] | None = None, package: str = ""
) -> dict[str, str]:
    """Return the files of the project that a program imports, each with its module's name.

    ``file`` is the program's, ``names`` its globals, and ``package`` what its relative imports
    start from. An import counts once it was made: what a function imports counts after it was
    called. Modules that only others import, as the other tests of a session, are none of them. A
    file in which there is nothing but a docstring is left out.
    """
    found: dict[str, str] = {}
    waiting = [(file, package, names or {})]
    seen: set[str] = set()
    while waiting:
        source, package, known = waiting.pop()
        for name in [*_imported_by(source, package), *_modules_among(known.values())]:
            for each in _with_parents(name):
                module = sys.modules.get(each)
                where = getattr(module, "__file__", None)
                if each in seen or module is None:
                    continue
                seen.add(each)
                if not isinstance(where, str) or not project.holds(where):
                    continue
                if _has_code(where):
                    found.setdefault(where, each)
                waiting.append((where, _package_of(module), vars(module)))
    return found


def _package_of(module: ModuleType) -> str:
    package = getattr(module, "__package__", None)
    return package if isinstance(package, str) else ""


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])


def _modules_among(values: Iterable[Any]) -> Iterator[str]:
    """Name the modules that some values are, or are defined in."""
    for value in list(values):
        if issubclass(type(value), ModuleType):
            yield value.__name__
        elif stands_for_another(value):
            yield type(value).__module__
        else:
            defined_in = getattr(value, "__module__", None) if callable(value) else None
            yield defined_in if isinstance(defined_in, str) else type(value).__module__


def _imported_by(file: str, package: str) -> Iterator[str]:
    """Name what a file imports, anywhere in it; in that order, which is the same each time."""
    for level, module, names in _imports(file, _changed(file)):
        base = module
        if level:
            above = package.split(".")[: len(package.split(".")) - level + 1] if package else []
            base = ".".join([*above, module] if module else above)
        if base:
            yield base
            yield from (f"{base}.{name}" for name in names)


def relative_levels(file: str) -> int:
    """Return how many folders above a file's own the farthest of its relative imports begins."""
    return max((level for level, _, _ in _imports(file, _changed(file))), default=0)


def _changed(file: str) -> int:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=512)
def _imports(file: str, changed: int) -> tuple[tuple[int, str, tuple[str, ...]], ...]:  # noqa: ARG001
    """Return level, module and names of each import in a file."""
    found: list[tuple[int, str, tuple[str, ...]]] = []
    for node in ast.walk(_tree(file)):
        match node:
            case ast.Import(names=names):
                found += [(0, alias.name, ()) for alias in names]
            case ast.ImportFrom(module=module, names=names, level=level):
                found.append((level, module or "", tuple(alias.name for alias in names)))
    return tuple(found)


def _has_code(file: str) -> bool:
    """Whether there is anything in a file but a docstring and comments."""
    body = _tree(file).body
    return not all(isinstance(each, ast.Expr) and _is_text(each.value) for each in body)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _tree(file: str) -> ast.Module:
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])

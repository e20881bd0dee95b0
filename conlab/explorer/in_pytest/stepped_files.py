"""Which files are stepped for a test: its own, and those of its project that it imports."""

import importlib
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import conlab
from conlab.errors import UserError

ROOTS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
INSTALLED = frozenset(["site-packages", "dist-packages"])


def stepped_files(
    modules: Iterable[ModuleType], step: Iterable[Any], step_only: Iterable[Any]
) -> tuple[str, ...]:
    """Give the files to be stepped of a test in ``modules``, its own one the first.

    Raises UserError for what can be no file, module or name of one.
    """
    only = tuple(step_only)
    found = dict.fromkeys(_named(only) if only else of_project(modules))
    return tuple(found | dict.fromkeys(_named(step)))


def of_project(modules: Iterable[ModuleType]) -> Iterator[str]:
    """Give the files of these modules, and of what they import that lies in the same project."""
    waiting = list(modules)
    seen = set()
    roots = {_root(file) for module in waiting if (file := _file(module)) is not None}
    while waiting:
        module = waiting.pop(0)
        if module.__name__ in seen:
            continue
        seen.add(module.__name__)
        file = _file(module)
        if file is None or not any(_is_part(Path(file), root) for root in roots):
            continue
        yield file
        for name in _imported(module):
            imported = sys.modules.get(name)
            if imported is not None:
                waiting.append(imported)


def _imported(module: ModuleType) -> set[str]:
    """Name the modules that a module has imported, or from which it has something."""
    found = set()
    for value in list(vars(module).values()):
        if isinstance(value, ModuleType):
            found.add(value.__name__)
        else:
            name = getattr(value, "__module__", None)
            if isinstance(name, str):
                found.add(name)
    return found - {module.__name__}


def _root(file: str) -> Path:
    """The folder of a file's project: the nearest that says so, or its own."""
    folder = Path(file).parent
    for around in (folder, *folder.parents):
        if any((around / name).exists() for name in ROOTS):
            return around
    return folder


def _is_part(file: Path, root: Path) -> bool:
    """Whether a file belongs to a project: nothing that is installed does, nor we ourselves."""
    if not file.is_relative_to(root) or INSTALLED & set(file.parts):
        return False
    inside = file.relative_to(root).parents
    if any((root / each / "pyvenv.cfg").exists() for each in inside if each != Path()):
        return False
    library = Path(sysconfig.get_path("stdlib"))
    ours = Path(conlab.__file__).parent
    return not (file.is_relative_to(library) or file.is_relative_to(ours))


def _named(step: Iterable[Any]) -> Iterator[str]:
    """Give the files of modules, packages, names of them, and paths."""
    for each in step:
        if isinstance(each, ModuleType):
            yield from of_package(each)
        elif isinstance(each, Path) or (isinstance(each, str) and _looks_like_a_path(each)):
            path = Path(each).resolve()
            if not path.is_file():
                raise UserError(f"step={str(each)!r}: there is no such file")
            yield str(path)
        elif isinstance(each, str):
            try:
                yield from of_package(importlib.import_module(each))
            except ImportError as error:
                raise UserError(f"step={each!r} cannot be imported: {error}") from None
        else:
            raise UserError(f"step={each!r} is neither a module nor the name or path of one")


def _looks_like_a_path(text: str) -> bool:
    return text.endswith(".py") or "/" in text or "\\" in text


def of_package(module: ModuleType) -> tuple[str, ...]:
    """Give the file of a module; for a package those of all of it that has been imported.

    Raises UserError where there is none.
    """
    files = [
        file
        for name, each in sorted(sys.modules.items())
        if (name == module.__name__ or name.startswith(f"{module.__name__}."))
        and (file := _file(each)) is not None
    ]
    if not files:
        raise UserError(f"{module.__name__} is no Python source: nothing of it could be stepped")
    return tuple(files)


def _file(module: Any) -> str | None:
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) and file.endswith(".py") else None

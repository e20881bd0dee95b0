"""The scope of an exploration: which files are stepped, and which modules are set back."""

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from conlab.errors import UserError
from conlab.explorer.programs.program import origin_of
from conlab.explorer.programs.project import LAB, Project, imported_files, project_of
from conlab.explorer.stepping.stepper import WITH_SWITCH_POINTS

Steppable = str | os.PathLike[str] | ModuleType
SAY = "say a module, its name, or the path of a file"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at. All files as their modules name them, the program's own first.

    ``stepped`` are the files in which a switch is possible. ``project`` are those of the reader's
    project that the program imports: their state is set back before each execution, stepped or not.
    ``grows`` says that a project's module which is first imported in an execution is stepped from
    then on, and ``packages`` whose modules are.
    """

    stepped: tuple[str, ...]
    project: tuple[str, ...]
    root: Path
    grows: bool = True
    packages: tuple[str, ...] = ()

    @property
    def unstepped(self) -> tuple[str, ...]:
        """The project's files that the program imports and that are not stepped."""
        left = (file for file in self.project if file not in self.stepped)
        return tuple(file for file in left if not Path(file).is_relative_to(LAB))  # a driver's

    def takes(self, name: str, file: str | None) -> bool:
        """Whether a module that is imported in an execution is stepped or set back from then on."""
        return self._steps(name, file) or Project(self.root).holds(file)

    def with_imported(self, modules: Iterable[tuple[str, str]]) -> "Scope":
        """Return the scope that has modules as well which were imported in an execution."""
        stepped, project = dict.fromkeys(self.stepped), dict.fromkeys(self.project)
        for name, file in modules:
            if Project(self.root).holds(file):
                project[file] = None
            if self._steps(name, file):
                stepped[file] = None
        return replace(self, stepped=tuple(stepped), project=tuple(project))

    def _steps(self, name: str, file: str | None) -> bool:
        if file is None or not file.endswith(".py"):
            return False
        if any(name == package or name.startswith(f"{package}.") for package in self.packages):
            return True
        return self.grows and Project(self.root).holds(file)


def scope_of(
    program: Any, stepped: Iterable[Steppable] | None, step: Iterable[Steppable] = ()
) -> Scope:
    """Say what is stepped and set back for a program.

    By default the files of the reader's project that it imports are stepped, and what ``step``
    names as well; with ``stepped`` what that names, and nothing else. Raises UserError for what
    cannot be stepped.
    """
    origin = origin_of(program)
    project = project_of(origin.file)
    imported = imported_files(project, origin.file, origin.names, origin.package)
    whole = (origin.file, *(file for file in imported if file != origin.file))
    named: dict[str, None] = {}
    packages: list[str] = []
    given = _many("step", step) if stepped is None else _many("stepped", stepped)
    for each in given:
        files, package = _files_of(each)
        _insist_on_none_that_is_controlled(files)
        named.update(dict.fromkeys(files))
        packages += package
    if stepped is not None:
        if not named:
            raise UserError(f"stepped names nothing, and so nothing would be found: {SAY}")
        return Scope(tuple(named), whole, project.root, grows=False, packages=tuple(packages))
    files_stepped = tuple(dict.fromkeys([*whole, *named]))
    return Scope(files_stepped, whole, project.root, packages=tuple(packages))


def files_of_project(modules: Iterable[ModuleType]) -> tuple[str, ...]:
    """Give the files of these modules and of what they import, in the project of the first."""
    found: dict[str, None] = {}
    project: Project | None = None
    for module in modules:
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            continue
        project = project or project_of(file)
        if project.holds(file):
            found[file] = None
            package = module.__package__ or ""
            found |= dict.fromkeys(imported_files(project, file, vars(module), package))
    return tuple(found)


def files_of_module(module: ModuleType) -> tuple[str, ...]:
    """Give a module's file; of a package, the files of all its modules that are imported.

    Raises UserError where there is no Python source.
    """
    return tuple(_files_of_module(module)[0])


def _insist_on_none_that_is_controlled(files: Iterable[str]) -> None:
    """Refuse what has switch points of its own: with others between them some would be missed."""
    for file in files:
        if file.startswith(WITH_SWITCH_POINTS):
            raise UserError(
                f"{file} cannot be stepped, and need not: the explorer controls each operation of"
                " threading, queue and concurrent.futures"
            )


def _many(name: str, given: Any) -> list[Any]:
    if isinstance(given, str | bytes | os.PathLike | ModuleType):
        raise UserError(
            f"{name} is a list of what is to be stepped: say {name}=[{_name_of(given)!r}]"
        )
    try:
        return list(given)
    except TypeError:
        raise UserError(f"{name} is a list of what is stepped, and not {given!r}: {SAY}") from None


def _name_of(given: Any) -> Any:
    return given.__name__ if isinstance(given, ModuleType) else given


def _files_of(given: Any) -> tuple[list[str], list[str]]:
    """Return the files that one name stands for; and the package's name, if it is one."""
    if isinstance(given, ModuleType):
        return _files_of_module(given)
    if isinstance(given, os.PathLike):
        return _files_at(Path(given)), []
    if not isinstance(given, str):
        raise UserError(f"{given!r} cannot be stepped: {SAY}")
    if given.endswith(".py") or "/" in given or os.sep in given or given.startswith("."):
        return _files_at(Path(given)), []
    module = sys.modules.get(given)
    if module is None:
        try:
            module = importlib.import_module(given)
        except Exception as error:
            raise UserError(
                f"{given!r} cannot be stepped: importing it raised {type(error).__name__}: {error}."
                f" {SAY[0].upper()}{SAY[1:]}, as ./{given}.py"
            ) from None
    return _files_of_module(module)


def _files_of_module(module: ModuleType) -> tuple[list[str], list[str]]:
    """Return a module's file; of a package, the files of all its modules that are imported."""
    if not hasattr(module, "__path__"):
        return [_source_of(module)], []
    below = f"{module.__name__}."
    names = sorted(name for name in sys.modules if name.startswith(below))
    files = [getattr(each, "__file__", None) for each in [module, *map(sys.modules.get, names)]]
    found = [file for file in files if isinstance(file, str) and file.endswith(".py")]
    if not found:
        _source_of(module)
    return found, [module.__name__]


def _source_of(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py"):
        made_of = f"is {file}" if file else "has no file"
        raise UserError(
            f"module {module.__name__!r} cannot be stepped: it {made_of}, and only Python code is"
        )
    return file


def _files_at(path: Path) -> list[str]:
    """Return a file as its module names it; of a folder, all that are in there."""
    if path.is_dir():
        found = sorted(each for each in path.rglob("*.py") if each.is_file())
        if not found:
            raise UserError(f"{path} cannot be stepped: there is no Python file in that folder")
    elif path.is_file() and path.suffix == ".py":
        found = [path]
    else:
        where = "" if path.is_absolute() else f" in {Path.cwd()}"
        what = "it is no Python file" if path.is_file() else f"there is no such file{where}"
        raise UserError(f"{path} cannot be stepped: {what}")
    resolved = {each.resolve() for each in found}
    return [*map(str, sorted(resolved)), *_as_modules_name_them(resolved)]


def _as_modules_name_them(files: set[Path]) -> Iterator[str]:
    """Give the names that imported modules have for files, if they reached them by a link."""
    known = {str(file) for file in files}
    names = {file.name for file in files}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or file in known or Path(file).name not in names:
            continue
        if Path(file).resolve() in files:
            yield file

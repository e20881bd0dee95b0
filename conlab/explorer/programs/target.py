"""What a command line names as a program: a file, a function of a file, or one of a module.

A file is imported as what it is: one inside a package by its full name, so that relative imports
and siblings are found; any other as a module of its own, with its folder first among the places
from which is imported, as if it were run.
"""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conlab.errors import UserError
from conlab.explorer.programs.program import Script, insist_on_program
from conlab.explorer.programs.project import MARKERS, folder_of_package, relative_levels

FORMS = "say FILE.py, FILE.py:FUNCTION or package.module:FUNCTION"
MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Target:
    """A program, and the check that its module has for it."""

    program: Callable[[], Any]
    check: Callable[[Any], bool] | None


def find(target: str, check: str | None = None) -> Target:
    """Import what is named. ``check`` is the name of the check; `holds` is one if there is it.

    Raises UserError, in a sentence, for what is no program.
    """
    path, function = _parts(target)
    if path is None:
        module_name, _, function = target.rpartition(":")
        _begin_imports_at(Path.cwd())
        return _of_module(_import(module_name, target), function, check)
    if not function:
        if check is not None:
            raise UserError("--check needs a result to judge: say FILE.py:FUNCTION")
        return Target(_script(path).run, None)
    return _of_module(_module_at(path), function, check)


def import_what_is_named(where: str) -> Any:
    """Import a file as what it is, or a module by its name. Raises UserError, in a sentence."""
    path = Path(where).resolve()
    if path.is_file():
        return _module_at(path)
    if where.endswith(".py"):
        raise UserError(f"there is no file {where}: {FORMS}")
    _begin_imports_at(Path.cwd())
    return _import(where, where)


def _parts(target: str) -> tuple[Path | None, str]:
    """Split a target into a file and a function; no file where it names a module."""
    name, colon, function = target.rpartition(":")
    if not colon or not (name.endswith(".py") or Path(name).is_file()):
        name, function = target, ""
    path = Path(name).resolve()
    if path.is_file():
        return path, function
    if path.is_dir():
        raise UserError(f"{name} is a folder, and no program: {FORMS}")
    module, colon, function = target.rpartition(":")
    if colon and function and not module.endswith(".py") and "/" not in module:
        return None, function
    raise UserError(f"there is no file {name}: {FORMS}")


def _begin_imports_at(folder: Path) -> None:
    if sys.path[:1] != [str(folder)]:
        sys.path.insert(0, str(folder))


def _import(name: str, target: str) -> Any:
    if not all(part.isidentifier() for part in name.split(".")):
        raise UserError(f"{target} is neither a file nor a function of a module: {FORMS}")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UserError(
                f"there is no module {error.name!r} that could be imported from here: {FORMS}"
            ) from None
        raise _unclean(name, error) from error
    except Exception as error:
        raise _unclean(name, error) from error


def _unclean(what: object, error: Exception) -> UserError:
    return UserError(
        f"importing {what} raised {type(error).__name__}: {error}; it must import cleanly"
    )


def _module_at(path: Path) -> Any:
    """Import a file as what it is."""
    folder, name = _place(path)
    _begin_imports_at(folder)
    if "." not in name and name in sys.modules:
        return _alone(path, name)  # such as a file of the reader's called queue.py
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise _unclean(path, error) from error
    file = getattr(module, "__file__", None)
    return module if file and Path(file).resolve() == path else _alone(path, name)


def _alone(path: Path, name: str) -> Any:
    """Import a file whose name another module has."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _unclean(path, error) from error
    finally:
        if before is not None and name in sys.stdlib_module_names:
            sys.modules[name] = before  # whoever imports it means that
    return module


def _place(path: Path) -> tuple[Path, str]:
    """Say from which folder a file is imported, and by which name."""
    folder = folder_of_package(path)
    levels = relative_levels(str(path))
    if folder == path.parent and levels:  # a package without __init__.py
        folder = path.parents[levels]
        marked = [each for each in path.parents if any((each / name).exists() for name in MARKERS)]
        if marked:
            source = marked[0] / "src"
            root = source if path.is_relative_to(source) else marked[0]
            folder = root if folder.is_relative_to(root) else folder
    parts = path.relative_to(folder).with_suffix("").parts
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return folder, ".".join(parts)


def _script(path: Path) -> Script:
    """Make ready to run a file as a script. Raises UserError where that would run nothing."""
    folder, name = _place(path)
    package = name.rpartition(".")[0]
    script = Script(path, package)
    _insist_on_a_script(path)
    _begin_imports_at(folder if package else path.parent)
    if package:
        _import(package, str(path))
    sys.argv = [str(path)]
    return script


def _insist_on_a_script(path: Path) -> None:
    """Raise UserError for a file of tests, which as a script runs none of them."""
    body = ast.parse(path.read_bytes()).body
    tests = [name for each in body for name in _tests_in(each)]
    guarded = any("__main__" in ast.unparse(each.test) for each in body if isinstance(each, ast.If))
    if tests and not guarded:
        named = ", ".join(tests[:MOST_NAMED]) + (" ..." if len(tests) > MOST_NAMED else "")
        raise UserError(
            f"{path.name} holds tests ({named}), and as a script it runs none of them. Name one"
            f" that needs no fixture, as {path.name}:{tests[0]}, or mark it with"
            " @pytest.mark.explore and run pytest"
        )


def _tests_in(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name] if name.startswith("test") else []
        case ast.ClassDef(name=name, body=body):
            return [f"{name}.{test}" for each in body for test in _tests_in(each)]
    return []


def functions_of(path: Path) -> list[str]:
    """Name the functions of a file that could be programs: of its own, without arguments."""
    body = ast.parse(path.read_bytes()).body
    return [
        each.name
        for each in body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and not each.name.startswith("_")
        and len(each.args.defaults) == len(each.args.posonlyargs) + len(each.args.args)
        and None not in each.args.kw_defaults
    ]


def _of_module(module: Any, function: str, check: str | None) -> Target:
    program = _attribute(module, function)
    insist_on_program(program)
    if check is None:
        found = getattr(module, "holds", None)
        return Target(program, found if callable(found) else None)
    return Target(program, _attribute(module, check))


def _attribute(module: Any, name: str) -> Any:
    """Return a function of a module, or a method that needs no instance."""
    found = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        said = Path(getattr(module, "__file__", None) or module.__name__).name
        raise UserError(f"{said} has no function {name!r}")
    return found

"""What a command line names as an object to be made: ``module:Class``, or ``file.py:Class(3)``."""

import ast
import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from conlab.errors import UserError
from conlab.explorer.in_pytest.stepped_files import of_package, stepped_files

FORMS = "say module:Class, file.py:Class, or module:Class(3) with what it is made from"


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the object, and says in which files a switch is possible."""

    make: Callable[[], Any]
    files: tuple[str, ...]


def find_maker(text: str, step: tuple[str, ...] = ()) -> Maker:
    """Import what makes the object, and try it once. Raises UserError where that cannot be done."""
    where, colon, call = text.partition(":")
    if not colon or not where or not call:
        raise UserError(f"--serial {text}: {FORMS}")
    module = _module(where, text)
    name, arguments, options = _call(call, text)
    maker = getattr(module, name, None)
    if not callable(maker) or inspect.iscoroutinefunction(maker):
        raise UserError(f"--serial {text}: {where} has no class or function {name!r}")
    make = functools.partial(maker, *arguments, **options)
    try:
        make()
    except Exception as error:
        raise UserError(
            f"--serial {text}: {call} raised {type(error).__name__}: {error}; {FORMS}"
        ) from error
    home = sys.modules.get(getattr(maker, "__module__", ""), module)
    if home.__name__.partition(".")[0] in sys.stdlib_module_names:
        raise UserError(
            f"--serial {text}: {name} is of the standard library, in which nothing is stepped; name"
            " a class of your own that uses it"
        )
    files = stepped_files([module, home], step, ())
    return Maker(make, files or of_package(home))


def _module(where: str, text: str) -> ModuleType:
    path = Path(where)
    try:
        if where.endswith(".py"):
            if not path.is_file():
                raise UserError(f"--serial {text}: there is no file {where}")
            sys.path.insert(0, str(path.resolve().parent))
            spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
        sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(where)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"--serial {text}: importing {where} raised {type(error).__name__}: {error}"
        ) from error


def _call(call: str, text: str) -> tuple[str, list[Any], dict[str, Any]]:
    try:
        node = ast.parse(call, mode="eval").body
        match node:
            case ast.Name(id=name):
                return name, [], {}
            case ast.Call(func=ast.Name(id=name), args=given, keywords=keywords):
                named = {str(each.arg): ast.literal_eval(each.value) for each in keywords}
                return name, [ast.literal_eval(each) for each in given], named
    except (SyntaxError, ValueError):
        pass
    raise UserError(f"--serial {text}: {call!r} is no class, nor a call of one: {FORMS}")

"""What a command line names as an object to be made: ``module:Class``, or ``file.py:Class(3)``."""

import ast
import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conlab.errors import UserError
from conlab.explorer.programs.scope import files_of_module, files_of_project
from conlab.explorer.programs.target import import_what_is_named

FORMS = "say module:Class, file.py:Class, or module:Class(3) with what it is made from"


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the object, and says in which files a switch is possible."""

    make: Callable[[], Any]
    files: tuple[str, ...]


def find_maker(text: str) -> Maker:
    """Import what makes the object, and try it once. Raises UserError where that cannot be done."""
    where, colon, call = text.partition(":")
    if not colon or not where or not call:
        raise UserError(f"--serial {text}: {FORMS}")
    module = import_what_is_named(where)
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
    return Maker(make, files_of_project([module, home]) or files_of_module(home))


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

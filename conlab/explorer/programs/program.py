"""A program and its check: what can be one, where it is from, how it is called, what it says.

Nothing passes that was not run: what only makes a coroutine has it run, and what would run nothing
is refused.
"""

import argparse
import asyncio
import dis
import functools
import inspect
import optparse
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import AsyncGeneratorType, CodeType, GeneratorType
from typing import Any, NoReturn

from conlab.errors import UserError
from conlab.explorer.wording import repr_of

Program = Callable[[], Any]
Check = Callable[[Any], bool]
PARSERS = frozenset([argparse.__file__, optparse.__file__])


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a program is defined: its file, its globals, from where its relative imports start."""

    file: str
    name: str
    names: Mapping[str, Any]
    package: str


def origin_of(program: Any) -> Origin:
    """Say where a program is defined. Raises UserError for what is no Python function."""
    owner = getattr(program, "__self__", None)
    if isinstance(owner, Script):
        return Origin(str(owner.path), owner.path.name, {}, owner.package)
    function = function_of(program)
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        raise UserError(f"cannot tell in which file {program!r} is defined: pass a Python function")
    names = getattr(function, "__globals__", {})
    name = f"{Path(code.co_filename).name}:{code.co_qualname}"
    return Origin(code.co_filename, name, names, names.get("__package__") or "")


class Script:
    """A file that is run as a script; pickled by its name, and compiled once in each process."""

    def __init__(self, path: Path, package: str = "") -> None:
        """Compile the file. Raises UserError if that cannot be done."""
        self.path = path
        self.package = package
        try:
            self.code = compile(path.read_bytes(), str(path), "exec")
        except (SyntaxError, ValueError) as error:
            raise UserError(f"{path} is no Python: {error}") from None

    def __reduce__(self) -> tuple[type["Script"], tuple[Path, str]]:
        """Be made anew in another process."""
        return Script, (self.path, self.package)

    def run(self) -> None:
        """Run it."""
        names = {"__name__": "__main__", "__file__": str(self.path), "__builtins__": __builtins__}
        if self.package:
            names["__package__"] = self.package
        exec(self.code, names)


def function_of(program: Any) -> Any:
    """Return the function behind partials, methods, callable objects and decorators."""
    inner = program
    while True:
        if isinstance(inner, functools.partial):
            inner = inner.func
        elif hasattr(inner, "__func__"):
            inner = inner.__func__
        elif callable(getattr(inner, "__wrapped__", None)):
            inner = inner.__wrapped__
        elif not hasattr(inner, "__code__") and hasattr(type(inner).__call__, "__code__"):
            inner = type(inner).__call__
        else:
            return inner


def said_of(thing: Any) -> str:
    """Name a function, a script or an object in a sentence."""
    if isinstance(getattr(thing, "__self__", None), Script):
        return str(thing.__self__.path.name)
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    return str(name) if name else repr_of(thing)


def insist_on_program(program: Any) -> None:
    """Raise UserError, in a sentence, for what would run nothing or cannot be called."""
    name = said_of(program)
    if isinstance(program, type):
        raise UserError(
            f"{name} is a class, not a program: name a function that makes one, starts the threads"
            " or tasks that use it, and waits for them; or have its methods called by two threads,"
            " with conlab explore --serial module:Class --operations method"
        )
    if inspect.iscoroutine(program) or inspect.isgenerator(program):
        raise UserError(f"{name} has been called already, and can run only once: pass the function")
    if not callable(program):
        raise UserError(f"{repr_of(program)} cannot be called: pass a function without arguments")
    if "fixture" in type(program).__name__.lower():
        raise UserError(f"{name} is a fixture of pytest, not a program: name a test that uses none")
    if _is(program, inspect.isgeneratorfunction) or _is(program, inspect.isasyncgenfunction):
        raise UserError(
            f"{name} is a generator function: to call it runs nothing of it. Name a function that"
            " goes through what it yields"
        )
    needed = _arguments(program)
    if needed:
        raise UserError(
            f"{name} needs arguments ({', '.join(needed)}), and a program is called with none:"
            f" name a function without arguments that calls it"
        )


def insist_on_check(check: Any) -> None:
    """Raise UserError, in a sentence, for what cannot judge a value."""
    name = said_of(check)
    if not callable(check):
        raise UserError(f"{repr_of(check)} is no check: pass a function of the value")
    if _is(check, inspect.iscoroutinefunction):
        raise UserError(
            f"the check {name} is a coroutine function, and what it returns is always true: make it"
            " an ordinary function of the value"
        )
    if _is(check, inspect.isgeneratorfunction) or _is(check, inspect.isasyncgenfunction):
        raise UserError(f"the check {name} is a generator function, and is always true")
    try:
        inspect.signature(check, follow_wrapped=False).bind(None)
    except TypeError as error:
        raise UserError(f"the check {name} must take the value that is returned: {error}") from None
    except ValueError:
        pass  # of a function in C nobody knows


def _is(function: Any, kind: Callable[[Any], bool]) -> bool:
    """Whether a function is of a kind, or an object is called by a method of it."""
    return kind(function) or (callable(function) and kind(type(function).__call__))


def _arguments(program: Any) -> list[str]:
    """Name the arguments that a call has to give.

    Of a wrapper in C, as that of `functools.cache`, nobody knows: it hands them on as they are.
    """
    try:
        parameters = inspect.signature(program, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        wrapped = getattr(program, "__wrapped__", None)
        return [] if wrapped is None else _arguments(wrapped)
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        each.name
        for each in parameters
        if each.kind not in optional and each.default is inspect.Parameter.empty
    ]


def run_to_its_end(program: Program, refuse: Callable[[str], NoReturn]) -> Program:
    """Return what runs all of a program: the coroutine that it returns, too.

    What returns a generator that has not begun is refused: nothing of that has run. ``SystemExit``
    without a status, or with 0, is the program's ordinary end.
    """

    def run() -> Any:
        try:
            value = program()
            if hasattr(type(value), "__await__") and not isinstance(value, asyncio.Future):
                value = asyncio.run(value if asyncio.iscoroutine(value) else _awaited(value))
        except SystemExit as leaving:
            if leaving.code is None or leaving.code == 0:
                return None
            said = _said_by_a_parser(leaving)
            if said is not None:
                refuse(
                    f"{said_of(program)} has ended in its command line: {said}. It is run without"
                    " arguments: name a function that gives it what it needs"
                )
            raise
        if isinstance(value, GeneratorType | AsyncGeneratorType) and _has_not_begun(value):
            refuse(
                f"{said_of(program)} returns a generator of which nothing has run: go through it"
                " inside the program"
            )
        return value

    return run


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


def _has_not_begun(value: Any) -> bool:
    if isinstance(value, GeneratorType):
        return inspect.getgeneratorstate(value) == inspect.GEN_CREATED
    frame = value.ag_frame
    return frame is not None and not value.ag_running and frame.f_lasti <= _first(frame.f_code)


def _first(code: CodeType) -> int:
    """Return the offset at which a generator waits that has not begun."""
    return next(each.offset for each in dis.get_instructions(code) if each.opname == "RESUME")


def _said_by_a_parser(leaving: SystemExit) -> str | None:
    """Return what a parser of the command line had to say, if it was that which left."""
    frames = [frame for frame, _ in traceback.walk_tb(leaving.__traceback__)]
    by_parsers = [
        frame
        for frame in frames
        if frame.f_code.co_filename in PARSERS or frame.f_globals.get("__name__") == "click.core"
    ]
    if not by_parsers or frames[-1] is not by_parsers[-1]:
        return None
    said = [frame.f_locals.get("message") or frame.f_locals.get("msg") for frame in by_parsers]
    told = next((each for each in reversed(said) if isinstance(each, str) and each), None)
    return (told or f"it exits with status {leaving.code}").strip().rpartition("error: ")[2]


class CheckFailed(UserError):
    """The check itself went wrong, so that nobody knows whether the value is right."""


def judge(check: Check, value: Any) -> bool:
    """Return whether a check calls a value right. Raises CheckFailed if it says neither.

    An AssertionError says that the value is wrong; who asserts may return None where it is right.
    """
    name = said_of(check)
    try:
        said: Any = check(value)
        if said is None and _asserts(check):
            return True
        if said is not None and said is not NotImplemented and not _is_pending(said):
            return bool(said)
    except AssertionError:
        return False
    except Exception as error:
        raise CheckFailed(
            f"the check {name} raised {type(error).__name__}: {error}, at {_line_of(error)}, for"
            f" the value {repr_of(value)}; that says nothing about the program"
        ) from error
    if said is None:
        hint = "return whether the value is right, or assert it"
    else:
        hint = "return True or False"
    if inspect.iscoroutine(said):
        said.close()  # or Python says at some later time that nobody awaited it
    raise CheckFailed(f"the check {name} returned {repr_of(said)} for {repr_of(value)}: {hint}")


def _is_pending(said: Any) -> bool:
    return hasattr(type(said), "__await__") or isinstance(said, GeneratorType | AsyncGeneratorType)


def _asserts(check: Any) -> bool:
    """Whether a check asserts anything: then to return None is to find nothing wrong."""
    code = getattr(function_of(check), "__code__", None)
    if not isinstance(code, CodeType):
        return False
    return any(
        "assert" in f"{each.opname} {each.argrepr}".lower() for each in dis.get_instructions(code)
    )


def _line_of(error: BaseException) -> str:
    entry = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(entry.filename).name}:{entry.lineno}"

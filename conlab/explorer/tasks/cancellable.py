"""Whom somebody outside could cancel: the tasks that the program made itself, or those named.

What the program hands to ``gather`` or to a ``TaskGroup`` counts as made by the function that calls
these. A task that a library makes for itself is nobody else's to cancel: neither is what asyncio
makes inside ``wait_for`` and ``shield``, of which nobody gets hold.
"""

import asyncio
import functools
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

from conlab.errors import UserError
from conlab.explorer.tasks.task import label

LIBRARY = str(Path(asyncio.__file__).parent)
EXPLORER = str(Path(__file__).parents[1])
KEEP_TO_THEMSELVES = frozenset(["wait_for", "shield"])  # what they make of a coroutine
CALLBACK = "_run"  # of a handle: below it, nobody tells who has queued the callback


def names_to_cancel(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that are given. Raises UserError for one that is not among several."""
    if isinstance(names, str):
        raise UserError(f"cancel={names!r} is one name: say cancel=({names!r},)")
    return tuple(names)


class Cancellable:
    """Which of the tasks of a program may be cancelled from outside."""

    def __init__(self, program: Any, names: tuple[str, ...]) -> None:
        """Say so of those that ``program`` makes; or of those that have one of these ``names``."""
        self.names = names
        self.matched: set[str] = set()  # of the names
        self.met: dict[str, None] = {}  # the tasks there were, as a person names them
        self._of_program = frozenset(_own_code([program]))
        self.begin()

    def begin(self) -> None:
        """Forget the last execution."""
        self._own = self._of_program

    def is_main(self, coroutine: Any, frame: FrameType | None) -> None:
        """Take note of a coroutine that a loop is run for; of the program, if it runs the loop."""
        maker, _ = _maker(frame, explorer_counts=True)
        code = _code(coroutine)
        if code is not None and maker is not None and self._is_own(maker):
            self._own |= _own_code([code])

    def may_be(self, task: asyncio.Task[Any], frame: FrameType | None, *, main: bool) -> bool:
        """Whether a task may be cancelled that is made in ``frame``."""
        coroutine = task.get_coro()
        qualified = getattr(coroutine, "__qualname__", "")
        own_names = {task.get_name(), qualified, qualified.rpartition(".")[2]}
        code = _code(coroutine)
        if code is None or not code.co_filename.startswith((LIBRARY, EXPLORER)):
            self.met[label(task)] = None
        if self.names:
            found = own_names.intersection(self.names)
            self.matched |= found
            return bool(found)
        maker, kept = _maker(frame)
        if main or kept:
            return False
        return (code if maker is None else maker) in self._own

    def _is_own(self, maker: CodeType) -> bool:
        return maker in self._own or maker.co_filename.startswith(EXPLORER)

    def insist_on_names(self) -> None:
        """Raise UserError if a name was never that of a task: then nothing of it was tried."""
        missing = [name for name in self.names if name not in self.matched]
        if missing:
            there = ", ".join(self.met) or "none"
            raise UserError(
                f"no task is called {' or '.join(map(repr, missing))}, so it could not be"
                f" cancelled: there were {there}"
            )


def _maker(
    frame: FrameType | None, *, explorer_counts: bool = False
) -> tuple[CodeType | None, bool]:
    """Return the code that asked asyncio for a task, if it is known; and if asyncio keeps that."""
    kept = False
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(LIBRARY):
            if code.co_name == CALLBACK:
                return None, kept
            kept |= code.co_name in KEEP_TO_THEMSELVES
        elif explorer_counts or not code.co_filename.startswith(EXPLORER):
            return code, kept
        frame = frame.f_back
    return None, kept


def _own_code(waiting: list[Any]) -> set[CodeType]:
    """Return the code of the functions, and of all that are nested in them."""
    found: set[CodeType] = set()
    while waiting:
        match waiting.pop():
            case CodeType() as code if code not in found:
                found.add(code)
                waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
            case functools.partial() as partial:
                waiting.append(partial.func)
            case MethodType() as method:
                waiting.append(method.__func__)
                waiting.append(getattr(method.__self__, "code", None))  # of a script
            case FunctionType() as function:
                waiting.append(function.__code__)
                waiting.append(getattr(function, "__wrapped__", None))
            case CodeType() | None:
                pass
            case callable_object:
                call = getattr(type(callable_object), "__call__", None)  # noqa: B004 - its code
                waiting.append(call if isinstance(call, FunctionType) else None)
    return found


def _code(coroutine: Any) -> CodeType | None:
    """Return the code of a coroutine, a generator or an async generator."""
    for name in ("cr_code", "gi_code", "ag_code"):
        if isinstance(code := getattr(coroutine, name, None), CodeType):
            return code
    return None

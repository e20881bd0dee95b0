"""The fixtures of an explored test: made and torn down within each execution, or once before all.

Function-scoped ones are made again in every execution, by pytest itself, before the test starts
its threads. Wider ones are made once, outside of all control; so one that holds a lock or an event
loop is refused, as is one that is async. `tmp_path` is made once as well, and emptied each time.
"""

import _thread
import asyncio
import contextlib
import functools
import gc
import inspect
import logging
import queue
import shutil
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from conlab.errors import UserError

EMPTIED = frozenset(["tmp_path", "tmpdir"])  # made once, though their scope is the function
FOLDER = "tmp_path"  # on which `tmpdir` rests
OF_OTHER_LOOPS = ("pytest_asyncio", "anyio")  # plugins whose own event loops are not used
MOST_LOOKED_AT = 20_000  # objects that a wide fixture may consist of
LOCKS = (type(_thread.allocate_lock()), type(threading.RLock()), queue.SimpleQueue)
OPAQUE = (ModuleType, type, FunctionType, CodeType, FrameType, logging.Logger)
NO_DATA = ("_pytest.", "pluggy", "py.", "logging")  # modules of types whose locks are no data


class Fixtures:
    """The fixtures of one test."""

    def __init__(self, item: pytest.Function) -> None:
        self._item: Any = item
        self.setting_up: str | None = None  # which is, or was when the execution was given up
        self._names: list[str] = list(item.fixturenames)
        self._runner: asyncio.Runner | None = None
        self._base = 0  # finalizers of the test that belong to no execution
        self.running = False

    # -- outside of the executions ---------------------------------------------------------------

    @contextlib.contextmanager
    def only_wide(self) -> Iterator[None]:
        """Let pytest set up the test, but none of the fixtures that each execution makes anew."""
        self._names = list(self._item.fixturenames)
        self._item.fixturenames = [name for name in self._names if not self._is_inside(name)]
        try:
            yield
        finally:
            self._item.fixturenames = self._names
        for name in self._names:
            definition = self._definition(name)
            if definition is not None and self._is_inside(name) and definition.cached_result:
                definition.finish(self._item._request)  # what another plugin has asked for
        self._base = len(self._finalizers())

    def refuse_what_cannot_be(self) -> None:
        """Raise UserError, with its name, for a fixture that was made outside and may not be."""
        for name in self._names:
            definition = self._definition(name)
            if definition is None or self._is_inside(name) or _is_of_another_loop(definition):
                continue
            if _is_async(definition.func):
                raise UserError(
                    f"fixture {name!r} ({definition.scope}) is async and made once for several"
                    " tests, in an event loop outside of the run: give it the scope 'function'"
                )
            result = definition.cached_result
            held = _lock_within(result[0]) if result and not _is_pytests(definition) else None
            if held is not None:
                raise UserError(
                    f"fixture {name!r} ({definition.scope}) holds {held} that was made outside of"
                    " the run, where nothing controls it: give it the scope 'function', so that"
                    " each execution makes its own"
                )

    def values_outside(self) -> dict[str, Any]:
        """Give the values of the fixtures that are made once."""
        known = ((name, self._definition(name)) for name in self._names)
        return {
            name: definition.cached_result[0]
            for name, definition in known
            if definition is not None and definition.cached_result
        }

    def functions(self) -> list[Any]:
        """Give the functions that make fixtures in each execution."""
        known = [self._definition(name) for name in self._names if self._is_inside(name)]
        return [
            definition.func
            for definition in known
            if definition is not None and not _is_pytests(definition)
        ]

    # -- inside of one ---------------------------------------------------------------------------

    @property
    def runner(self) -> asyncio.Runner:
        """What the async fixtures and the test of this execution run in: one event loop."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner

    def set_up(self) -> dict[str, Any]:
        """Make the fixtures of an execution, and return all that the test asks for, by name."""
        self._runner = None
        self.setting_up = None
        self.running = True
        self._empty_folder()
        self._item._initrequest()
        self._item._request._fillfixtures()
        arguments = self._item._fixtureinfo.argnames
        return {name: self._item.funcargs[name] for name in arguments}

    def tear_down(self) -> None:
        """Tear the fixtures of an execution down again, whatever happened in it."""
        finalizers = self._finalizers()
        with contextlib.ExitStack() as stack:
            stack.callback(self._ends)
            if self._runner is not None:
                stack.callback(self._runner.close)
            for finalizer in finalizers[self._base :]:
                stack.callback(finalizer)
            del finalizers[self._base :]

    def forget(self) -> None:
        """Forget an execution that was given up in the middle: nothing of it can be torn down."""
        del self._finalizers()[self._base :]
        for name in self._names:
            definition = self._definition(name)
            if definition is not None and self._is_inside(name):
                definition.cached_result = None
                definition._finalizers.clear()
        self.running = False

    def _ends(self) -> None:
        self.running = False

    def made(self, definition: Any, request: Any) -> Generator[None, Any, Any]:
        """Stand around pytest's making of a fixture, as its hook `pytest_fixture_setup` does."""
        name = definition.argname
        if definition.scope != "function":
            definition._finalizers.clear()  # or pytest would stumble over them next time
            raise UserError(
                f"fixture {name!r} ({definition.scope}) is asked for in the middle of a run, and"
                " would outlive it: name it among the arguments of the test"
            )
        self.setting_up = name
        with pytest.MonkeyPatch.context() as patch:
            if _is_async(definition.func):
                patch.setattr(definition, "func", self._synchronous(definition.func, request))
            value = yield
        self.setting_up = None
        return value

    def _synchronous(self, function: Any, request: Any) -> Callable[..., Any]:
        """Return a function that makes what an async one does, in the loop of the execution."""
        bound_to = getattr(function, "__self__", None)
        if bound_to is not None and isinstance(request.instance, type(bound_to)):
            function = function.__func__.__get__(request.instance)

        @functools.wraps(function)
        def make(**arguments: Any) -> Any:
            if inspect.iscoroutinefunction(function):
                return self.runner.run(function(**arguments))
            generator = function(**arguments)

            async def begin() -> Any:
                return await anext(generator)

            async def end() -> None:
                async for _ in generator:
                    raise UserError(f"fixture {request.fixturename!r} yields more than once")

            value = self.runner.run(begin())
            request.addfinalizer(lambda: self.runner.run(end()))
            return value

        return make

    def _empty_folder(self) -> None:
        folder = self.values_outside().get(FOLDER)
        if isinstance(folder, Path):
            for each in folder.iterdir():
                if each.is_dir() and not each.is_symlink():
                    shutil.rmtree(each)
                else:
                    each.unlink()

    # -- what pytest knows -----------------------------------------------------------------------

    def _finalizers(self) -> list[Callable[[], object]]:
        found: list[Callable[[], object]] = self._item.session._setupstate.stack[self._item][0]
        return found

    def _definition(self, name: str) -> Any:
        definitions = self._item._fixtureinfo.name2fixturedefs.get(name)
        return definitions[-1] if definitions else None

    def _is_inside(self, name: str) -> bool:
        """Whether a fixture is made in each execution."""
        definition = self._definition(name)
        return definition is not None and definition.scope == "function" and name not in EMPTIED


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _is_pytests(definition: Any) -> bool:
    return getattr(definition.func, "__module__", "").startswith("_pytest.")


def _is_of_another_loop(definition: Any) -> bool:
    return getattr(definition.func, "__module__", "").startswith(OF_OTHER_LOOPS)


def _lock_within(value: Any) -> str | None:
    """Say what of a real lock, queue or event loop a value consists of, or None."""
    waiting, seen = [value], {id(value): value}
    while waiting and len(seen) < MOST_LOOKED_AT:
        found = waiting.pop(0)
        if isinstance(found, LOCKS):
            return "a lock" if not isinstance(found, queue.SimpleQueue) else "a queue"
        if isinstance(found, asyncio.AbstractEventLoop):
            return "an event loop"
        if isinstance(found, OPAQUE) or type(found).__module__.startswith(NO_DATA):
            continue
        for part in gc.get_referents(found):
            if id(part) not in seen:
                seen[id(part)] = part
                waiting.append(part)
    return None

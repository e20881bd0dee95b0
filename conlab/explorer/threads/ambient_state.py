"""The state outside a program: made controlled, and set back before each execution.

A module-level ``lock = threading.Lock()``, or ``Lock`` as in ``from threading import Lock``, is
real. For as long as an exploration lasts its controlled equivalent takes its place, and what an
execution changed in the globals, classes, closures and containers of the project's files, stepped
or not, is undone before the next.
"""

import _thread
import functools
import itertools
import queue
import random
import sys
import threading
from array import array
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from operator import is_
from types import (
    BuiltinMethodType,
    CellType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any

from conlab.errors import UserError
from conlab.explorer.proxies import namespace_of, stands_for_another
from conlab.explorer.threads.primitives import REAL_LOCAL, Count, Local, Lock, RLock, SimpleQueue
from conlab.explorer.threads.scheduler import Scheduler

REAL_LOCK = type(_thread.allocate_lock())
REAL_RLOCK = type(threading.RLock())
REAL_QUEUE: Any = type(queue.SimpleQueue())
CACHE: Any = functools._lru_cache_wrapper
LIBRARY = frozenset(
    [
        "threading",
        "queue",
        "concurrent.futures.thread",
        "concurrent.futures._base",
        "asyncio.locks",  # before an execution these belong to no loop: not to that of the last
        "asyncio.queues",
        "collections",
        "types",
    ]
)
# Whose objects are not part of any program: they run it.
LEFT_ALONE = frozenset(["conlab", "pytest", "_pytest", "pluggy", "xdist", "execnet", "coverage"])
MOST_WITH_OTHERS = 20_000  # objects, after which those of installed libraries are not looked into
MACHINERY = frozenset(["__builtins__", "__loader__", "__spec__", "__weakref__", "__dict__"])
UNSET: Any = object()
Undo = Callable[[], None]


class AmbientState:
    """The state outside a program that it can reach: found once, set back before each execution."""

    def __init__(self, scheduler: Scheduler, replacements: dict[Any, Any]) -> None:
        """Know nothing yet; ``replacements`` gives what stands for each original function."""
        self._scheduler = scheduler
        self._replacements = {id(original): ours for original, ours in replacements.items()}
        self._adopted: dict[int, tuple[Any, Any]] = {}
        self._rebuilt: dict[int, tuple[Any, Any]] = {}
        self._seen: dict[int, Any] = {id(ours): ours for ours in replacements.values()}
        shared = getattr(random, "_inst", None)  # of the functions of `random`: what it draws is
        self._seen[id(shared)] = shared  # chance, also where one of them is kept by name
        self._parts: dict[int, Any] = {}
        self._set_back: list[Undo] = []
        self._undo: list[Undo] = []
        self._found: dict[int, dict[Any, Any]] = {}  # what each namespace is set back to
        self._modules = {
            name
            for name, module in list(sys.modules.items())
            if getattr(module, "__file__", None) in scheduler.set_back
        }

    def find(self, program: Any) -> None:
        """Take note of what the program can reach, and make what is real there controlled."""
        self._walk(program)
        for name in sorted(self._modules):
            self._walk(sys.modules[name])

    def adopt(self, names: Iterable[str]) -> None:
        """Take note of modules that have just been imported, as if they had always been there."""
        new = [name for name in names if name not in self._modules]
        self._modules.update(new)
        for name in new:
            self._walk(sys.modules[name])

    def keep_in_its_package(self, name: str) -> None:
        """Let a package have a module that has just been imported: no later import sets it."""
        package, _, known_as = name.rpartition(".")
        found = self._found.get(id(vars(sys.modules[package]))) if package in sys.modules else None
        if found is not None and name in sys.modules:
            found[known_as] = sys.modules[name]

    def sets_back(self, module: str) -> bool:
        """Whether the state of a module is set back."""
        return module in self._modules

    def set_back_too(self, undo: Undo) -> None:
        """Undo this as well before each execution."""
        self._set_back.append(undo)

    def knows(self, address: int) -> bool:
        """Whether something that was there before the program has this address, for good."""
        return address in self._seen

    def set_back(self) -> None:
        """Undo what the last execution changed."""
        for undo in self._set_back:
            undo()
        for _, ours in self._adopted.values():
            ours.reset()

    def restore(self) -> None:
        """Leave everything as it was found."""
        self.set_back()
        for undo in reversed(self._undo):
            undo()

    def _walk(self, root: Any) -> None:
        waiting = [root]
        while waiting:
            found = waiting.pop()
            if id(found) in self._seen:
                continue
            self._seen[id(found)] = found
            if not self._is_of_others(found):
                waiting.extend(self._visit(found))
            elif len(self._seen) < MOST_WITH_OTHERS:
                with suppress(Exception):  # a proxy may stand for nothing yet
                    waiting.extend(self._visit(found))

    def _visit(self, found: Any) -> Iterator[Any]:
        """Take note of one object's state, put controlled parts into it, and yield its parts."""
        if not stands_for_another(found):
            yield from self._visit_by_class(found)
        if self._is_ours(found) or self._is_of_others(found):
            names = namespace_of(found)
            if isinstance(names, dict):
                yield from self._namespace(names)
            yield from self._slots(found)

    def _visit_by_class(self, found: Any) -> Iterator[Any]:
        match found:
            case ModuleType():
                if found.__name__ in self._modules:
                    yield from self._namespace(found.__dict__)
            case FunctionType():
                if found.__code__.co_filename in self._scheduler.set_back:
                    yield from self._namespace(found.__globals__)
                for cell in found.__closure__ or ():
                    yield from self._cell(cell)
                yield from self._defaults(found)
                if found.__kwdefaults__ is not None:
                    yield from self._namespace(found.__kwdefaults__)
            case MethodType():
                yield found.__func__
                yield found.__self__
            case property():
                yield from (part for part in (found.fget, found.fset, found.fdel) if part)
            case classmethod() | staticmethod():
                yield found.__func__
            case type():
                if found.__module__ in self._modules:
                    yield from self._class(found)
            case dict():
                yield from self._namespace(found)
            case list() | deque():
                yield from self._sequence(found)
            case bytearray() | array():
                content: Any = found[:]
                self._set_back.append(lambda: found.__setitem__(slice(None), content))
            case random.Random() if not isinstance(found, random.SystemRandom):
                state = found.getstate()
                self._set_back.append(lambda: found.setstate(state))
            case set():
                yield from self._plain(found)
            case tuple():
                yield from found
            case functools.cached_property():
                yield from self._namespace(found.__dict__)
            case CACHE():
                if not found.cache_info().currsize:  # what was cached before cannot be put back
                    self._set_back.append(found.cache_clear)
                yield found.__wrapped__
            case functools.partial():
                yield from self._partial(found)

    def _is_of_others(self, found: Any) -> bool:
        """Whether an object, as a cache or a client, is of a class of an installed library."""
        kind = type(found)
        top = str(kind.__module__).partition(".")[0]
        known = top in sys.stdlib_module_names or top in LEFT_ALONE
        return not (known or issubclass(kind, type) or kind.__module__ in self._modules)

    def _is_ours(self, found: Any) -> bool:
        module = type(found).__module__
        if issubclass(type(found), type) or (module not in self._modules and module not in LIBRARY):
            return issubclass(type(found), defaultdict)
        if issubclass(type(found), threading.Thread):
            return found is not threading.main_thread() and not found.is_alive()
        return True

    def _namespace(self, names: dict[Any, Any]) -> Iterator[Any]:
        if id(names) in self._parts:
            return
        self._parts[id(names)] = names
        kind: Any = OrderedDict if isinstance(names, OrderedDict) else dict  # not what it overrides
        original: dict[Any, Any] = {}
        self._undo.append(lambda: kind.update(names, original))
        for name, value in list(kind.items(names)):
            ours = self._controlled(value)
            if ours is not value:
                original[name] = value
                kind.__setitem__(names, name, ours)
        found = self._found[id(names)] = dict(kind.items(names))

        def set_back() -> None:
            if not _same(names, found):
                kind.clear(names)
                kind.update(names, found)

        self._set_back.append(set_back)
        yield from (value for name, value in found.items() if name not in MACHINERY)

    def _class(self, owner: type) -> Iterator[Any]:
        for name, value in list(vars(owner).items()):
            ours = self._controlled(value)
            if ours is not value:
                setattr(owner, name, ours)
                self._undo.append(lambda name=name, value=value: setattr(owner, name, value))  # type: ignore[misc]
        found = dict(vars(owner))

        def set_back() -> None:
            now = vars(owner)
            if not _same(now, found):
                for name in [name for name in now if name not in found]:
                    delattr(owner, name)
                for name, value in found.items():
                    if now.get(name, self) is not value:
                        setattr(owner, name, value)

        self._set_back.append(set_back)
        yield from (value for name, value in found.items() if name not in MACHINERY)

    def _cell(self, cell: CellType) -> Iterator[Any]:
        if id(cell) in self._parts:
            return
        self._parts[id(cell)] = cell
        try:
            value = cell.cell_contents
        except ValueError:
            return
        ours = self._controlled(value)
        if ours is not value:
            self._undo.append(lambda: setattr(cell, "cell_contents", value))
        self._set_back.append(lambda: setattr(cell, "cell_contents", ours))
        yield ours

    def _defaults(self, function: FunctionType) -> Iterator[Any]:
        original = function.__defaults__
        ours = self._controlled(original)
        if ours is not original:
            function.__defaults__ = ours
            self._undo.append(lambda: setattr(function, "__defaults__", original))
        yield ours

    def _partial(self, found: Any) -> Iterator[Any]:
        function, arguments, options = found.func, found.args, found.keywords

        def give(arguments: Any) -> None:
            found.__setstate__((function, arguments, options, vars(found)))

        ours = self._controlled(arguments)
        if ours is not arguments:
            give(ours)
            self._undo.append(lambda: give(arguments))
        yield function
        yield ours
        yield from self._namespace(found.keywords)

    def _slots(self, found: Any) -> Iterator[Any]:
        """Take note of the attributes that stand in no ``__dict__``."""
        others = self._is_of_others(found)
        for owner in type(found).__mro__:
            if owner.__module__ in self._modules or owner is defaultdict or others:
                for slot in vars(owner).values():
                    if isinstance(slot, MemberDescriptorType):
                        yield from self._slot(found, slot)

    def _slot(self, found: Any, slot: MemberDescriptorType) -> Iterator[Any]:
        def put(value: Any) -> None:
            if value is not UNSET:
                slot.__set__(found, value)
            elif _held(slot, found) is not UNSET:
                slot.__delete__(found)

        original = _held(slot, found)
        ours = self._controlled(original)
        put(ours)
        self._undo.append(lambda: put(original))
        self._set_back.append(lambda: put(ours))
        yield ours

    def _sequence(self, items: Any) -> Iterator[Any]:
        kind: Any = list if isinstance(items, list) else deque
        original = list(items)
        found = [self._controlled(item) for item in original]

        def put(content: list[Any]) -> None:
            if len(items) != len(content) or not all(map(is_, items, content)):
                kind.clear(items)
                kind.extend(items, content)

        put(found)
        self._undo.append(lambda: put(original))
        self._set_back.append(lambda: put(found))
        yield from found

    def _plain(self, items: Any) -> Iterator[Any]:
        found = items.copy()

        def set_back() -> None:
            if items != found:
                items.clear()
                items.update(found)

        self._set_back.append(set_back)
        yield from ()

    def _controlled(self, value: Any) -> Any:
        """Return what stands for ``value`` during the exploration: mostly itself."""
        ours = self._replacements.get(id(value))
        if ours is not None:
            return ours
        if type(value) is BuiltinMethodType and issubclass(
            type(value.__self__), REAL_LOCK | REAL_RLOCK | REAL_QUEUE
        ):
            return getattr(self._adopt(value.__self__), value.__name__)
        if issubclass(type(value), tuple):
            return self._rebuild(value)
        if type(value) is itertools.count:
            return self._adopt(value)
        if issubclass(type(value), MethodWrapperType) and type(value.__self__) is itertools.count:
            return functools.partial(next, self._adopt(value.__self__))
        if issubclass(type(value), REAL_LOCK | REAL_RLOCK | REAL_QUEUE | REAL_LOCAL):
            return self._adopt(value)
        return value

    def _rebuild(self, found: Any) -> Any:
        """Return a tuple with controlled parts in the place of real ones; itself, if none is."""
        if id(found) not in self._rebuilt:
            items = [self._controlled(item) for item in found]
            ours = found
            if not all(map(is_, items, found)):
                ours = getattr(type(found), "_make", type(found))(items)
            self._rebuilt[id(found)] = found, ours
        return self._rebuilt[id(found)][1]

    def _adopt(self, real: Any) -> Any:
        """Return what stands for a real primitive, always the same for the same one."""
        if id(real) in self._adopted:
            return self._adopted[id(real)][1]
        made_at = ("outside", "", len(self._adopted))
        ours: Any
        if isinstance(real, REAL_QUEUE):
            items = [real.get_nowait() for _ in range(real.qsize())]
            for item in items:
                real.put(item)
            ours = SimpleQueue(self._scheduler, items)
        elif isinstance(real, itertools.count):
            ours = Count(real)
        elif isinstance(real, REAL_LOCAL):
            ours = Local(self._scheduler, real)
        else:
            if not real.acquire(blocking=False):
                raise UserError(
                    "a lock outside the program is held: release it before the program is explored"
                )
            real.release()
            ours = (Lock if isinstance(real, REAL_LOCK) else RLock)(self._scheduler, made_at)
        self._adopted[id(real)] = real, ours
        return ours


def _held(slot: MemberDescriptorType, found: Any) -> Any:
    try:
        return slot.__get__(found)
    except AttributeError:
        return UNSET


def _same(now: Mapping[Any, Any], found: Mapping[Any, Any]) -> bool:
    """Whether two namespaces bind the same names in the same order to the very same values."""
    return len(now) == len(found) and all(map(is_, now.values(), found.values()))

"""Drivers of one object: two threads that call its operations, a few each, in every combination.

What the calls return, and what is left, must be what some serial order of the calls gives: then the
object is linearizable, and nobody has to write down what is right.
"""

import ast
import contextlib
import inspect
import itertools
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conlab.errors import UserError
from conlab.explorer.outcomes import Returned
from conlab.explorer.serial import division

THREADS = 2
MOST_CALLS = 3  # of each thread
ADDRESS = re.compile(r"\bat 0x[0-9a-f]+")
PLAIN = (int, float, complex, str, bytes, bool, type(None))


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of a method: its name, and its arguments, which are given or are small numbers."""

    method: str
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    given: bool = False  # whether the arguments were written down

    def __str__(self) -> str:
        """Write the call as the source of a program would."""
        named = [f"{name}={value!r}" for name, value in self.options]
        return f"{self.method}({', '.join([*map(repr, self.arguments), *named])})"

    def on(self, thing: Any) -> str:
        """Call it, and say what came of that."""
        try:
            return Returned(
                _plain(getattr(thing, self.method)(*self.arguments, **dict(self.options)))
            ).text()
        except Exception as error:
            return f"raises {type(error).__name__}"


@dataclass(frozen=True, slots=True)
class Driver:
    """Calls to one object by several threads."""

    make: Callable[[], Any]
    threads: tuple[tuple[Operation, ...], ...]
    looks: tuple[Operation, ...]  # are called at the end, to see what is left

    def __str__(self) -> str:
        """Say who calls what."""
        calls = (", ".join(map(str, operations)) for operations in self.threads)
        return " beside ".join(f"[{each}]" for each in calls)

    def program(self) -> dict[str, Any]:
        """Have each thread make its calls, and return what all got."""
        return self._run(lambda: None)

    def serial(self) -> dict[str, Any]:
        """Do the same where each thread is one step, but for these places: what its calls are."""
        return self._run(lambda: division.between_calls())

    def _run(self, between_calls: Callable[[], None]) -> dict[str, Any]:
        thing = self.make()
        got: list[list[str]] = [[] for _ in self.threads]

        def work(operations: Sequence[Operation], mine: list[str]) -> None:
            for operation in operations:
                between_calls()
                mine.append(operation.on(thing))

        threads = [
            threading.Thread(target=work, args=each, name=f"thread-{number + 1}")
            for number, each in enumerate(zip(self.threads, got, strict=True))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcome: dict[str, Any] = {
            f"{thread.name} got": tuple(mine) for thread, mine in zip(threads, got, strict=True)
        }
        outcome["left"] = tuple(_left(thing))
        outcome["then"] = tuple(f"{look}: {look.on(thing)}" for look in self.looks)
        return outcome


def _left(thing: Any) -> Iterator[str]:
    """Say what can be seen of an object from outside: its length, and its public attributes."""
    if hasattr(type(thing), "__len__"):
        with contextlib.suppress(Exception):
            yield f"len: {len(thing)}"
    for name, value in sorted(getattr(thing, "__dict__", {}).items()):
        if not name.startswith("_") and isinstance(value, PLAIN):
            yield f"{name}: {value!r}"


def _plain(value: Any) -> Any:
    """Return a value that two executions can agree on: of what has an address, its kind."""
    match value:
        case list() | tuple() | set() | frozenset():
            items = [_plain(item) for item in value]
            return sorted(items, key=repr) if isinstance(value, set | frozenset) else items
        case dict():
            return {_plain(key): _plain(each) for key, each in value.items()}
        case _ if isinstance(value, PLAIN):
            return value
    text = repr(value)
    return f"<{type(value).__qualname__}>" if ADDRESS.search(text) else text


def drivers(
    make: Callable[[], Any], operations: Sequence[Operation], looks: Sequence[Operation]
) -> Iterator[Driver]:
    """Give all drivers of an object, those with the fewest calls first.

    Each ends with ``looks``: the operations that do not wait for anybody.

    Operations whose arguments nobody gave are called with 1, and then again with numbers of their
    own: so they meet at one key, and leave things that can be told apart.
    """
    seen = set()
    needing = any(each.arguments and not each.given for each in operations)
    lengths = itertools.product(range(1, MOST_CALLS + 1), repeat=THREADS)
    for shape in sorted(lengths, key=lambda shape: (sum(shape), shape[::-1])):
        if list(shape) != sorted(shape):
            continue  # the threads are alike
        for chosen in itertools.product(operations, repeat=sum(shape)):
            for distinct in (False, True)[: 1 + needing]:
                calls = _numbered(chosen) if distinct else list(chosen)
                threads = tuple(calls[: shape[0]]), tuple(calls[shape[0] :])
                key = frozenset([threads, threads[::-1]])
                if key not in seen:
                    seen.add(key)
                    yield Driver(make, threads, tuple(looks))


def _numbered(calls: Sequence[Operation]) -> list[Operation]:
    """Give each call that needs an argument a number of its own as the last one."""
    numbers = itertools.count(1)
    return [
        replace(call, arguments=(*call.arguments[:-1], next(numbers)))
        if call.arguments and not call.given
        else call
        for call in calls
    ]


def read_operations(text: str, thing: Any) -> list[Operation]:
    """Read ``put,get(1),close``: methods of ``thing``, with arguments or without.

    Raises UserError for what can be no call of it.
    """
    try:
        nodes = ast.parse(f"[{text}]", mode="eval").body
        assert isinstance(nodes, ast.List)
        read = [_operation(node, thing) for node in nodes.elts]
    except (SyntaxError, ValueError):
        raise UserError(
            f"--operations {text!r} are no names of methods: say put,get or put(1),get()"
        ) from None
    if not read:
        raise UserError("--operations names no method: say put,get")
    return read


def _operation(node: ast.expr, thing: Any) -> Operation:
    match node:
        case ast.Name(id=name):
            return Operation(name, (1,) * _required(thing, name))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            _required(thing, name)
            named = tuple((str(each.arg), ast.literal_eval(each.value)) for each in keywords)
            return Operation(name, tuple(map(ast.literal_eval, arguments)), named, given=True)
    raise ValueError


def _required(thing: Any, name: str) -> int:
    """Count the arguments that a method cannot do without."""
    method = getattr(thing, name, None)
    if not callable(method):
        known = [each for each in dir(thing) if not each.startswith("_")]
        raise UserError(
            f"{type(thing).__name__} has no method {name!r}: it has {', '.join(known) or 'none'}"
        )
    if inspect.iscoroutinefunction(method):
        raise UserError(f"{name!r} is async, and drivers are threads: name methods that are not")
    try:
        parameters = inspect.signature(method).parameters.values()
    except ValueError:  # of C
        return 0
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(
        each.default is inspect.Parameter.empty and each.kind in positional for each in parameters
    )

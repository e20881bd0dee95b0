"""Which libraries the blocking and the asynchronous half of a workload use to reach outside."""

import inspect
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from conlab.bench.discovery import Workload
from conlab.bench.evidence.stacks import is_own

REACH_OUT = {"ftplib", "http", "imaplib", "poplib", "smtplib", "socket", "sqlite3", "urllib"}
NO_CLIENTS = {"conlab", "workloads", "pytest", "_pytest"}
DEEPEST = 8  # calls from function to function within the reader's own files


def libraries(workload: Workload) -> tuple[frozenset[str], frozenset[str]]:
    """The libraries of ``work`` and of ``work_async``, or of their clients where they have one."""
    return (
        used_by(workload.hook("client") or workload.hook("work")),
        used_by(workload.hook("client_async") or workload.hook("work_async")),
    )


def used_by(function: Any) -> frozenset[str]:
    """The top-level names of the libraries that a function names, and those that it calls.

    Only the reader's own functions are followed. What a library is built on does not count
    beside it.
    """
    found: set[str] = set()
    _follow(function, found, set(), DEEPEST)
    return frozenset(found - REACH_OUT or found)


def _follow(thing: Any, found: set[str], seen: set[int], deepest: int) -> None:
    thing = inspect.unwrap(thing) if callable(thing) else thing
    code = getattr(thing, "__code__", None)
    if not isinstance(thing, FunctionType) or code is None or id(code) in seen or not deepest:
        return
    seen.add(id(code))
    for name in names_of(code):
        if library := _imported_here(name, thing):
            found.add(library)
        used = thing.__globals__.get(name)
        if used is None:
            continue
        module = used.__name__ if isinstance(used, ModuleType) else getattr(used, "__module__", "")
        if is_library(str(module)):
            found.add(top(str(module)))
        elif inspect.isclass(used):
            for method in vars(used).values():
                _follow(method, found, seen, deepest - 1)
        elif callable(used):
            _follow(used, found, seen, deepest - 1)


def names_of(code: CodeType) -> Iterator[str]:
    """The names that a function uses, those of the functions inside it included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_of(constant)


def _imported_here(name: str, function: FunctionType) -> str | None:
    """The library of that name if the function imports it itself."""
    known = name not in function.__globals__ and name in sys.modules
    return top(name) if known and is_library(name) else None


def top(module: str) -> str:
    """The first part of a dotted name."""
    return module.partition(".")[0]


def is_library(module: str) -> bool:
    """Say whether a module is somebody else's and may reach outside."""
    name = top(module)
    if name in sys.stdlib_module_names:
        return name in REACH_OUT
    file = getattr(sys.modules.get(name), "__file__", None)
    return bool(file) and not is_own(str(file)) and name not in NO_CLIENTS

"""Looks at each job of an inventory where it is done: its seconds, and what was imported for it.

A process or an interpreter of a pool is asked by the jobs that it does, since nothing else reaches
each of them. So each result brings along the modules that were new in its place.
"""

import inspect
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from conlab.bench.running import Timing, timed

Modules = list[tuple[str, str]]  # name and file of each

told: set[str] = set()  # the modules of this place that were told of already


@dataclass(frozen=True, slots=True)
class Where:
    """Which modules are told of: those below the folders, and the packages of these names."""

    folders: tuple[str, ...]
    packages: frozenset[str]

    def modules(self) -> Modules:
        """The modules here that have not been told of."""
        found = []
        for name, module in list(sys.modules.items()):
            if name in told:
                continue
            told.add(name)
            file = file_of(module)
            if file and (name.partition(".")[0] in self.packages or self.holds(file)):
                found.append((name, file))
        return found

    def holds(self, file: str) -> bool:
        """Whether a file lies below one of the folders, wherever links lead."""
        return os.path.realpath(file).startswith(self.folders)


def file_of(module: Any) -> str | None:
    """The file of a module; one that is loaded when it is first used stays unloaded."""
    try:
        file = object.__getattribute__(module, "__dict__").get("__file__")
    except AttributeError:  # anything may stand among the modules
        return None
    return file if isinstance(file, str) else None


@dataclass(frozen=True, slots=True)
class Told:
    """A job's timing, with the modules that are new where it was done."""

    timing: Timing
    modules: Modules


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Timed work that gives Told. Picklable where the work is."""

    work: Any
    where: Where

    def __call__(self, *args: Any) -> Told:
        """Do the job, then look."""
        return Told(self.work(*args), self.where.modules())


@dataclass(frozen=True, slots=True)
class WitnessedAsync:
    """The same for a coroutine function."""

    work: Any
    where: Where

    async def __call__(self, *args: Any) -> Told:
        """Do the job, then look."""
        return Told(await self.work(*args), self.where.modules())


def witnessed(work: Any, failure: Any, where: Where) -> Any:
    """``work``, whatever its kind, wrapped so that its results are Told.

    ``failure`` is the module that says what a failed job is.
    """
    watched = timed(work, failure)
    if isinstance(watched, tuple):
        fetch, compute = watched
        return fetch, Witnessed(compute, where)
    if inspect.iscoroutinefunction(work):
        return WitnessedAsync(watched, where)
    return Witnessed(watched, where)


def below(paths: Iterable[str]) -> tuple[str, ...]:
    """How the files below these folders begin."""
    return tuple(os.path.realpath(path).rstrip(os.sep) + os.sep for path in paths)

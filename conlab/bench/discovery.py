"""Finds workloads and models by their files, and pairs them into cells."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from conlab.bench import one_at_a_time, own_file

WORKLOADS = "workloads"  # the package, as a clone's own tests and benchmarks name it


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload's module, or why it cannot be imported here."""

    name: str
    module: ModuleType | None
    problem: str | None = None
    own: bool = False  # the reader's own file, and none of the suite's

    def hook(self, name: str, variant: str = "") -> Any:
        """The workload's function of that name, the variant's own if it has one; or None."""
        own = getattr(self.module, f"{name}_{variant}", None) if variant else None
        return own or getattr(self.module, name, None)

    def computes_only(self) -> bool:
        """Say whether its jobs never wait: such a workload has no coroutine."""
        return self.hook("work_async") is None and self.hook("client") is None

    def constants(self) -> dict[str, int | float | str]:
        """The constants of the module, to be recorded with what was measured."""
        return {
            name: value
            for name, value in vars(self.module).items()
            if name.isupper() and isinstance(value, int | float | str)
        }


@dataclass(frozen=True, slots=True)
class Model:
    """A concurrency model's module."""

    name: str
    module: ModuleType

    @property
    def failure(self) -> ModuleType:
        """The module beside it that says what a failed job is: ``Failure``, and how to get one."""
        return importlib.import_module(".failure", self.module.__package__)

    def functions(self) -> tuple[str, ...]:
        """The names of the workload's functions that it runs."""
        runs = self.module.RUNS
        return (runs,) if isinstance(runs, str) else tuple(runs)

    def settings(self) -> list[str]:
        """The names of the settings that the pool asks for."""
        return [name for name in inspect.signature(self.module.pool).parameters if name != "client"]

    def obeyed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """What the pool makes of the settings that it asks for, as the model says."""
        asked = {name: settings[name] for name in self.settings()}
        return asked | getattr(self.module, "obeyed", lambda **_: {})(**asked)

    def client_hook(self) -> str:
        """The name of the workload's function that gives its client."""
        return "client_async" if self.functions()[0].endswith("_async") else "client"


@dataclass(frozen=True, slots=True)
class Cell:
    """A workload under a model."""

    workload: Workload
    model: Model
    variant: str = ""
    level: str = ""  # such as workers=2, where it is not the run's own

    @property
    def label(self) -> str:
        """The row's name in the table."""
        return "_".join(filter(None, (self.model.name, self.variant)))

    @property
    def id(self) -> str:
        """The name as a test id."""
        return f"{self.workload.name}-{self.label}" + (f"@{self.level}" if self.level else "")

    @property
    def awaits_one_by_one(self) -> bool:
        """Say whether this is serial, of a workload that only an event loop can run."""
        work, work_async = (self.workload.hook(n, self.variant) for n in ("work", "work_async"))
        return self.model.name == "serial" and work is None and work_async is not None

    def work(self) -> Any:
        """What the model's ``run`` is to be given as ``work``."""
        if self.awaits_one_by_one:
            return one_at_a_time.Work(self.workload.hook("work_async", self.variant))
        functions = tuple(self.workload.hook(f, self.variant) for f in self.model.functions())
        return functions[0] if len(functions) == 1 else functions

    def client(self) -> Any:
        """The workload's client for this model, or None."""
        hook = "client_async" if self.awaits_one_by_one else self.model.client_hook()
        return self.workload.hook(hook, self.variant)

    def entered(self) -> Any:
        """What the model's pool is to enter: the client; for a loop in serial, that around it."""
        return one_at_a_time.client_of(self.client()) if self.awaits_one_by_one else self.client()

    def drive(self) -> Callable[..., Any]:
        """How the results come together: the model's own way in this workload, or the usual."""
        own = getattr(self.workload.module, self.label, None)
        drive: Callable[..., Any] = own or self.workload.hook("drive") or listed
        return drive

    def absent(self) -> str | None:
        """Why this cell cannot be, or None."""
        if self.workload.problem:
            return self.workload.problem
        if reason := self.model.module.absent():
            return str(reason)
        if self.awaits_one_by_one:
            return None
        for function in self.model.functions():
            if self.workload.hook(function, self.variant) is None:
                return f"has no {function}: {WHY_LACKING.get(function, 'the model runs that')}"
        return None


WHY_LACKING = {
    "work": "it has work_async() alone, which only an event loop can run",
    "work_async": "it never waits, so an event loop has nothing to overlap",
    "fetch_async": "it does not wait first and compute then, so there is nothing to divide",
}


def listed(run: Any, work: Any, jobs: Iterable[Any]) -> list[Any]:
    """The usual way for results to come together: a list."""
    return list(run(work, jobs))


def workloads() -> Iterator[Workload]:
    """The workloads of the suite, by name."""
    for name in modules_of(WORKLOADS):
        workload = suite_workload(name)
        if workload.problem or hasattr(workload.module, "jobs"):
            yield workload


def suite_workload(name: str) -> Workload:
    """The workload in the file of that name; ModuleNotFoundError if there is no such file."""
    try:
        return Workload(name, importlib.import_module(f"{WORKLOADS}.{name}"))
    except ImportError as error:
        if error.name == f"{WORKLOADS}.{name}":
            raise
        return Workload(name, None, f"{error} on this Python")


def modules_of(package: str) -> list[str]:
    """The names of the modules that lie in a package, sorted."""
    path = importlib.import_module(package).__path__
    return sorted(found.name for found in pkgutil.iter_modules(path) if not found.ispkg)


def models(package: str = WORKLOADS) -> Iterator[Model]:
    """The models of the suite, serial first; ``package`` is the workloads', by its name here."""
    found = []
    for name in modules_of(f"{package}.models"):
        model = suite_model(name, package)
        if hasattr(model.module, "pool"):
            found.append(model)
    return iter(sorted(found, key=lambda model: (model.name != "serial", model.name)))


def suite_model(name: str, package: str = WORKLOADS) -> Model:
    """The model in the file of that name; ModuleNotFoundError if there is no such file."""
    return Model(name, importlib.import_module(f"{package}.models.{name}"))


def own_workload(path: Path) -> Workload:
    """A reader's own file as a workload; raises UserError where it is none."""
    module = own_file.imported(path)
    own_file.refuse_shape(path, module)
    return Workload(path.stem, module, own=True)


def variants(workload: Workload, model: Model) -> list[str]:
    """The names of the ways in which the workload differs under this model."""
    if workload.module is None:
        return []
    found = set()
    for name in dir(workload.module):
        for stem in (*model.functions(), model.name):
            variant = name.removeprefix(f"{stem}_")
            if variant != name and not variant.startswith("async"):
                found.add(variant)
    return sorted(found)


def cells(workload: Workload, models: Iterable[Model]) -> list[Cell]:
    """The cells of one workload, serial's first."""
    return [
        Cell(workload, model, variant)
        for model in models
        for variant in ("", *variants(workload, model))
    ]

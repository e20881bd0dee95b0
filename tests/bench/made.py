"""Figures made by hand, and what stands in for pytest's own objects, for the tests of the bench."""

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from conlab.bench import leading
from conlab.bench.contention import Contention
from conlab.bench.costs import Cost
from conlab.bench.discovery import Cell, Model, Workload
from conlab.bench.floors import Floor
from conlab.bench.measured import Measured
from conlab.bench.report import Group
from conlab.bench.settings import Settings
from conlab.bench.words import MEBI
from workloads.models import processes, serial, threads

ROOT = Path(__file__).resolve().parent.parent.parent

# The command of a run in a process of its own; hypothesis alone takes a second to import.
# Without the plugins that a child does not need, and that take as long to import as all the rest.
UNUSED = ("cacheprovider", "hypothesispytest", "respx", "anyio")
PYTEST = (sys.executable, "-m", "pytest", *(f"-pno:{plugin}" for plugin in UNUSED))

SERIAL = Model("serial", serial)
THREADS = Model("threads", threads)
PROCESSES = Model("processes", processes)

VISITS = 3  # of each cell


def module(name: str, **contents: Any) -> ModuleType:
    """A module that lies in no file."""
    made = ModuleType(name)
    vars(made).update(contents)
    return made


def workload(name: str = "my_job", **contents: Any) -> Workload:
    """A workload with one job that gives itself, or with what is given."""
    contents = {"jobs": lambda: iter(range(4)), "work": lambda job: job} | contents
    # So that a worker that is asked to import it can: it is the name of a module that is there.
    return Workload(name, module("string", **contents))


def model(name: str, run: Callable[[Any, Iterable[Any]], Iterator[Any]]) -> Model:
    """A model that runs jobs in a way of its own."""

    @contextmanager
    def pool(client: Any) -> Iterator[Any]:  # noqa: ARG001  # the contract has it
        yield run

    return Model(name, beside_the_models(name, absent=lambda: None, pool=pool))


def beside_the_models(name: str, **contents: Any) -> ModuleType:
    """The module of a model, with the suite's own idea of a failed job beside it."""
    return module(name, __package__=serial.__package__, RUNS="work", **contents)


def settings(**changes: Any) -> Settings:
    """The settings of a run with serial and threads, and what is changed."""
    usual = Settings(
        workloads=(),
        models=(SERIAL, THREADS),
        in_flight=4,
        workers=2,
        start_method="forkserver",
        loop="asyncio",
        cluster="local",
        jobs=None,
        latency=0.001,
        images=None,
        texts=None,
        site=None,
        urls=None,
    )
    return replace(usual, **changes)


def cell(label: str, name: str = "count_words") -> Cell:
    """The cell of that label: model and variant."""
    model_name, _, variant = label.partition("_")
    stands_in = Model(model_name, beside_the_models(model_name, pool=serial.pool))
    return Cell(workload(name), stands_in, variant)


def measured(
    label: str,
    seconds: float,
    *,
    name: str = "count_words",
    jobs: int = 10,
    failed: int = 0,
    cores: float = 1.0,
    ready: float = 0.0,
    in_flight: float = 1.0,
    memory: float = 0.0,
    origin: float = 0.0,
    floor: Floor | None = Floor(),  # noqa: B008  # frozen
    tracers: tuple[str, ...] = (),
    contention: Contention | None = None,
) -> Measured:
    """The figures of a cell: ``cores`` and ``origin`` busy, ``ready`` as a share, memory in MiB."""
    return Measured(
        cell=cell(label, name),
        settings={},
        rounds=(seconds,) * 3,
        jobs=jobs,
        failed=failed,
        start=0.0,
        stop=0.0,
        job_seconds=(in_flight * seconds / jobs,) * jobs,
        repeats=1,
        cost=Cost(seconds, cores * seconds, ready * seconds, int(memory * MEBI)),
        cpu_origin=origin * seconds,
        memory_before=0,
        floor=floor,
        sizes={},
        tracers=tracers,
        visits=(seconds,) * VISITS,
        contention=contention,
    )


def group(*cells: Measured, again: float | None = 1.0, cores: int = 2) -> Group:
    """A workload's cells. Their visits differ so that ``again`` less 1 is the noise.

    If it is None, each was visited once. Only serial's visits differ, so it stands apart from them.
    """
    found = list(cells)
    for at, one in enumerate(cells):
        if again is None:
            found[at] = replace(one, visits=one.visits[:1])
        elif one.cell.label == "serial" and len(cells) > 1:
            critical = leading.critical_difference(len(cells), VISITS, leading.ALPHA)
            off = math.sqrt(len(cells) * VISITS / 2) * math.log(again) / critical
            factors = (math.exp(off), math.exp(-off), 1.0)
            visits = tuple(seconds * f for seconds, f in zip(one.visits, factors, strict=True))
            found[at] = replace(one, visits=visits)
    return Group(cells[0].cell.workload.name, tuple(found), cores)


def crowded(others: float | None = 1.0, **changes: Any) -> Contention:
    """What a second on two cores shows, of which others took so many; and what is changed."""
    usual: dict[str, Any] = {
        "wall": 1.0,
        "cores": 2,
        "own": 0.5,
        "others": others,
        "stolen": 0.0,
        "idle": 0.0,
        "ready": 0.9,
        "throttled": 0.0,
    }
    return Contention(**(usual | changes))


class Stopwatch:
    """Stands in for pytest-benchmark's fixture, which pytest's own run has switched off."""

    def __init__(self, disabled: bool = False) -> None:
        self.disabled = disabled
        self._timer = time.perf_counter
        self.group = ""
        self.extra_info: dict[str, Any] = {}
        self.stats = SimpleNamespace(stats=SimpleNamespace(data=[]))

    def pedantic(
        self,
        target: Callable[[], Any],
        setup: Callable[[], Any] = nullcontext,
        teardown: Callable[[], Any] = nullcontext,
        rounds: int = 1,
        warmup_rounds: int = 0,
    ) -> None:
        """Time the rounds; as the original, once and without teardown if disabled."""
        if self.disabled:
            setup()
            target()
            return
        for number in range(-warmup_rounds, rounds):
            setup()
            began = self._timer()
            target()
            if number >= 0:
                self.stats.stats.data.append(self._timer() - began)
            teardown()

"""The process that runs one cell of one side: ``python -m conlab.versus.pairs.worker``.

Orders come in and replies go out as JSON lines, through stdin and what was stdout; what a workload
prints goes to stderr. It runs the side's workloads on the side's Python, and ends with its parent.
"""

import gc
import itertools
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from conlab.bench import costs, discovery, inputs
from conlab.bench.discovery import Cell, Model, Workload
from conlab.bench.running import CellAbsent, OpenCell, opened
from conlab.bench.settings import gil_enabled, python_build
from conlab.errors import UserError
from conlab.versus.pairs import fingerprints
from conlab.versus.pairs.clock import TreeClock
from conlab.versus.pairs.peak import Peak

SIZING = 0.3  # seconds of a run that is long enough to tell how long a job takes
MOST_RUNS = 1000  # of all jobs in a round
FEW_JOBS = 8  # from which to see whether the jobs wait


def main() -> None:
    """Obey orders until there are no more."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as replies:
        os.dup2(2, 1)

        def reply(**said: Any) -> None:
            replies.write(json.dumps(said) + "\n")
            replies.flush()

        orders = received()
        try:
            for order in iter(orders.get, None):
                obey(order, orders, reply)
        except CellAbsent as reason:
            reply(absent=str(reason))
        except UserError as mistake:
            reply(mistake=str(mistake))
        except Exception as error:
            reply(mistake=f"{type(error).__name__}: {error}")


def received(source: int = 0) -> "queue.SimpleQueue[dict[str, Any] | None]":
    """The orders as they come, read by a thread that ends this process when its parent is gone.

    ``source`` is the file descriptor that they come from.
    """
    orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def read() -> None:
        unread = b""
        while chunk := os.read(
            source, 65536
        ):  # no buffered file: a forked child would share its lock
            *lines, unread = (unread + chunk).split(b"\n")
            for line in lines:
                orders.put(json.loads(line))
        if sys.platform != "win32" and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # the workers of the pool, too
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    return orders


def obey(order: dict[str, Any], orders: Any, reply: Callable[..., None]) -> None:
    """Carry out an order; opening a cell takes the orders that follow."""
    match order["do"]:
        case "survey":
            reply(**surveyed(order))
        case "open":
            run_cell(order, orders, reply)
        case "end":
            orders.put(None)


def surveyed(order: dict[str, Any]) -> dict[str, Any]:
    """What the side has: its cells, why some are absent, what their jobs ask for, its libraries."""
    import importlib.metadata  # not for each pair

    models = list(discovery.models())
    found = {}
    for name, own in order["workloads"].items():
        try:
            workload = load(name, own)
            found[name] = {
                "asks": sorted(inputs.asked_by(workload)) if workload.module else [],
                "problem": workload.problem,
                "cells": cells_of(workload, models),
            }
        except ModuleNotFoundError as error:
            if error.name != f"workloads.{name}":
                raise
            found[name] = {"asks": [], "problem": None, "cells": {}}
        except Exception as error:
            problem = str(error) if isinstance(error, UserError) else said(error)
            found[name] = {"asks": [], "problem": problem, "cells": {}}
    libraries = {
        str(one.metadata["Name"]): one.version
        for one in reversed(list(importlib.metadata.distributions()))  # the first found counts
    }
    return {
        "python": python_build(),
        "gil": gil_enabled(),
        "libraries": libraries,
        "workloads": found,
    }


def cells_of(workload: Workload, models: list[Model]) -> dict[str, str | None]:
    """Each cell's label, with the reason if it is absent."""
    cells = [
        Cell(workload, model, variant)
        for model in models
        for variant in ("", *discovery.variants(workload, model))
    ]
    return {cell.label: cell.absent() for cell in cells}


def load(name: str, own: str | None) -> Workload:
    """The side's workload. Raises UserError, or what its import raised."""
    return discovery.own_workload(Path(own)) if own else discovery.suite_workload(name)


def said(error: Exception) -> str:
    """An exception in a line."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def opened_cell(order: dict[str, Any]) -> tuple[Cell, Callable[[], Iterator[Any]]]:
    """The cell that is asked for, and its jobs."""
    workload = load(order["workload"], order["own"])
    model = discovery.suite_model(order["model"])
    values = {name: decoded(value) for name, value in order["values"].items()}
    if order["folder"] and "folder" in values:
        values["folder"] = Path(order["folder"])
        values["folder"].mkdir(parents=True, exist_ok=True)
    make = workload.hook("jobs")
    return Cell(workload, model, order["variant"]), lambda: iter(make(**values))


def decoded(value: Any) -> Any:
    """A value as ``jobs()`` wants it: JSON knows neither paths nor tuples."""
    match value:
        case {"path": str() as path}:
            return Path(path)
        case list():
            return tuple(value)
    return value


def run_cell(order: dict[str, Any], orders: Any, reply: Callable[..., None]) -> None:
    """Open the cell's pool, and run its jobs in rounds as long as that is what is asked."""
    if order["core"] is not None:
        stay_on(order["core"])
    memory, began = Peak(), time.perf_counter()
    load(order["workload"], order["own"])
    importing = time.perf_counter() - began
    cell, jobs = opened_cell(order)
    with opened(cell, jobs, order["settings"]) as open_cell:
        runner = Runner(open_cell, order["folder"])
        for asked in iter(orders.get, None):
            match asked["do"]:
                case "see whether it waits":
                    reply(waiting=runner.waiting_share())
                case "size":
                    reply(**runner.size(**asked["sizes"]))
                case "first job":
                    reply(wall=runner.run_some(1)[1])
                case "figures":
                    reply(memory=memory.bytes(), importing=importing)
                case "warm up":
                    reply(**runner.warm_up(asked["jobs"], asked["runs"]))
                case "round":
                    reply(**runner.round(asked["runs"]))
                case "show":
                    reply(text=runner.text[: fingerprints.LONGEST])
                case "end":
                    break
    orders.put(None)


def stay_on(core: int) -> None:
    """Let this thread run on that core only, where the system has a way to say so."""
    with suppress(AttributeError, OSError):
        psutil.Process().cpu_affinity([core])


class Runner:
    """Runs the jobs of an open cell, in rounds of several runs of all of them."""

    def __init__(self, open_cell: OpenCell, folder: str | None) -> None:
        self.open_cell = open_cell
        self.all_jobs = open_cell.jobs
        self.folder = Path(folder) if folder else None
        self.clock = TreeClock()
        self.text = ""

    def waiting_share(self) -> float:
        """The share of their time that a few jobs wait."""
        self.open_cell.jobs = lambda: itertools.islice(self.all_jobs(), FEW_JOBS)
        before = costs.own_seconds()
        self.open_cell.plain()
        return costs.waiting_since(before)

    def size(self, lasting: float, most: int | None, least: int | None) -> dict[str, Any]:
        """How many jobs, and how many runs of them, make a round ``lasting`` these seconds.

        ``most`` jobs, or fewer if ``least`` is given, but not fewer than that.
        """
        jobs = most
        self.run_some(least or most)  # cold
        drawn, seconds = self.run_some(least or most)
        if least:
            asked = least
            while seconds < SIZING and drawn == asked != most:  # a model may draw them all at once
                asked = min(2 * asked, most or sys.maxsize)
                drawn, seconds = self.run_some(asked)
            if seconds > lasting:
                jobs = min(drawn, max(least, round(drawn * lasting / seconds)))
                seconds *= jobs / drawn
        return {
            "jobs": jobs,
            "runs": max(1, min(MOST_RUNS, round(lasting / seconds))),
            "seconds": seconds,
        }

    def run_some(self, most: int | None) -> tuple[int, float]:
        """Run that many jobs, or all that there are: how many, and how long they took."""
        drawn = 0

        def jobs() -> Iterator[Any]:
            nonlocal drawn
            for job in itertools.islice(self.all_jobs(), most):
                drawn += 1
                yield job

        self.empty_folder()
        self.open_cell.jobs = jobs
        began = time.perf_counter()
        self.open_cell.plain()
        if not drawn:
            raise UserError("jobs() gave no job; it should yield at least one")
        return drawn, time.perf_counter() - began

    def warm_up(self, jobs: int | None, runs: int) -> dict[str, Any]:
        """An untimed round, of which the first run is looked at closely."""
        self.open_cell.jobs = lambda: itertools.islice(self.all_jobs(), jobs)
        self.empty_folder()
        result, tally = self.open_cell.counting()
        self.text = fingerprints.plain_text(result)
        if tally.unawaited:
            raise UserError("work() gave a coroutine that nobody awaited")
        if tally.jobs and tally.failed == tally.jobs:
            first = tally.first_failure
            raise UserError(f"every job failed, the first with {first.type}: {first.message}")
        for _ in range(runs - 1):
            self.empty_folder()
            self.open_cell.plain()
        gc.collect()
        gc.freeze()  # what is there to stay: each round then collects in no time
        return {"digest": fingerprints.digest(self.text), "jobs": tally.jobs}

    def round(self, runs: int) -> dict[str, Any]:
        """The seconds and the CPU seconds of a round, and what its last run gave."""
        wall = cpu = 0.0
        result: Any = None
        gc.collect()
        self.clock.look()
        for _ in range(runs):
            self.empty_folder()
            used = self.clock.seconds()
            began = time.perf_counter()
            result = self.open_cell.plain()
            wall += time.perf_counter() - began
            cpu += max(0.0, self.clock.seconds() - used)
        cpu += self.clock.look()
        self.text = fingerprints.plain_text(result)
        return {"wall": wall, "cpu": cpu, "digest": fingerprints.digest(self.text)}

    def empty_folder(self) -> None:
        """Remove what the jobs have written."""
        if self.folder and self.folder.is_dir():
            inputs.empty(self.folder)


if __name__ == "__main__":
    main()

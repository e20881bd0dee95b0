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
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import psutil

from conlab.bench import costs, discovery, inputs, layout
from conlab.bench.discovery import Cell, Model, Workload
from conlab.bench.running import CellAbsent, OpenCell, opened
from conlab.bench.settings import gil_enabled, python_build
from conlab.errors import UserError
from conlab.versus.pairs import fingerprints, inventory
from conlab.versus.pairs.clock import TreeClock
from conlab.versus.pairs.peak import Peak
from conlab.versus.pairs.witness import Where, below

MOST_RUNS = 1000  # of all jobs in a round
FEW_LETTERS = 40  # of a job that is named
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
    found: dict[str, dict[str, Any]] = {}
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
        "packages": sorted(packages_from(order["tree"], set(order["projects"]))),
        "workloads": found,
    }


def packages_from(tree: str | None, projects: set[str]) -> Iterator[str]:
    """The packages that are installed here from the tree, or that are the projects' own."""
    import importlib.metadata

    for one in importlib.metadata.distributions() if tree else ():
        if (os.path.realpath(str(one.locate_file(""))) + os.sep).startswith(below([str(tree)])):
            continue  # what a build left in the tree itself
        origin = one.read_text("direct_url.json") or ""
        address = json.loads(origin).get("url", "") if origin else ""
        place = url2pathname(urlsplit(address).path) if address.startswith("file:") else ""
        here = place and (os.path.realpath(place) + os.sep).startswith(below([str(tree)]))
        if here or layout.normalized(str(one.metadata["Name"])) in projects:
            for file in one.files or ():
                name = file.parts[0].partition(".")[0]
                if file.suffix in (".py", ".so", ".pyd") and name and "editable" not in name:
                    yield name


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
                case "inventory":
                    reply(**runner.inventory(**asked["how"]))
                case "size":
                    reply(**runner.size(**asked["how"]))
                case "first job":
                    reply(wall=runner.run_first())
                case "figures":
                    reply(memory=memory.bytes(), importing=importing)
                case "warm up":
                    reply(**runner.warm_up(asked["rounds"]))
                case "round":
                    reply(**runner.round(asked["jobs"], asked["runs"]))
                case "describe":
                    reply(jobs=runner.described(asked["jobs"]))
                case "show":
                    reply(text=runner.shown(asked.get("jobs")))
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
        self.taken: dict[int, Any] = {}  # jobs by their numbers
        self.text = ""

    def waiting_share(self) -> float:
        """The share of their time that a few jobs wait."""
        self.open_cell.jobs = lambda: itertools.islice(self.all_jobs(), FEW_JOBS)
        before = costs.own_seconds()
        self.open_cell.plain()
        return costs.waiting_since(before)

    def run_first(self) -> float:
        """The seconds that the first job takes, while all is cold."""
        self.open_cell.jobs = lambda: itertools.islice(self.all_jobs(), 1)
        self.empty_folder()
        began = time.perf_counter()
        self.open_cell.plain()
        return time.perf_counter() - began

    def inventory(
        self, most: int | None, limit: float, folders: list[str], packages: list[str]
    ) -> dict[str, Any]:
        """Run all jobs, or ``most``, or as many as begin within ``limit`` seconds, and tell all."""
        self.empty_folder()
        where = Where(below(folders), frozenset(packages))
        return asdict(inventory.take(self.open_cell, self.all_jobs, most, limit, where))

    def take(self, numbers: Iterable[int]) -> None:
        """Have the jobs of these numbers at hand, so that to draw them takes no time in a round."""
        wanted = set(numbers) - self.taken.keys()
        if wanted:
            drawn = enumerate(itertools.islice(self.all_jobs(), max(wanted) + 1))
            self.taken |= {number: job for number, job in drawn if number in wanted}
        if lacking := wanted - self.taken.keys():
            raise UserError(
                f"jobs() gave fewer jobs than before: there is no job {min(lacking) + 1}"
            )

    def choose(self, numbers: list[int] | None) -> None:
        """Let the next runs be of these jobs, or of all."""
        if numbers is None:
            self.open_cell.jobs = self.all_jobs
        else:
            self.take(numbers)
            jobs = [self.taken[number] for number in numbers]
            self.open_cell.jobs = lambda: iter(jobs)

    def size(self, numbers: list[int] | None, lasting: float, least: int) -> dict[str, Any]:
        """How many of the jobs, and how many runs of them, make a round ``lasting`` these seconds.

        No fewer than ``least``, or than there are.
        """
        count = len(numbers or ())
        asked = min(least, count)
        self.timed_run(numbers and numbers[:asked])  # cold
        seconds = self.timed_run(numbers and numbers[:asked])
        while numbers and seconds < lasting and asked < count:
            asked = min(count, max(2 * asked, 1))
            seconds = self.timed_run(numbers[:asked])
        size = asked
        if asked > least and seconds > lasting:
            size = min(asked, max(least, round(asked * lasting / seconds)))
            seconds *= size / asked
        return {
            "size": size,
            "runs": max(1, min(MOST_RUNS, round(lasting / max(seconds, 1e-9)))),
            "seconds": seconds,
        }

    def timed_run(self, numbers: list[int] | None) -> float:
        """The seconds of a run of these jobs."""
        self.choose(numbers)
        self.empty_folder()
        began = time.perf_counter()
        self.open_cell.plain()
        return time.perf_counter() - began

    def warm_up(self, rounds: list[tuple[list[int] | None, int]]) -> dict[str, Any]:
        """Untimed rounds, of which the first run is looked at closely; gives all their results."""
        texts = []
        for numbers, runs in rounds:
            self.choose(numbers)
            self.empty_folder()
            result, tally = self.open_cell.counting()
            texts.append(fingerprints.plain_text(result))
            if tally.unawaited:
                raise UserError("work() gave a coroutine that nobody awaited")
            for _ in range(runs - 1):
                self.empty_folder()
                self.open_cell.plain()
        self.text = "\n".join(texts)
        gc.collect()
        gc.freeze()  # what is there to stay: each round then collects in no time
        return {"digest": fingerprints.digest(self.text)}

    def round(self, numbers: list[int] | None, runs: int) -> dict[str, Any]:
        """The seconds and the CPU seconds of a round, and what its last run gave."""
        wall = cpu = 0.0
        result: Any = None
        self.choose(numbers)
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

    def described(self, numbers: list[int]) -> list[str]:
        """The jobs in a few letters each."""
        self.take(numbers)
        return [shortened(repr(self.taken[number])) for number in numbers]

    def shown(self, numbers: list[int] | None) -> str:
        """What the last run gave, or a run of these jobs."""
        if numbers is not None:
            self.choose(numbers)
            self.empty_folder()
            self.text = fingerprints.plain_text(self.open_cell.plain())
        return self.text[: fingerprints.LONGEST]

    def empty_folder(self) -> None:
        """Remove what the jobs have written."""
        if self.folder and self.folder.is_dir():
            inputs.empty(self.folder)


def shortened(text: str) -> str:
    """A text of a few letters."""
    return text if len(text) <= FEW_LETTERS else f"{text[: FEW_LETTERS - 1]}…"


if __name__ == "__main__":
    main()

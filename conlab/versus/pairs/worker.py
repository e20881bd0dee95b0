"""The process that runs one cell of one side: ``python -m conlab.versus.pairs.worker``.

Orders come in and replies go out as JSON lines, through stdin and what was stdout; what a workload
prints goes to stderr. It runs the side's workloads on the side's Python, and ends with its parent.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from conlab.bench import discovery, inputs, layout
from conlab.bench.discovery import Cell, Model, Workload
from conlab.bench.running import CellAbsent, opened
from conlab.bench.settings import gil_enabled, python_build
from conlab.errors import UserError
from conlab.versus.pairs import here
from conlab.versus.pairs.peak import Peak
from conlab.versus.pairs.runner import Runner
from conlab.versus.pairs.witness import below


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
    return {
        "python": python_build(),
        "gil": gil_enabled(),
        "libraries": here.libraries(),
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
        from_tree = place and (os.path.realpath(place) + os.sep).startswith(below([str(tree)]))
        if from_tree or layout.normalized(str(one.metadata["Name"])) in projects:
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
        here.stay_on(order["core"])
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


if __name__ == "__main__":
    main()

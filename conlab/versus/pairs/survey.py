"""What both sides have, asked before anything is measured: do their cells fit together?"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from conlab.bench.layout import project_names
from conlab.bench.settings import Settings
from conlab.versus.pairs.worker_process import SideFailed, Worker
from conlab.versus.sides.environments import NOT_MIRRORED as TOOLS
from conlab.versus.sides.side import Side


@dataclass(frozen=True, slots=True)
class Survey:
    """What a side told: its build of Python, its libraries, and its workloads.

    ``packages`` are those installed from the reader's repository, as they are imported.
    Of a workload: what its ``jobs()`` asks for, why it cannot be imported if so, and its cells,
    each by its label with the reason why it is absent, or None.
    """

    side: Side
    python: str
    gil: bool
    libraries: dict[str, str]
    workloads: dict[str, dict[str, Any]]
    packages: Sequence[str] = ()


def surveys(sides: tuple[Side, Side], settings: Settings) -> tuple[Survey, Survey]:
    """What both sides tell. Raises SideFailed where one cannot tell of any workload."""
    names = [workload.name for workload in settings.workloads]
    with ExitStack() as stack:
        asked = [stack.enter_context(asking(side, names)) for side in sides]  # both at once
        found = []
        for side, worker in zip(sides, asked, strict=True):
            try:
                found.append(Survey(side, **worker.answer()))
            except SideFailed:
                if len(names) < 1:
                    raise
                found.append(one_by_one(side, names))
        return found[0], found[1]


@contextmanager
def asking(side: Side, names: Sequence[str]) -> Iterator[Worker]:
    """A worker that was asked what the side has of these workloads."""
    there = {
        name: str(side.own[name]) if name in side.own else None
        for name in names
        if name not in side.lacks
    }
    projects = project_names(side.copy or side.tree) if side.tree else set()
    worker = Worker(side, {})
    try:
        worker.tell(
            "survey",
            workloads=there,
            tree=str(side.tree) if side.tree else None,
            projects=sorted(projects),
        )
        yield worker
    finally:
        worker.kill()


def one_by_one(side: Side, names: Sequence[str]) -> Survey:
    """What a side tells of each workload for itself: the import of one ends the process, or hangs.

    Raises SideFailed where it can tell of none, not even of no workload at all.
    """
    with asking(side, ()) as worker:
        whole = Survey(side, **worker.answer())
    for name in names:
        with asking(side, (name,)) as worker:
            try:
                whole.workloads.update(worker.answer()["workloads"])
            except SideFailed as failure:
                problem = str(failure).removeprefix(f"{side.name}: ")
                whole.workloads[name] = {"asks": [], "problem": problem, "cells": {}}
    return whole


def only_on(surveys: tuple[Survey, Survey], workload: str, label: str) -> str | None:
    """Say that a cell is *new*, or *gone*, where one of the sides has nothing of that name."""
    old, new = (survey.workloads.get(workload) for survey in surveys)
    for one, other, word in ((old, new, "new"), (new, old, "gone")):
        here = other is not None and (other["problem"] or label in other["cells"])
        if here and not (one and (one["problem"] or label in one["cells"])):
            side = surveys[word == "gone"].side
            file = side.lacks.get(workload)
            what = (
                f"no file {file}"
                if file
                else f"no {workload}" + (f" under {label}" if one and one["cells"] else "")
            )
            return f"{word}: {side.name} has {what}"
    return None


def absent(
    surveys: tuple[Survey, Survey], workload: str, label: str, given: set[str]
) -> str | None:
    """Why a cell is not there to be compared, or None. ``given`` is what ``jobs()`` can have.

    Raises SideFailed where a side should have the cell and fails to.
    """
    if said := only_on(surveys, workload, label):
        return said
    found = [survey.workloads.get(workload) for survey in surveys]
    old, new = found
    if old is None or new is None:
        return f"neither side has a {workload}"
    if old["problem"] and new["problem"]:
        return str(new["problem"])
    for survey, one in zip(surveys, (old, new), strict=True):
        name = survey.side.name
        if one["problem"]:
            raise SideFailed(f"{name}: {workload} cannot be imported: {one['problem']}")
        if label not in one["cells"]:
            return f"{name} has no {workload}" + (f" under {label}" if one["cells"] else "")
        if reason := one["cells"][label]:
            return f"{name}: {reason}"
        if unknown := set(one["asks"]) - given:
            raise SideFailed(
                f"{name}: jobs() of {workload} asks for {min(unknown)!r}, which the working tree"
                " does not give: so the two cannot be given the same work"
            )
    return None


def gone(surveys: tuple[Survey, Survey]) -> list[str]:
    """The cells of the workloads asked for that the new side has no longer, by their names."""
    old, new = surveys
    return [
        f"{workload}-{label}"
        for workload, one in old.workloads.items()
        for label, reason in one["cells"].items()
        if reason is None and workload in new.workloads
        if label not in new.workloads[workload]["cells"] and not new.workloads[workload]["problem"]
    ]


def differing_libraries(surveys: tuple[Survey, Survey]) -> list[str]:
    """Libraries of which the sides have different versions, in words."""
    old, new = (survey.libraries for survey in surveys)
    return [
        f"{name} {old[name]} → {new[name]}"
        for name in sorted(old.keys() & new.keys(), key=str.lower)
        if old[name] != new[name] and name.lower() not in TOOLS
    ]

"""What both sides have, asked before anything is measured: do their cells fit together?"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from conlab.bench.settings import Settings
from conlab.versus.pairs.worker_process import SideFailed, Worker
from conlab.versus.sides.environments import NOT_MIRRORED as TOOLS
from conlab.versus.sides.side import Side


@dataclass(frozen=True, slots=True)
class Survey:
    """What a side told: its build of Python, its libraries, and its workloads.

    Of a workload: what its ``jobs()`` asks for, why it cannot be imported if so, and its cells,
    each by its label with the reason why it is absent, or None.
    """

    side: Side
    python: str
    gil: bool
    libraries: dict[str, str]
    workloads: dict[str, dict[str, Any]]


def surveys(sides: tuple[Side, Side], settings: Settings) -> tuple[Survey, Survey]:
    """What both sides tell. Raises SideFailed."""
    with ExitStack() as stack:
        workers = []
        for side in sides:
            worker = Worker(side, {})
            stack.callback(worker.kill)
            names = [workload.name for workload in settings.workloads]
            own = {name: str(side.own[name]) if name in side.own else None for name in names}
            worker.tell("survey", workloads=own)
            workers.append(worker)
        one, other = (Survey(worker.side, **worker.answer()) for worker in workers)
        return one, other


def absent(
    surveys: tuple[Survey, Survey], workload: str, label: str, given: set[str]
) -> str | None:
    """Why a cell is not there to be compared, or None. ``given`` is what ``jobs()`` can have.

    Raises SideFailed where a side should have the cell and fails to.
    """
    found = [survey.workloads[workload] for survey in surveys]
    problems = [one["problem"] for one in found]
    if all(problems):
        return str(problems[1])
    for survey, one in zip(surveys, found, strict=True):
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


def differing_libraries(surveys: tuple[Survey, Survey]) -> list[str]:
    """Libraries of which the sides have different versions, in words."""
    old, new = (survey.libraries for survey in surveys)
    return [
        f"{name} {old[name]} → {new[name]}"
        for name in sorted(old.keys() & new.keys(), key=str.lower)
        if old[name] != new[name] and name.lower() not in TOOLS
    ]

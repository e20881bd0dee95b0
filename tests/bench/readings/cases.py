"""Figures of a workload, made by hand or written down before, for the tests of the readings."""

from dataclasses import replace
from typing import Any

from conlab.bench.readings.figures import Alone, Case, Looks, Row


def row(label: str, seconds: float, **changes: Any) -> Row:
    """A row with ten jobs of 0.1 s each; in other processes, two of them."""
    apart = label.startswith(("processes", "cluster"))
    usual = Row(
        label=label,
        seconds=seconds,
        spread=0.01,
        at_once=1 if label.startswith("serial") else 2 if apart else 32,
        processes=2 if apart else 1,
        in_flight=1.0,
        job=0.1,
        cpu=0.01,
        cores=0.01 / seconds,
        ready=None if apart else 0.0,
    )
    return replace(usual, **changes)


def alone(**changes: Any) -> Alone:
    """Serial's ten jobs, which wait for 0.1 s each."""
    return replace(Alone(waiting=0.99, ready=0.0, making=0.0, jobs=(0.1,) * 10), **changes)


def case(*rows: Row, **changes: Any) -> Case:
    """A case of these rows, the fastest first; serial took 1 s, unless it is given."""
    found = [*rows]
    if not any(one.label == "serial" for one in rows):
        found.append(row("serial", 1.0))
    usual = Case(
        name="my_job",
        cores=2,
        job_count=10,
        in_flight=32,
        rows=tuple(sorted(found, key=lambda one: one.seconds)),
        alone=alone(),
    )
    return replace(usual, **changes)


def looks(busy: int, idle: int = 0, **changes: Any) -> Looks:
    """Looks that mostly saw one line."""
    at: dict[str, Any] = {"at_most": busy, "line": "my_job.py:7, work()", "source": "with LOCK:"}
    return Looks(busy, idle, **(at | changes))


def case_from(recorded: dict[str, Any]) -> Case:
    """The case that ``dataclasses.asdict`` made plain data of."""
    rows = [
        Row(**{**row, "looks": Looks(**row["looks"]) if row["looks"] else None})
        for row in recorded["rows"]
    ]
    alone = recorded["alone"]
    if alone:
        alone = Alone(**{**alone, "jobs": tuple(alone["jobs"])})
    names = {name: tuple(recorded[name]) for name in ("blocking", "asynchronous")}
    return Case(**{**recorded, **names, "rows": tuple(rows), "alone": alone})

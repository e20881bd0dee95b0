"""Makes of what was measured the plain figures that the readings read."""

from collections.abc import Callable, Sequence

from conlab.bench.costs import waiting_share
from conlab.bench.evidence.gathering import runs_here
from conlab.bench.evidence.libraries import libraries
from conlab.bench.measured import Measured
from conlab.bench.readings.figures import Alone, Case, Looks, Row


def case_of(rows: Sequence[Measured], time: Callable[[Measured], float], cores: int) -> Case:
    """The case of the cells of one workload, the fastest first; ``time`` is of a round."""
    workload = rows[0].cell.workload
    serial = next((one for one in rows if one.cell.label == "serial"), None)
    found = tuple(row_of(one, time(one)) for one in rows)
    blocking, asynchronous = libraries(workload) if workload.module else (frozenset(), frozenset())
    return Case(
        name=workload.name,
        cores=cores,
        job_count=rows[0].jobs,
        in_flight=max(row.at_once for row in found),
        rows=found,
        alone=alone_of(serial, rows) if serial else None,
        origin=any(one.floor is not None and one.floor.seconds > 0 for one in rows),
        blocking=tuple(sorted(blocking)),
        asynchronous=tuple(sorted(asynchronous)),
        library=serial.evidence.library if serial else "",
    )


def row_of(measured: Measured, seconds: float) -> Row:
    """The figures of one cell."""
    settings = measured.settings
    workers = settings.get("workers", 1)
    return Row(
        label=measured.cell.label,
        seconds=seconds,
        spread=measured.spread / measured.median,
        at_once=settings.get("in_flight", workers),
        processes=workers,
        in_flight=measured.in_flight,
        job=sum(measured.job_seconds) / max(1, len(measured.job_seconds)),
        cpu=measured.cpu,
        cores=measured.cores_busy,
        ready=ready_of(measured),
        looks=looks_of(measured),
    )


def ready_of(measured: Measured) -> float | None:
    """The cores that its threads stood ready for; 0 where nobody tells of threads of this process.

    None where its jobs run in other processes.
    """
    if not runs_here(measured.cell):
        return None
    seen = measured.evidence.demand
    return seen.ready / seen.wall if seen else 0.0


def looks_of(measured: Measured) -> Looks | None:
    """Where its loop or its threads were seen."""
    standing = measured.evidence.standing
    if standing is None:
        return None
    most = standing.most
    if most is None:
        return Looks(standing.busy, standing.idle)
    return Looks(
        standing.busy, standing.idle, standing.at_most, most.line, most.source, most.inside
    )


def alone_of(serial: Measured, rows: Sequence[Measured]) -> Alone:
    """What only serial shows."""
    evidence, cost = serial.evidence, serial.cost
    ready = (ready_of(serial) or 0.0) * cost.wall if evidence.demand else cost.ready
    return Alone(
        waiting=waiting_share(cost.wall, cost.cpu, ready),
        ready=min(1.0, (cost.ready or 0.0) / cost.wall),
        making=evidence.making / cost.wall,
        jobs=undisturbed(rows, serial.jobs),
        threads=evidence.demand.threads if evidence.demand else 1,
        own_threads=evidence.own_threads,
        sent_size=evidence.sent.size if evidence.sent else 0,
        memory=evidence.memory,
        memory_free=evidence.memory_free,
        memory_short=evidence.memory_short,
        first=evidence.first,
        sent_seconds=evidence.sent.seconds if evidence.sent else 0.0,
    )


def undisturbed(rows: Sequence[Measured], jobs: int) -> tuple[float, ...]:
    """The shortest time of each job in any run of any row: what it takes when nobody disturbs it.

    Empty where not all runs had their jobs in the same order.
    """
    runs: list[Sequence[float]] = []
    for one in rows:
        if one.jobs != jobs or len(one.job_seconds) != jobs * one.repeats:
            return ()
        runs += [
            one.job_seconds[first : first + jobs] for first in range(0, jobs * one.repeats, jobs)
        ]
    return tuple(map(min, zip(*runs, strict=True)))

"""What may have spoilt the figures of a run, found while it was measured."""

import os
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from pathlib import Path

from conlab.bench import costs
from conlab.bench.contention import BUSY
from conlab.bench.measured import Measured
from conlab.bench.measuring import Matrix
from conlab.bench.neighbours import Neighbours
from conlab.bench.report import BUSY_ORIGIN
from conlab.bench.settings import Settings, free_threaded, gil_enabled, usable_cores
from conlab.origin.regular_files import is_readable

NAMED = 3  # files that were left out


def of_run(matrix: Matrix) -> list[str]:
    """One sentence for each thing that speaks against the figures of a run."""
    return [
        *crowding(matrix.measured, matrix.before),
        *warnings(matrix.settings, matrix.measured, matrix.origin_pid),
    ]


def warnings(settings: Settings, measured: Sequence[Measured], origin: int | None) -> list[str]:
    """The same of all but what others took."""
    return [
        *traced(measured),
        *few_cores(settings),
        *gil_back(),
        *origin_limits(measured),
        *left_over(origin),
        *unreadable(settings),
    ]


def crowding(measured: Sequence[Measured], before: Neighbours | None) -> Iterable[str]:
    """Others had the cores: before the run, while it measured, on the host, or by a limit."""
    seen = [one.contention for one in measured if one.contention]
    if not seen:
        return
    whole = reduce(add, seen)
    cores, taken = whole.cores, whole.taken
    if taken is None:
        yield "how much of this machine other programs took is not known on this system"
    elif whole.is_busy or (before and not before.are_quiet):
        each = [one.taken for one in seen if one.taken is not None]
        between = f" ({min(each):.1f} to {max(each):.1f})" if len(each) > 1 else ""
        earlier = f"{before} before this run, and " if before else ""
        yield (
            f"other programs took {earlier}{taken:.1f} of {cores} cores{between} while it"
            " measured: on a quiet machine times are shorter, and not by the same share;"
            " --wait-for-quiet SECONDS waits for one"
        )
        if whole.ready is None:
            yield (
                "for how long jobs stood ready to compute is not known on this system: what"
                " looks like waiting may be that"
            )
    if whole.stolen and whole.stolen >= BUSY * cores * whole.wall:
        yield (
            f"the host of this virtual machine gave {whole.stolen / whole.wall:.1f} of {cores}"
            " cores to others while this run measured"
        )
    if whole.throttled and whole.throttled >= BUSY * cores * whole.wall:
        yield (
            "a CPU limit, of this container or its service, held the run back: of each second"
            f" {whole.throttled / whole.wall:.2f} core seconds, so models that use more cores"
            " lose more"
        )


def traced(measured: Iterable[Measured]) -> Iterable[str]:
    """Coverage, a debugger or a profiler slows worker threads far more than the calling one.

    pytest-benchmark pauses them while it times, but in the calling thread alone.
    """
    if names := {name for one in measured for name in one.tracers}:
        yield f"tracing was on ({', '.join(sorted(names))}): it slows models unevenly"


def few_cores(settings: Settings) -> Iterable[str]:
    """More workers than cores take turns."""
    if settings.workers > usable_cores():
        yield f"{settings.workers} workers had {usable_cores()} usable cores: they took turns"


def gil_back() -> Iterable[str]:
    """An extension that does not declare itself safe switches the GIL on."""
    if free_threaded() and gil_enabled():
        yield "this build has no GIL, but an import switched it on: see python -X gil=0"


def origin_limits(measured: Iterable[Measured]) -> Iterable[str]:
    """The origin's one thread was busy all the time."""
    for one in measured:
        if one.origin_busy > BUSY_ORIGIN:
            yield (
                f"{one.cell.id}: the origin was busy {one.origin_busy:.0%} of the time,"
                " so it and not the model was the limit"
            )


def left_over(origin: int | None) -> Iterable[str]:
    """A worker that outlives its pool takes CPU from those that are measured next."""
    for process in costs.children_left(origin):
        yield f"a worker process was left over: {process}"


def unreadable(settings: Settings) -> Iterable[str]:
    """Of the reader's folders, FIFOs and the like get no job, and are not served: it is said."""
    for option in ("images", "texts", "site"):
        folder: Path | None = getattr(settings, option)
        paths = sorted(folder.rglob("*")) if folder else []
        # Not Path.is_dir(): up to 3.13 it raises where a folder may be listed and not searched.
        files = [path for path in paths if not os.path.isdir(path)]  # noqa: PTH112
        if names := [path.name for path in files if not is_readable(path)]:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            yield (
                f"--{option} {folder}: left out, as no regular files that can be read, were"
                f" {', '.join(names[:NAMED])}{more}"
            )

"""Already parallel inside: a job computes on several cores by itself, and a pool competes."""

from conlab.bench.readings.figures import HELD, Case, Row
from conlab.bench.readings.reading import Reading
from conlab.bench.words import duration, times

PARALLEL = 1.25  # cores that serial asks for from which its jobs are parallel themselves


def is_parallel(case: Case) -> bool:
    """Say whether serial's jobs keep more than a core busy, or would if they were free."""
    return case.serial is not None and (case.serial.demand or 0.0) >= PARALLEL


def held_rows(case: Case) -> list[Row]:
    """The rows of the runs with the libraries held to one thread, the fastest first."""
    return [row for row in case.rows if row.label.endswith(HELD)]


def read(case: Case) -> Reading | None:
    """Say who computes in parallel, and what is fastest with and without that."""
    serial = case.serial
    if serial is None or not is_parallel(case):
        return None
    threads = case.alone.threads if case.alone else 0
    seen = f", {threads} threads at work" if threads > 1 else ""
    said = (
        "Already parallel inside: serial alone asks for"
        f" {serial.demand:.1f} of {case.cores} cores{seen}. A pool of the model's on top makes"
        " them compete for the same cores."
    )
    held, alone = held_rows(case), case.row(f"serial{HELD}")
    if alone is None:
        return Reading("parallel inside", f"{said} Let either of the two do it, not both.")
    if (alone.demand or 0.0) >= PARALLEL:
        return Reading(
            "parallel inside",
            f"{said} The libraries' environment variables change nothing (the rows {HELD[1:]}),"
            " so these threads are the job's own: let either its pool or the model do it.",
        )
    library = f" ({case.library})" if case.library else ""
    best = held[0]
    others = [row for row in case.rows if HELD not in row.label]
    compared = (
        f"With it held to one thread (the rows {HELD[1:]}), {best.label.removesuffix(HELD)} takes"
        f" {duration(best.seconds)}; the fastest without that, {others[0].label},"
        f" {duration(others[0].seconds)}, and serial alone {duration(serial.seconds)}"
    )
    gain = others[0].seconds / best.seconds
    return Reading(
        "parallel inside",
        f"{said} It is a library that does so{library}. {compared}"
        + (f": {times(gain)} as fast." if gain > 1 else ": the library does it as well."),
    )

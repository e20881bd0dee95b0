"""Already parallel inside: a job computes on several cores by itself, and a pool competes."""

from conlab.bench.readings.figures import HELD, Case, Row
from conlab.bench.readings.reading import Reading
from conlab.bench.words import duration, times

PARALLEL = 1.25  # cores that serial asks for from which its jobs are parallel themselves
COMPUTES = 0.04  # of the cores asked for, which even a very busy machine leaves to who computes
MORE = 1.1  # times as fast, from which a gain is spoken of


def is_parallel(case: Case) -> bool:
    """Say whether serial's jobs keep more than a core busy, or would if they were free."""
    return case.serial is not None and asks_for_more(case.serial)


def asks_for_more(row: Row) -> bool:
    """Say whether it asked for more than a core, and computed: who only wakes up does not."""
    return row.demand >= PARALLEL and row.cores >= COMPUTES * row.demand


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
    if case.alone and case.alone.own_threads:
        return Reading(
            "parallel inside",
            f"{said} The environment variables that hold libraries to one thread change nothing,"
            " so these threads are the job's own: let its pool or the model do it, not both.",
            answers=True,
        )
    held = held_rows(case)
    if not held:
        return Reading(
            "parallel inside", f"{said} Let either of the two do it, not both.", answers=True
        )
    library = f" ({case.library})" if case.library else ""
    best, free = held[0], next(row for row in case.rows if HELD not in row.label)
    gain = free.seconds / best.seconds
    result = f"{times(gain)} as fast" if gain > MORE else "no gain to speak of"
    return Reading(
        "parallel inside",
        f"{said} It is a library that does so{library}. With it held to one thread by its"
        f" environment variables, such as OMP_NUM_THREADS=1 (the rows {HELD[1:]}), the fastest is"
        f" {best.label.removesuffix(HELD)} with {duration(best.seconds)}; without that it is"
        f" {free.label} with {duration(free.seconds)}: {result}.",
        answers=True,
    )

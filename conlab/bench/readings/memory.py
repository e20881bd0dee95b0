"""Memory: many jobs at once need as many times what one needs at its peak."""

from conlab.bench.readings.figures import Case
from conlab.bench.readings.reading import Reading
from conlab.bench.words import MEBI, size

NOTABLE = 64 * MEBI  # bytes that a job takes and gives back, from which it is worth a word
MUCH = 0.5  # the share of the free memory from which it is


def does_not_fit(job: int, at_once: int, free: int) -> str:
    """Why so many jobs at once cannot be tried on this machine; empty if they fit."""
    if job < NOTABLE or job * at_once <= free:
        return ""
    return (
        f"{at_once} of its jobs at once would need {size(job * at_once)}, for one takes {size(job)}"
        f" at its peak, and {size(free)} are free: {max(1, free // job)} would fit"
        " (--in-flight, --workers)"
    )


def read(case: Case) -> Reading | None:
    """Say how many jobs fit where the models come near to that."""
    alone = case.alone
    if alone is None or alone.memory < NOTABLE:
        return None
    most = max(row.at_once for row in case.rows)
    if not alone.memory_short and alone.memory * most < MUCH * alone.memory_free:
        return None
    return Reading(
        "memory",
        f"Memory-hungry: a job takes {size(alone.memory)} at its peak and {size(alone.memory_free)}"
        f" were free, so that no more than {max(1, alone.memory_free // alone.memory)} fit at once,"
        " whatever the model; to take less at a time, in parts, would let more of them run.",
    )

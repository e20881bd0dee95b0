"""Jobs that remember: the first run did the work, and all later ones find it done."""

from conlab.bench.readings.figures import Case
from conlab.bench.readings.reading import Reading
from conlab.bench.words import duration

FAR_QUICKER = 5.0  # times as fast as the first run, from which on it is no chance
LEAST = 0.02  # seconds of the first run, below which it may be what any first run takes


def read(case: Case) -> Reading | None:
    """Say how long the first run took, and what was measured instead."""
    serial, alone = case.serial, case.alone
    if serial is None or alone is None or alone.first < LEAST:
        return None
    if alone.first < FAR_QUICKER * (1 + 2 * serial.spread) * serial.seconds:
        return None
    return Reading(
        "remembered",
        f"The jobs remember: their first run took {duration(alone.first)} in serial, even without"
        f" its first job, and later ones take {duration(serial.seconds)}. What an earlier run has"
        " left, a cache or a file for instance, is not made again, and all rows are of later runs."
        " If your jobs are done once, let jobs() begin by removing it.",
        doubt="that is how fast they remember, not how fast they work",
        answers=True,
    )

"""Too short to tell: all jobs together take less time than giving them away."""

from conlab.bench.readings.figures import Case
from conlab.bench.readings.reading import Reading
from conlab.bench.words import duration

TOO_SHORT = 1e-3  # seconds of a serial run: starting to share it out costs as much


def read(case: Case) -> Reading | None:
    """Say so where serial's run is too short for any model to matter."""
    serial = case.serial
    if serial is None or serial.seconds >= TOO_SHORT:
        return None
    return Reading(
        "too short",
        f"Too short to tell: all {case.job_count} jobs take {duration(serial.seconds)} one after"
        " the other, and to share them out among threads or processes costs about as much. Try"
        " more jobs at once, or longer ones; so few need no model.",
        doubt="for jobs as short as these that says nothing of longer ones",
        answers=True,
    )

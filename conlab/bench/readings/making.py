"""Made one by one: jobs() itself takes long, and one thread does that under every model."""

from conlab.bench.readings.figures import Case
from conlab.bench.readings.reading import Reading
from conlab.bench.words import duration, times

MUCH = 0.2  # the share of serial's time from which the making of jobs matters
NEARLY_ALL = 0.95  # the share from which nothing is left to gain


def read(case: Case) -> Reading | None:
    """Say which share it is, what that bounds, and what to do."""
    serial, alone = case.serial, case.alone
    if serial is None or alone is None or alone.making < MUCH:
        return None
    each = alone.making * serial.seconds / case.job_count
    most = (
        "faster than"
        if alone.making > NEARLY_ALL
        else f"more than {times(1 / alone.making)} as fast as"
    )
    return Reading(
        "made one by one",
        f"Made one by one: jobs() takes {alone.making:.0%} of serial's time ({duration(each)} a"
        " job) to make the jobs, and one thread does that under every model, so none can be"
        f" {most} serial. Let jobs() yield what a job is made"
        " from, a name or a number, and make it in work().",
        answers=True,
    )

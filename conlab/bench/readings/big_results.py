"""Big jobs or results: to send them to another process costs as much as to do the job."""

from conlab.bench.readings.figures import Case
from conlab.bench.readings.reading import Reading
from conlab.bench.words import duration, size

BIG = 64 * 1024  # bytes, below which it is not the size that costs
MUCH = 0.5  # the share of the job's own time from which sending it matters


def read(case: Case) -> Reading | None:
    """Say what is sent, what that costs, and what to send instead."""
    serial, alone = case.serial, case.alone
    sent = [row for row in case.rows if row.processes > 1]
    if serial is None or alone is None or not sent or alone.sent_size < BIG:
        return None
    job = serial.job
    if alone.sent_seconds < MUCH * job:
        return None
    costs = "more than" if alone.sent_seconds > job else "nearly as much as"
    return Reading(
        "big results",
        f"Sending costs {costs} computing: a job and its result are {size(alone.sent_size)} when"
        f" pickled, which takes {duration(alone.sent_seconds)} from one process to another, and"
        f" the job itself {duration(job)}. Where jobs run in other processes"
        f" ({', '.join(row.label for row in sent)}), let a job carry a path or a key instead of"
        " the data, and let work() store what is large and return where.",
    )

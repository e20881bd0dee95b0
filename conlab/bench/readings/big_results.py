"""Big jobs or results: to send them to another process costs as much as to do the job."""

from conlab.bench.readings.figures import Case
from conlab.bench.readings.reading import Reading
from conlab.bench.words import duration, size

BIG = 64 * 1024  # bytes, below which it is not the size that costs
MUCH = 0.5  # the share of the job's own time from which sending it matters
GAIN = 1.1  # times as fast as serial, from which other processes do help


def read(case: Case) -> Reading | None:
    """Say what is sent, what that costs, and what to send instead."""
    serial, alone = case.serial, case.alone
    sent = [row for row in case.rows if row.processes > 1]
    if serial is None or alone is None or not sent or alone.sent_size < BIG:
        return None
    job = serial.job
    spent = cpu_beside_the_jobs(case)
    if max(alone.sent_seconds, spent) < MUCH * job:
        return None
    pickled = f"a job and its result are {size(alone.sent_size)} when pickled"
    if alone.sent_seconds >= MUCH * job:
        costs = "more than" if alone.sent_seconds > job else "nearly as much as"
        found = (
            f"Sending costs {costs} computing: {pickled}, which takes"
            f" {duration(alone.sent_seconds)} from one process to another, and the job itself"
            f" {duration(job)}."
        )
    else:
        found = (
            f"What other processes win is spent on sending: {pickled}, and {duration(spent)} of CPU"
            f" a job went into what serial does not do, where the job itself takes {duration(job)}."
        )
    return Reading(
        "big results",
        f"{found} Where jobs run in other processes"
        f" ({', '.join(row.label for row in sent)}), let a job carry a path or a key instead of"
        " the data, and let work() store what is large and return where.",
    )


def cpu_beside_the_jobs(case: Case) -> float:
    """The CPU seconds a job that other processes took more than serial, where they gain nothing."""
    serial = case.serial
    assert serial is not None
    more = [
        (row.cpu - serial.cpu) / case.job_count
        for row in case.rows
        if row.processes > 1 and case.speedup(row) < GAIN
    ]
    return max(0.0, *more) if more else 0.0

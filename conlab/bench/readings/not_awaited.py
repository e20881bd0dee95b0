"""Not awaited: work_async() is over before what work() waits for can have come."""

from conlab.bench.readings import clients
from conlab.bench.readings.figures import HELD, Case
from conlab.bench.readings.reading import Reading
from conlab.bench.words import duration

WAITS = 0.5  # the share of serial's time from which its jobs wait
LITTLE = 0.25  # the share of that wait up to which a job cannot have waited for the same
LEAST = 1e-3  # seconds of a wait, below which it is no matter


def read(case: Case) -> Reading | None:
    """Say how long a job takes by either, and what the reason may be."""
    serial, alone = case.serial, case.alone
    if serial is None or alone is None or alone.waiting < WAITS or clients.differ(case):
        return None
    wait = alone.waiting * serial.job * serial.undisturbed
    if wait < LEAST:
        return None
    for row in case.rows:
        on_the_loop = row.label.startswith("coroutines") and HELD not in row.label
        if on_the_loop and row.job <= LITTLE * wait:
            return Reading(
                "not awaited",
                f"work_async() does not wait for what work() waits for: a job of {row.label} is"
                f" over after {duration(row.job)}, and work() waits for {duration(wait)}. It may"
                " start a task that nobody awaits, or find what it asks for at hand: await in it"
                " all that the job is there for.",
                doubt=f"{row.label} may leave undone what the others do",
                answers=True,
            )
    return None

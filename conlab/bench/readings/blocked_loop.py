"""A blocked event loop: a coroutine calls what does not await, and all others stand still."""

from conlab.bench.readings.figures import Case, Row
from conlab.bench.readings.reading import Reading

BLOCKED = 0.25  # the share of its time from which a loop that stands still is held up
FEWEST_LOOKS = 10


def blocked_share(row: Row) -> float:
    """The share of its time in which a loop stood in a callback and computed nothing.

    What it stood ready is left out on both sides. The looks come when a core is free, so they
    rather miss a callback than see one too many.
    """
    looks = row.looks
    if looks is None or row.ready is None or looks.busy + looks.idle < FEWEST_LOOKS:
        return 0.0
    share = looks.busy / (looks.busy + looks.idle) - row.demand
    return min(1.0, max(0.0, share) / row.undisturbed)


def blocked(case: Case) -> list[Row]:
    """The rows whose event loop was blocked."""
    return [
        row
        for row in case.rows
        if row.label.startswith("coroutines") and blocked_share(row) >= BLOCKED
    ]


def read(case: Case) -> Reading | None:
    """Name the call that blocks the loop."""
    rows = blocked(case)
    if not rows:
        return None
    row = rows[0]
    looks = row.looks
    where = ""
    if looks and looks.line:
        inside = f", inside {looks.inside}" if looks.inside else ""
        where = f", mostly at {looks.line}: `{looks.source}`{inside}"
    return Reading(
        "blocked loop",
        f"work_async() blocks the event loop: for {blocked_share(row):.0%} of its time the loop"
        f" stood still in a call that does not await{where}. Nothing else runs meanwhile: a job"
        f" of {row.label} had to wait until the others let go of the loop. Await an asynchronous"
        " call there instead, or hand the blocking one to a thread (await asyncio.to_thread(...)).",
    )

"""The estimated bound: below which time no run should go, by what serial's own jobs took.

It is no floor by law: another client may wait less, a library may compute on more cores. Where the
floor is known from the suite's own web, nothing need be estimated.
"""

from dataclasses import dataclass

from conlab.bench.readings import clients, parallel_inside, shared
from conlab.bench.readings.figures import Case

JOB, WAITS, COMPUTING, MAKING = "its longest job", "its waits", "its computing", "making its jobs"


@dataclass(frozen=True, slots=True)
class Bound:
    """Seconds, and what they are needed for."""

    seconds: float
    by: str


def bound(case: Case) -> Bound | None:
    """The largest of what each alone would need; None where serial's times do not carry over."""
    serial, alone = case.serial, case.alone
    if serial is None or alone is None or not alone.jobs or case.origin:
        return None
    if clients.differ(case) or parallel_inside.is_parallel(case):
        return None
    if shared.waiting_for_each_other(case):
        return None
    needs = {
        JOB: max(alone.jobs),
        WAITS: alone.waiting * serial.seconds / case.in_flight,
        COMPUTING: serial.cpu / case.cores,
        MAKING: alone.making * serial.seconds * (1 - alone.ready),
    }
    by = max(needs, key=needs.__getitem__)
    return Bound(needs[by], by)

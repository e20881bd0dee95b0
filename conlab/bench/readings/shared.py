"""Shared: jobs wait for something that others hold, so more of them under way gain nothing."""

from conlab.bench.readings import blocked_loop
from conlab.bench.readings.figures import HELD, Case, Row
from conlab.bench.readings.reading import Reading
from conlab.bench.words import times

WAITS = 0.5  # the share of serial's time from which its jobs wait
STRETCHED = 2.0  # how much longer a job takes than alone where it waits for others
LOST = 0.5  # the share of what its models could gain up to which something holds them back
SLOWEST = 10.0  # how many times as long computing may take on a machine that others keep busy
ONE_AT_A_TIME = 1.5  # times serial, up to which one job at a time came through
MOST_THREADS = 32  # of the pool that asyncio.to_thread() uses, with however many cores
NEARLY = 0.8
MOSTLY = 0.5  # the share of the looks from which a place is where they stood


def waiting_for_each_other(case: Case) -> Row | None:
    """The row in one process whose jobs take far longer than alone, and not for computing."""
    if case.serial is None or case.alone is None or case.alone.waiting < WAITS:
        return None
    held_up = blocked_loop.blocked(case)
    for row in case.rows:
        if row.ready is None or row.label == "serial" or row in held_up or HELD in row.label:
            continue
        if row.in_flight >= STRETCHED and stretch(case, row) >= STRETCHED and loses(case, row):
            return row
    return None


def stretch(case: Case, row: Row) -> float:
    """How many times as long a job takes as alone, without what it stood ready for a core."""
    assert case.serial
    return row.job * row.undisturbed / (case.serial.job * case.serial.undisturbed)


def loses(case: Case, row: Row) -> bool:
    """Say whether it gains far less than its jobs in flight, and one core, would let it."""
    assert case.serial
    own = case.serial.seconds * case.serial.undisturbed
    # What its threads may have had to do one after the other, for they share the GIL: while others
    # have the cores, a thread may hold it and not run. Who only wakes up late holds nothing.
    slowness = min(SLOWEST, row.demand / row.cores) if row.cores else 1.0
    in_turn = max(row.cpu, case.serial.cpu) * slowness
    possible = min(row.at_once, case.job_count, own / in_turn if in_turn else row.at_once)
    return own / (row.seconds * row.undisturbed) <= LOST * possible


def read(case: Case) -> Reading | None:
    """Say that they share something, and whether each process has one of its own."""
    row = waiting_for_each_other(case)
    if row is None or case.serial is None:
        return None
    through = case.speedup(row)
    one = through < ONE_AT_A_TIME
    gain = "gain nothing over serial" if one else f"are only {times(through)} as fast as serial"
    at_once = "one at a time" if one else f"about {through:.0f} at a time"
    where = ""
    looks = row.looks
    if row.label.startswith("threads") and looks and looks.at_most >= MOSTLY * looks.busy:
        where = f" (most of the time they stood at {looks.line}: `{looks.source}`)"
    said = (
        f"{row.label.capitalize()} had {row.in_flight:.1f} jobs in flight and {gain}, though they"
        f" compute little: each job took {times(stretch(case, row))} as long as alone."
        f" The jobs wait for something that all of them share, a lock, a limit or a connection,"
        f" and it lets them through {at_once}{where}."
    )
    past = next((one for one in case.rows if free_of_it(case, one, through)), None)
    if past:
        return Reading(
            "shared in one half",
            f"{said} {past.label.capitalize()} get past it ({times(case.speedup(past))} as fast as"
            " serial): work() and work_async() do not share the same thing, and one of the two may"
            f" lack a limit that it should keep.{of_the_default_pool(case, row)}",
            doubt="what is faster here may lack a limit that the other keeps",
            answers=True,
        )
    processes = apart(case)
    if processes is None:
        return Reading(
            "shared",
            f"{said} No other model changes that: ask for a higher limit or for more connections,"
            " or hold the lock for less time.",
            doubt="no lead counts before that is known",
            answers=True,
        )
    gained = case.speedup(processes)
    if gained > max(ONE_AT_A_TIME, 1.25 * through):
        return Reading(
            "shared inside a process",
            f"{said} Processes gain their number ({times(gained)} with {processes.processes}),"
            " for each of them has one of its own: if it is there to limit all of them together,"
            " as a rate limit is, that limit is broken.",
            doubt="what is faster here may be a limit that is broken",
            answers=True,
        )
    if one:
        return Reading(
            "shared by all",
            f"{said} Processes wait for it as well ({times(gained)} as fast as serial), so it"
            " lies outside: a server, a file, a disk. No model changes that.",
            doubt="no model gets past it",
            answers=True,
        )
    return Reading(
        "shared",
        f"{said} More jobs in flight will not help; a higher limit or more connections would.",
        doubt="no model gets past that limit by having more jobs in flight",
        answers=True,
    )


def of_the_default_pool(case: Case, row: Row) -> str:
    """That asyncio's own pool of threads may be the limit, where as many jobs come through."""
    threads = min(MOST_THREADS, case.cores + 4)
    if not row.label.startswith("coroutines") or not (
        NEARLY * threads <= case.speedup(row) <= threads / NEARLY
    ):
        return ""
    return (
        f" asyncio.to_thread() has {threads} threads with {case.cores} cores: if work_async() calls"
        " it, that is the limit, and loop.set_default_executor() sets another."
    )


def free_of_it(case: Case, row: Row, through: float) -> bool:
    """Say whether a row of this process has many jobs come through where the other has few."""
    here = row.label.startswith(("threads", "coroutines")) and HELD not in row.label
    return here and case.speedup(row) >= STRETCHED * through


def apart(case: Case) -> Row | None:
    """A row whose jobs run in more processes than one, each job alone in its process."""
    rows = [row for row in case.rows if row.processes > 1 and HELD not in row.label]
    alone = [row for row in rows if row.at_once == row.processes]
    return next(iter(alone or rows), None)

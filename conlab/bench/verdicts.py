"""The verdict on a workload in words, each computed from the figures of the run."""

from conlab.bench.measured import Measured
from conlab.bench.readings import big_results, bounds
from conlab.bench.readings.figures import Case
from conlab.bench.report import BUSY_ORIGIN, PARALLEL, Group
from conlab.bench.settings import gil_enabled
from conlab.bench.words import MEBI, duration, join

WAITS = 0.7  # the share of its time spent waiting from which serial was waiting
COMPUTES = 0.3  # and up to which it was computing
READY = 0.05  # the share of its time in the queue for a core from which that is said
NEAR_FLOOR = 0.75  # the share of the floor from which little is left to gain
BEYOND = {  # what would help where the leader is near its limit, by what bounds it
    bounds.JOB: "shorter jobs",
    bounds.WAITS: "shorter waits or more jobs in flight",
    bounds.COMPUTING: "more cores or less computing",
    bounds.MAKING: "making the jobs in work() instead of in jobs()",
}


def verdict(group: Group) -> list[str]:
    """Sentences: what the figures say of the jobs, who leads, what would change the answer."""
    sentences = [reading.sentence for reading in group.readings]
    sentences.append(leaders_sentence(group))
    if group.serial is None:
        return [*sentences, "Serial was not measured, so nothing more can be said."]
    sentences.append(serial_sentence(group, group.serial))
    if len(group.rows) == 1 or any(reading.answers for reading in group.readings):
        return sentences
    return [*sentences, change_sentence(group, group.serial)]


def leaders_sentence(group: Group) -> str:
    """Who leads, by how much, and which of them costs least."""
    leaders = group.leaders
    names = join([measured.cell.label for measured in leaders])
    first = leaders[0]
    speedup = group.speedup(first)
    fast = f", {speedup:.1f} times serial" if speedup and group.serial not in leaders else ""
    if len(group.rows) == 1:
        return f"{names} is alone: there is nothing to compare it with."
    if group.doubt:
        return f"No leader is named. Fastest: {names}{fast}; {group.doubt}."
    if group.undecided or group.noise is None:
        which = names if len(leaders) == 1 else f"which of {names}"
        return f"Cannot tell {which} leads: {group.undecided}."
    noise = f"the noise of this run is {group.noise:.0%}"
    if len(leaders) == 1:
        behind = group.rows[1]
        lead = f"{group.time(behind) / group.time(first) - 1:.0%}"
        return f"Leader: {names}{fast}. It leads {behind.cell.label} by {lead}; {noise}."
    frugal = min(leaders, key=lambda measured: measured.cpu)
    small = min(leaders, key=lambda measured: measured.memory_added)
    costs = (
        f"least CPU: {frugal.cell.label} ({duration(frugal.cpu)});"
        f" least memory: {small.cell.label} (+{small.memory_added / MEBI:.0f} MiB)"
    )
    return f"Leaders: {names}{fast}, no further apart than the noise ({noise}). Of these, {costs}."


def kind_of(group: Group) -> str:
    """What serial was doing: waiting, computing with or without the GIL, or both.

    Threads that keep one core busy took turns at the GIL if there is one, and if others were seen
    to get more cores than one: else they may have taken turns at the only core.
    """
    if group.serial is None:
        return "unknown"
    share = waiting_share(group)
    if share >= WAITS:
        return "waiting"
    if share > COMPUTES:
        return "mixed"
    threads = group.named("threads")
    if threads is None or not gil_enabled():
        return "computing"
    if threads.cores_busy >= PARALLEL:
        return "computing outside the GIL"
    return "computing with the GIL" if group.parallel else "computing"


def not_past(case: Case) -> bool:
    """Whether jobs ran in other processes, and none of these models was faster than serial."""
    gains = [case.speedup(row) for row in case.rows if row.processes > 1]
    return bool(gains) and max(gains) < big_results.GAIN


def waiting_share(group: Group) -> float:
    """The share of its time that serial waited for something else than a core."""
    return group.case.alone.waiting if group.case.alone else 0.0


def serial_sentence(group: Group, serial: Measured) -> str:
    """What the serial run was doing, with the figures that say so."""
    share = waiting_share(group)
    job = duration(group.time(serial) / serial.jobs)
    threads = group.named("threads")
    match kind_of(group):
        case "waiting":
            return f"Serial was waiting {share:.0%} of {its_time(serial)}, {job} a job."
        case "mixed":
            return (
                f"Serial was waiting {share:.0%} of {its_time(serial)} and computing the rest,"
                f" {job} a job."
            )
        case "computing":
            return f"Serial was computing {1 - share:.0%} of {its_time(serial)}, {job} a job."
        case kind:
            busy = threads.cores_busy if threads else 0.0
            return (
                f"Serial was {kind}, {job} a job: it waited {share:.0%} of {its_time(serial)}, and"
                f" threads kept {busy:.2f} cores busy."
            )


def its_time(serial: Measured) -> str:
    """The time that its shares are of: to stand ready is neither to wait nor to compute."""
    ready = serial.cost.ready_share
    if ready is None or ready < READY:
        return "its time"
    return f"the time left to it (for {ready:.0%} it stood ready, and others had the cores)"


def change_sentence(group: Group, serial: Measured) -> str:
    """What would change the answer, as far as the figures carry it."""
    leader = group.leaders[0]
    share = group.share(leader)
    if group.name == "dispatch_tasks":
        return "Jobs that do nothing gain from no pool: what each costs is what this table is for."
    if group.crowded:
        return (
            "Run it again when those programs have ended; --wait-for-quiet 300 would wait for that,"
            " five minutes at most."
        )
    if group.noise is None:
        return "More visits of each could tell: --jobs takes fewer jobs, and leaves time for them."
    if group.undecided:
        return "So much noise hides what the models differ by: run it again on a quieter machine."
    if serial in group.leaders:
        return (
            "No model is faster than serial by more than the noise: only longer jobs, more of"
            " them, or more cores could change that."
        )
    if leader.origin_busy > BUSY_ORIGIN:
        return "The origin was the limit: this run cannot tell what the models could do."
    limit = group.limit(leader)
    if limit is None or share is None:
        return (
            "No floor is known, for how long its jobs have to wait is not known:"
            f" the leader had {leader.in_flight:.1f} in flight and kept {leader.cores_busy:.2f} of"
            f" {group.cores} cores busy."
        )
    possible = "what is possible" if leader.floor else "the bound estimated from serial's times"
    if share >= NEAR_FLOOR:
        return (
            f"The leader is at {share:.0%} of {possible}: beyond it, only {BEYOND[limit.by]} would"
            " help."
        )
    match kind_of(group):
        case "waiting" | "mixed":
            return (
                f"The leader is at {share:.0%} of {possible}, with"
                f" {leader.cores_busy:.2f} of {group.cores} cores busy: CPU spent on each job"
                f" ({duration(leader.cpu / leader.jobs)}) is what is left to save; longer waits"
                " would hide it."
            )
        case "computing with the GIL" if not_past(group.case):
            return (
                "Threads took turns at the GIL. Other processes have each its own, and what that"
                " gains here is spent on starting, sending and receiving the jobs."
            )
        case "computing with the GIL":
            return (
                "Threads took turns at the GIL: processes or interpreters get past it here,"
                " and a free-threaded build might let threads do so."
            )
        case _ if leader.cores_busy < NEAR_FLOOR * group.cores:
            return (
                f"The leader kept {leader.cores_busy:.2f} of {group.cores} cores busy and is at"
                f" {share:.0%} of {possible}: something else than computing held it up,"
                " the disk or other programs on this machine."
            )
        case _:
            return (
                f"The leader keeps {leader.cores_busy:.2f} of {group.cores} cores busy and is at"
                f" {share:.0%} of {possible}: more cores would change the answer first."
            )

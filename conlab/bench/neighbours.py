"""Other programs on this machine: what they take before a run, and waiting until they take less."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from conlab.bench.contention import BUSY, Contention, Look

LOOKING = 0.5  # seconds that a look at the neighbours takes
NAMED = 3  # programs that are named
TRIFLE = 0.02  # cores: a program that takes less is not named
TELLING = 10.0  # seconds between two sentences where a line cannot be written over


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What others took for a moment, and the programs that took most, each with its cores."""

    contention: Contention
    programs: tuple[tuple[str, float], ...] = ()

    @property
    def are_quiet(self) -> bool:
        """Say whether they take no more than a trifle, as far as the system tells."""
        return not self.contention.is_busy

    def __str__(self) -> str:
        """How many cores they take, and who."""
        taken = self.contention.taken
        if taken is None:
            return "a share that is not known on this system"
        named = ", ".join(f"{name} {cores:.1f}" for name, cores in self.programs)
        most = f"{taken:.1f} of {self.contention.cores} cores"
        return f"{most} ({named})" if named else most


def look_around() -> Neighbours:
    """Look for LOOKING seconds at what others take; the run itself does nothing meanwhile."""
    look, spent = Look.now(), cpu_seconds_by_process()
    time.sleep(LOOKING)
    contention = look.until(Look.now())
    cores: dict[str, float] = {}
    for key, (name, later) in cpu_seconds_by_process().items():
        if key in spent:
            taken = (later - spent[key][1]) / contention.wall
            cores[name] = cores.get(name, 0.0) + taken
    most = sorted(cores.items(), key=lambda one: (-one[1], one[0]))[:NAMED]
    return Neighbours(contention, tuple(one for one in most if one[1] >= TRIFLE))


def cpu_seconds_by_process() -> dict[tuple[int, float], tuple[str, float]]:
    """The name and the CPU seconds of each process that may be looked at, but for the run's own."""
    own = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    found = {}
    for process in psutil.process_iter(["name", "cpu_times", "create_time"]):
        times = process.info["cpu_times"]
        if process.pid not in own and times is not None:
            key = process.pid, process.info["create_time"] or 0.0
            found[key] = process.info["name"] or f"process {process.pid}", times.user + times.system
    return found


def wait_for_quiet(
    limit: float,
    say: Callable[[str], None],
    look: Callable[[], Neighbours] = look_around,
    now: Callable[[], float] = time.monotonic,
) -> Neighbours:
    """Wait until others take no more than a trifle, for ``limit`` seconds at most.

    ``say`` is told for what, now and then. Gives what they took in the end.
    """
    began, said = now(), float("-inf")
    while not (neighbours := look()).are_quiet:
        waited = now() - began
        if waited >= limit:
            if limit:
                say(f"no quiet in {limit:.0f} s: other programs still take {neighbours}; measuring")
            return neighbours
        if now() - said >= TELLING:
            said = now()
            say(
                f"waiting for quiet, {limit - waited:.0f} s more at most: other programs take"
                f" {neighbours}, and more than {BUSY:.0%} of the cores is not quiet"
            )
    if said > float("-inf"):
        say(f"quiet after {now() - began:.0f} s: other programs take {neighbours}; measuring")
    return neighbours

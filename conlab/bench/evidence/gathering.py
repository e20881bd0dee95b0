"""Looks at a cell's threads while its jobs run untimed, and gives what was seen as plain data."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conlab.bench.costs import OURS
from conlab.bench.discovery import Cell
from conlab.bench.evidence.demand import Demand, ThreadTimes
from conlab.bench.evidence.sending import Sent
from conlab.bench.evidence.stacks import Stacks, Standing

INTERVAL = 0.005  # seconds between two looks at where the threads stand
LOOKS_A_COUNT = 10  # looks between two readings of the threads' times


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of a cell; what its kind does not let see is None.

    ``making`` is the seconds that ``jobs()`` took to make the jobs, over all runs. ``library`` is
    what computes on several threads by itself, as far as its name is known; ``own_threads`` says
    that it is none, for it does so also where libraries are held to one thread. ``memory`` is the
    bytes that one job takes and gives back, ``memory_free`` what was free then, ``memory_short``
    says that a model was left out for want of it. ``first`` is the seconds of the first run of all
    that its first job took no part in, but for those in which it stood ready.
    """

    making: float = 0.0
    demand: Demand | None = None
    standing: Standing | None = None
    sent: Sent | None = None
    library: str = ""
    own_threads: bool = False
    memory: int = 0
    memory_free: int = 0
    memory_short: bool = False
    first: float = 0.0


NOTHING = Evidence()


@dataclass(slots=True)
class Gathered:
    """Filled in when the runs have ended; ``looking`` is the CPU seconds that looking took."""

    demand: Demand | None = None
    standing: Standing | None = None
    looking: float = 0.0


@contextmanager
def gathering(cell: Cell) -> Iterator[Gathered]:
    """Look until the end of the block, if the cell's jobs run in this process."""
    gathered = Gathered()
    if not runs_here(cell):
        yield gathered
        return
    stacks = stacks_of(cell)
    times = ThreadTimes()
    times.look()
    ended = threading.Event()

    def look() -> None:
        number = 0
        while not ended.wait(INTERVAL):
            number += 1
            if stacks:
                stacks.look()
            if number % LOOKS_A_COUNT == 0:
                times.look()
        gathered.looking = time.thread_time()

    looker = threading.Thread(target=look, name=f"{OURS}looks-at-threads", daemon=True)
    looker.start()
    try:
        yield gathered
    finally:
        ended.set()
        looker.join()
        times.look()
        gathered.demand = times.demand()
        gathered.standing = stacks.standing() if stacks else None


def runs_here(cell: Cell) -> bool:
    """Say whether the jobs run in threads of this process, and not in workers."""
    return "workers" not in cell.model.settings()


def stacks_of(cell: Cell) -> Stacks | None:
    """Where the loop stands, or the threads that wait beside each other; serial needs neither."""
    if "in_flight" not in cell.model.settings():
        return None
    models = getattr(cell.model.module, "__file__", None)
    on_loop = cell.model.functions()[0].endswith("_async")
    return Stacks(on_loop, Path(models).parent if models else None)

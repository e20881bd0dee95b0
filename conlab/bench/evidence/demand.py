"""How many cores this process asked for: what its threads computed, and stood ready to compute.

On a busy machine a job that would keep two cores busy gets half a core, and a thread that computes
stands in the queue. What it asked for is the same on an idle machine and on a busy one.
"""

import os
import threading
import time
from dataclasses import dataclass

from conlab.bench.costs import OURS

NOTABLE = 0.1  # the share of all computing from which a thread is one of those that computed
TASKS = "/proc/self/task"


@dataclass(frozen=True, slots=True)
class Demand:
    """Seconds that the threads stood ready in ``wall`` seconds, and how many of them computed."""

    ready: float
    threads: int
    wall: float


class ThreadTimes:
    """Seconds that each thread of this process computed and stood ready, as far as it was seen.

    Linux alone tells; of a thread that began and ended between two looks nothing is known.
    """

    def __init__(self) -> None:
        self.first: dict[int, tuple[float, float]] = {}
        self.last: dict[int, tuple[float, float]] = {}
        self.began: float | None = None
        self.ended = 0.0

    def look(self) -> None:
        """Read the times of every thread but our own that only look."""
        now = times_of_threads(without=our_own())
        self.ended = time.perf_counter()
        if self.began is None:
            self.first, self.began = dict(now), self.ended
        self.last |= now

    def demand(self) -> Demand | None:
        """What was asked for between the first look and the last; None where nothing tells."""
        spent = [
            (computed - self.first.get(one, (0.0, 0.0))[0], ready - self.first.get(one, (0, 0))[1])
            for one, (computed, ready) in self.last.items()
        ]
        if not spent or self.began is None:
            return None
        computed = sum(seconds for seconds, _ in spent)
        busy = [seconds for seconds, _ in spent if seconds > NOTABLE * computed]
        return Demand(sum(ready for _, ready in spent), len(busy), self.ended - self.began)


def our_own() -> set[int]:
    """The threads that the bench itself looks on with."""
    return {one.native_id or 0 for one in threading.enumerate() if one.name.startswith(OURS)}


def times_of_threads(without: set[int]) -> dict[int, tuple[float, float]]:
    """Seconds computed and seconds ready of each thread of this process, by its number."""
    times = {}
    try:
        names = os.listdir(TASKS)  # noqa: PTH208  # half the time of Path.iterdir(), and often
    except OSError:
        return {}
    for name in names:
        try:
            with open(f"{TASKS}/{name}/schedstat", "rb") as file:  # noqa: PTH123
                computed, ready, _ = file.read().split()
        except (OSError, ValueError):
            continue  # it ended, or the kernel keeps no such figures
        if int(name) not in without:
            times[int(name)] = int(computed) / 1e9, int(ready) / 1e9
    return times

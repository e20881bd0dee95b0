"""What an origin remembers of the requests it answered: bounded, and plain enough to cross over."""

import time
from collections import Counter
from dataclasses import astuple, dataclass
from typing import Any, Self

MOST_ENTRIES = 200_000
MOST_TARGETS = 1_000_000
MOST_ERRORS = 10


class OriginError(Exception):
    """The origin did not do what it was there for; the message says what and why."""


@dataclass(slots=True)
class Served:
    """One request, answered or broken off.

    ``target`` is path and query. ``status`` is 0 where no status was sent. ``attempt`` counts the
    requests for this target from 1 on. ``fault`` is the fault that was put in, or None.
    ``latency`` is the time in seconds that was to pass before the answer, ``slept`` what did pass.
    ``size`` is the bytes of the body sent. ``started`` and ``ended`` are seconds on the clock of
    ``time.perf_counter``, of which Linux, macOS and Windows have one for all processes.
    """

    site: int
    target: str
    attempt: int
    started: float
    status: int = 0
    fault: str | None = None
    latency: float = 0.0
    slept: float = 0.0
    size: int = 0
    ended: float = 0.0


@dataclass(frozen=True, slots=True)
class Log:
    """The requests that ended since the last take, and how many were under way at once."""

    served: tuple[Served, ...]
    peak_in_flight: int
    peak_in_flight_per_site: tuple[int, ...]

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Self:
        """The log that ``Logbook.take`` gave; raises OriginError where it is not whole."""
        if plain["errors"]:
            raise OriginError("the origin's own code failed:\n" + "\n".join(plain["errors"]))
        if plain["dropped"]:
            raise OriginError(
                f"the origin's log holds {MOST_ENTRIES:,} requests and {plain['dropped']:,} more"
                " were served: take the log more often"
            )
        return cls(
            tuple(Served(*row) for row in plain["served"]), plain["peak"], tuple(plain["peaks"])
        )


class Logbook:
    """The log as it is being written, in the origin's process."""

    def __init__(self, sites: int) -> None:
        self._errors: list[str] = []
        self._attempts: Counter[tuple[int, str]] = Counter()
        self._in_flight = [0] * sites
        self._peak = 0
        self._clear()

    def open(self, site: int, target: str) -> Served:
        """Enter a request that begins now."""
        if len(self._attempts) >= MOST_TARGETS and (site, target) not in self._attempts:
            raise OriginError(f"it has counted attempts at {MOST_TARGETS:,} URLs: call reset()")
        self._attempts[site, target] += 1
        self._in_flight[site] += 1
        self._peaks[site] = max(self._peaks[site], self._in_flight[site])
        self._peak = max(self._peak, sum(self._in_flight))
        return Served(site, target, self._attempts[site, target], time.perf_counter())

    def close(self, served: Served) -> None:
        """Enter that a request ended now."""
        self._in_flight[served.site] -= 1
        served.ended = time.perf_counter()
        if len(self._served) < MOST_ENTRIES:
            self._served.append(served)
        else:
            self._dropped += 1

    def fail(self, what: str) -> None:
        """Enter that the origin's own code failed."""
        if len(self._errors) < MOST_ERRORS:
            self._errors.append(what)

    def take(self) -> dict[str, Any]:
        """The log as plain data; it begins anew, though attempts are counted on."""
        plain = {
            "served": [astuple(served) for served in self._served],
            "peak": self._peak,
            "peaks": self._peaks,
            "dropped": self._dropped,
            "errors": self._errors,
        }
        self._clear()
        return plain

    def reset(self) -> None:
        """Forget the log and the attempts."""
        self._attempts.clear()
        self._clear()

    def _clear(self) -> None:
        self._errors = []
        self._served: list[Served] = []
        self._dropped = 0
        self._peaks = list(self._in_flight)
        self._peak = sum(self._in_flight)

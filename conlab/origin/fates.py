"""What becomes of an attempt at a URL: its latency and its fault, drawn from the seed alone."""

import struct
from dataclasses import dataclass
from hashlib import blake2b

from conlab.origin.settings import Faults, Settings

NO_FAULTS = Faults()


@dataclass(frozen=True, slots=True)
class Fate:
    """The latency in seconds, the kind of fault or None, and the place of the fault (0 to 1)."""

    latency: float
    fault: str | None
    place: float


def fate(settings: Settings, site: int, target: str, attempt: int) -> Fate:
    """The fate of the ``attempt``-th request (from 1 on) for ``target`` (path and query)."""
    if settings.jitter == 0 and settings.faults == NO_FAULTS:
        return Fate(settings.latency, None, 0.0)
    what = f"{settings.seed}\0{site}\0{target}\0{attempt}".encode()
    chance, place, delay = (
        draw / 2**64 for draw in struct.unpack("<3Q", blake2b(what, digest_size=24).digest())
    )
    latency = settings.latency + settings.jitter * delay
    for kind, probability in settings.faults.probabilities().items():
        if chance < probability:
            return Fate(latency, kind, place)
        chance -= probability
    return Fate(latency, None, place)

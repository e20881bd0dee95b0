"""What an origin is asked to be: checked when it is written down, not when it is served."""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from conlab.errors import UserError
from conlab.origin.regular_files import is_readable

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"})


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely each fault is (0 to 1, at most 1 in all); an attempt has one fault or none.

    ``dropped`` resets the connection before a byte of the answer. A refused connection proper
    comes before any URL is known: ``Origin.refusing_url`` is a port that refuses them all.
    ``reset`` and ``truncated`` break off within the body, by a reset and by an orderly close.
    ``too_many`` is a 429 with Retry-After, ``server_error`` a 500. ``slow`` stretches the body
    over ``slow_seconds``. ``corrupt`` flips one byte of a file or a photo, never of a page.
    ``redirect_loop`` sends the client round and round.
    """

    dropped: float = 0.0
    reset: float = 0.0
    truncated: float = 0.0
    too_many: float = 0.0
    server_error: float = 0.0
    slow: float = 0.0
    corrupt: float = 0.0
    redirect_loop: float = 0.0
    retry_after: int = 1
    slow_seconds: float = 2.0

    def __post_init__(self) -> None:
        for kind, probability in self.probabilities().items():
            _check_number(f"the probability of the fault {kind!r}", probability, 0, 1)
        if (total := math.fsum(self.probabilities().values())) > 1 + 1e-9:
            raise UserError(f"the probabilities of faults add up to {total:g}: at most 1 in all")
        _check_whole("retry_after", self.retry_after, 0, 86_400)
        _check_number("slow_seconds", self.slow_seconds, 0, 3600)

    def probabilities(self) -> dict[str, float]:
        """The probability of each kind of fault."""
        return {kind: getattr(self, kind) for kind in KINDS}


KINDS = tuple(
    f.name for f in dataclasses.fields(Faults) if not f.name.startswith(("retry", "slow_"))
)


@dataclass(frozen=True, slots=True)
class Settings:
    """An origin: ``sites`` of ``pages`` pages each, everything in them made from ``seed``.

    Times are seconds. The latency of an attempt at a URL is ``latency`` + uniform(0, ``jitter``),
    the same in every run. ``bandwidth`` is bytes a second for each connection, None for no limit.
    ``html`` is a folder that every site serves instead of its own pages, ``photos`` a folder of
    images to serve instead of made ones. Nonsense raises UserError.
    """

    sites: int = 4
    pages: int = 500
    seed: int = 0
    latency: float = 0.0
    jitter: float = 0.0
    bandwidth: float | None = None
    faults: Faults = field(default_factory=Faults)
    html: Path | None = None
    photos: Path | None = None

    def __post_init__(self) -> None:
        _check_whole("sites", self.sites, 1, 64)
        _check_whole("pages", self.pages, 1, 1_000_000)
        _check_whole("seed", self.seed, -(2**63), 2**63 - 1)
        _check_number("latency", self.latency, 0, 60)
        _check_number("jitter", self.jitter, 0, 60)
        if self.bandwidth is not None:
            _check_number("bandwidth", self.bandwidth, 1024, 1e12)
        if self.html is not None:
            _check_folder("html", self.html)
        if self.photos is not None:
            _check_folder("photos", self.photos)
            if not any(photo_files(self.photos)):
                raise UserError(
                    f"photos: no image in {str(self.photos)!r}:"
                    f" it should hold files that end in {', '.join(sorted(IMAGE_SUFFIXES))}"
                )

    def to_json(self) -> dict[str, Any]:
        """The settings as plain data, to cross to the origin's process."""
        plain = dataclasses.asdict(self)
        for name in ("html", "photos"):
            plain[name] = None if plain[name] is None else str(Path(plain[name]).absolute())
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Self:
        """The settings that ``to_json`` gave."""
        folders = {name: plain[name] and Path(plain[name]) for name in ("html", "photos")}
        return cls(**plain | folders | {"faults": Faults(**plain["faults"])})


def photo_files(folder: Path) -> list[Path]:
    """The images of a folder and its subfolders, in the order of their names."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(path for path in found if is_readable(path))


def _check_whole(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UserError(f"{name} is {value!r}: it should be a whole number from {least} to {most}")


def _check_number(name: str, value: object, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise UserError(f"{name} is {value!r}: it should be a number from {least:g} to {most:g}")


def _check_folder(name: str, value: object) -> None:
    if not isinstance(value, Path):
        raise UserError(f"{name} is {value!r}: it should be the path of a folder")
    if not value.is_dir():
        raise UserError(f"{name}: {str(value)!r} is not a folder")

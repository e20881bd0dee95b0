"""Serial: one job after the other, what every other model is compared with."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from . import Client, Run
from .failure import attempt

RUNS = "work"


def absent() -> str | None:
    """Serial runs everywhere."""
    return None


@contextmanager
def pool(client: Client) -> Iterator[Run]:
    """No pool at all: the calling thread does every job."""
    with client() if client else nullcontext() as shared:
        extra = (shared,) if client else ()

        def run(work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
            return (attempt(work, job, *extra) for job in jobs)

        yield run

"""Run jobs that do nothing: what is left is what a model spends on each job."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any

JOBS = 1000

Job = int
Run = Callable[[Any, Iterable[Any]], Iterator[Any]]


def jobs(count: int) -> Iterator[Job]:
    """The numbers from 0 up."""
    return iter(range(count))


def work(job: Job) -> Job:
    """Nothing: the job comes back as it went."""
    return job


async def work_async(job: Job) -> Job:
    """Nothing, on an event loop."""
    return job


def do_chunk(chunk: list[Job]) -> list[Job]:
    """Nothing, for each job of a chunk."""
    return [work(job) for job in chunk]


def drive_chunks(size: int, run: Run, _work: Any, jobs: Iterable[Job]) -> list[Any]:
    """Send ``size`` jobs at a time: the model's cost is paid once a chunk."""
    source = iter(jobs)
    chunks = iter(lambda: list(islice(source, size)), [])
    return list(chain.from_iterable(run(do_chunk, chunks)))


threads_by_64 = partial(drive_chunks, 64)
processes_by_8 = partial(drive_chunks, 8)
processes_by_64 = partial(drive_chunks, 64)
interpreters_by_64 = partial(drive_chunks, 64)
cluster_by_64 = partial(drive_chunks, 64)

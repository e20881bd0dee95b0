"""Download many files over HTTP: each streamed to disk, verified, and there whole or not at all."""

import hashlib
from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import httpx

from .http_client import (
    Answer,
    RequestError,
    client,
    client_async,
    client_async_httpx,
    get,
    get_async,
    get_async_httpx,
    with_retries,
    with_retries_async,
)
from .manifest import entries

if TYPE_CHECKING:
    import aiohttp

__all__ = ["client", "client_async", "client_async_httpx", "jobs", "work", "work_async"]

JOBS = 64

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Job:
    """One file to fetch; what is not known of it beforehand is None."""

    url: str
    target: Path
    size: int | None = None  # bytes
    sha256: str | None = None  # in hexadecimal
    flaw: str | None = None  # why no file can have the name that was asked for


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that has arrived."""

    name: str
    size: int  # bytes
    sha256: str


class ContentError(RequestError):
    """What came, or was asked for, is not a file that we can save. Final."""


def jobs(manifest: Path, folder: Path) -> Iterator[Job]:
    """A job for each line of ``manifest``; one whose name cannot be had fails alone."""
    for entry in entries(manifest, folder):
        yield Job(entry.url, entry.target, entry.size, entry.sha256, entry.flaw)


def work(job: Job, client: httpx.Client) -> Saved:
    """Download one file with the blocking client."""

    def once(deadline: float) -> Saved:
        with get(client, job.url, deadline) as answer, part_file(job) as part:
            for chunk in answer.chunks:
                part.write(chunk)
        return part.saved()

    return with_retries(once)


async def work_async(job: Job, client: "aiohttp.ClientSession") -> Saved:
    """Download one file with aiohttp."""
    return await download(job, client, get_async)


async def work_async_httpx(job: Job, client: httpx.AsyncClient) -> Saved:
    """Download one file with the event loop's httpx."""
    return await download(job, client, get_async_httpx)


async def download(
    job: Job,
    client: S,
    get: Callable[[S, str], AbstractAsyncContextManager[Answer[AsyncIterable[bytes]]]],
) -> Saved:
    """The twin of ``work``, for either client.

    Writing and hashing block the event loop, but a chunk at a time: that takes less than to hand
    the chunk to a thread would.
    """

    async def once() -> Saved:
        async with get(client, job.url) as answer:
            with part_file(job) as part:
                async for chunk in answer.chunks:
                    part.write(chunk)
        return part.saved()

    return await with_retries_async(job.url, once)


@contextmanager
def part_file(job: Job) -> Iterator["Part"]:
    """The file under a temporary name: renamed when it proves right, removed when anything fails.

    Anything includes Ctrl-C and cancellation. Only a killed process leaves its ``.part`` behind,
    which the next attempt overwrites.
    """
    if job.flaw:
        raise ContentError(job.flaw)
    temporary = job.target.with_name(f"{job.target.name}.part")
    try:
        with temporary.open("wb") as file:
            part = Part(job, file)
            yield part
        part.verify()
        temporary.replace(job.target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@dataclass
class Part:
    """What has arrived of a file so far."""

    job: Job
    file: BinaryIO
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def write(self, chunk: bytes) -> None:
        """Take the next chunk, unless the file is then too long: a disk is not endless."""
        self.size += len(chunk)
        if self.job.size is not None and self.size > self.job.size:
            raise ContentError(f"{self.job.url}: more than the expected {self.job.size} bytes")
        self.digest.update(chunk)
        self.file.write(chunk)

    def verify(self) -> None:
        """Raise ContentError unless this is the file that the job knows."""
        if self.job.size not in (None, self.size):
            raise ContentError(f"{self.job.url}: {self.size} bytes, expected {self.job.size}")
        if self.job.sha256 not in (None, self.digest.hexdigest()):
            raise ContentError(f"{self.job.url}: wrong SHA-256")

    def saved(self) -> Saved:
        """The result of the job."""
        return Saved(self.job.target.name, self.size, self.digest.hexdigest())

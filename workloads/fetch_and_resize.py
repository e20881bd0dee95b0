"""Fetch photos over HTTP and make a thumbnail of each: waiting and computing in one job."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from .http_client import (
    RequestError,
    client,
    client_async,
    get,
    get_async,
    with_retries,
    with_retries_async,
)
from .manifest import entries
from .pictures import MAX_FILE_SIZE, PictureError, reduced
from .whole_files import write_whole

if TYPE_CHECKING:
    import aiohttp

__all__ = ["client", "client_async", "compute", "fetch_async", "jobs", "work", "work_async"]

JOBS = 32
THUMBNAIL_SIDE = 256  # pixels of the longer side
JPEG_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Job:
    """One photo, and the file that its thumbnail goes to."""

    url: str
    target: Path
    sha256: str | None = None  # of the photo, if it is known
    flaw: str | None = None  # why no file can have the name that was asked for


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A thumbnail on disk."""

    name: str
    width: int  # pixels
    height: int
    sha256: str


class ImageError(RequestError):
    """What came is no image that can, or should, be decoded; or its thumbnail can have no name."""


def jobs(photo_manifest: Path, folder: Path) -> Iterator[Job]:
    """A job for each line of ``photo_manifest``; one whose name cannot be had fails alone."""
    for entry in entries(photo_manifest, folder, suffix=".jpg"):
        yield Job(entry.url, entry.target, entry.sha256, entry.flaw)


def work(job: Job, client: httpx.Client) -> Thumbnail:
    """Wait, then compute, with the blocking client."""
    return compute(job, fetch(job, client))


async def work_async(job: Job, client: "aiohttp.ClientSession") -> Thumbnail:
    """Wait, then compute on the event loop, where all the others wait for it: hybrid's case."""
    return compute(job, await fetch_async(job, client))


def fetch(job: Job, client: httpx.Client) -> bytes:
    """The photo's file."""

    def once(deadline: float) -> bytes:
        with get(client, job.url, deadline) as answer:
            body = bytearray()
            for chunk in answer.chunks:
                extend(body, chunk, job)
        return bytes(body)

    return with_retries(once)


async def fetch_async(job: Job, client: "aiohttp.ClientSession") -> bytes:
    """The twin of ``fetch``."""

    async def once() -> bytes:
        async with get_async(client, job.url) as answer:
            body = bytearray()
            async for chunk in answer.chunks:
                extend(body, chunk, job)
        return bytes(body)

    return await with_retries_async(job.url, once)


def extend(body: bytearray, chunk: bytes, job: Job) -> None:
    """Append ``chunk``, unless the file is then too long."""
    body += chunk
    if len(body) > MAX_FILE_SIZE:
        raise ImageError(f"{job.url}: more than {MAX_FILE_SIZE} bytes")


def compute(job: Job, fetched: bytes) -> Thumbnail:
    """Decode the photo, write its thumbnail. A wrong byte may well decode: the checksum tells."""
    if job.flaw:
        raise ImageError(job.flaw)
    if job.sha256 not in (None, hashlib.sha256(fetched).hexdigest()):
        raise ImageError(f"{job.url}: wrong SHA-256")
    try:
        thumbnail = reduced(io.BytesIO(fetched), THUMBNAIL_SIDE)
    except PictureError as error:
        raise ImageError(f"{job.url}: {error}") from error
    buffer = io.BytesIO()
    thumbnail.save(buffer, "JPEG", quality=JPEG_QUALITY)
    encoded = buffer.getvalue()
    write_whole(job.target, encoded)
    return Thumbnail(job.target.name, *thumbnail.size, hashlib.sha256(encoded).hexdigest())

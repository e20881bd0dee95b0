"""Fetch photos over HTTP and make a thumbnail of each: waiting and computing in one job."""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from PIL import Image, ImageOps

from .http_client import (
    RequestError,
    client,
    client_async,
    get,
    get_async,
    with_retries,
    with_retries_async,
)

if TYPE_CHECKING:
    import aiohttp

__all__ = ["client", "client_async", "compute", "fetch_async", "jobs", "work", "work_async"]

JOBS = 32
THUMBNAIL_SIDE = 256  # pixels of the longer side
JPEG_QUALITY = 85
MAX_FILE_SIZE = 64 * 1024 * 1024  # bytes; a photo is held in memory, so it must end
MAX_PIXELS = 89_478_485  # as Pillow has it: a few bytes can unpack into any number

# Pillow only warns up to twice as many, and a warning is an error in one process and none in the
# next. Here the job itself looks.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class Job:
    """One photo, and the file that its thumbnail goes to."""

    url: str
    target: Path
    sha256: str | None = None  # of the photo, if it is known


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A thumbnail on disk."""

    name: str
    width: int  # pixels
    height: int
    sha256: str


class ImageError(RequestError):
    """What came is no image that can, or should, be decoded."""


def jobs(photo_manifest: Path, folder: Path) -> Iterator[Job]:
    """A job for each line of ``photo_manifest``: JSON with url, name and sha256 (or null)."""
    with photo_manifest.open(encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            target = (folder / entry["name"]).with_suffix(".jpg")
            yield Job(entry["url"], target, entry["sha256"])


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
    if job.sha256 not in (None, hashlib.sha256(fetched).hexdigest()):
        raise ImageError(f"{job.url}: wrong SHA-256")
    thumbnail = reduced(job.url, fetched)
    buffer = io.BytesIO()
    thumbnail.save(buffer, "JPEG", quality=JPEG_QUALITY)
    encoded = buffer.getvalue()
    write_whole(job.target, encoded)
    return Thumbnail(job.target.name, *thumbnail.size, hashlib.sha256(encoded).hexdigest())


def reduced(url: str, photo: bytes) -> Image.Image:
    """The photo the right way up, its longer side ``THUMBNAIL_SIDE`` or less.

    Raises:
        ImageError: it is corrupt, truncated, or of more than ``MAX_PIXELS``.
    """
    try:
        with Image.open(io.BytesIO(photo)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(f"{url}: an image of more than {MAX_PIXELS} pixels")
            # A JPEG can be decoded at a fraction of its size, which costs a fraction of the time.
            image.draft("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            return ImageOps.exif_transpose(image).convert("RGB")
    except ImageError:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, and more
        raise ImageError(f"{url}: not an image, or a broken one") from error


def write_whole(target: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = target.with_name(f"{target.name}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

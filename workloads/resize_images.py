"""Make a sharpened JPEG thumbnail of every image: C code that computes and lets go of the GIL."""

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count as count_from
from itertools import cycle, islice
from pathlib import Path

from PIL import ImageFilter

from .pictures import PictureError, opened, reduced
from .whole_files import write_whole

JOBS = 16
BOX = 512  # pixels: the longer side of a thumbnail
QUALITY = 85
SHARPEN_AMOUNT = 0.7  # of what a blur would take away, added on top
LONGEST_STEM = 50  # letters of an image's name that its thumbnail keeps: file systems have limits

# An unsharp mask in one pass over the pixels, a third of what ImageFilter.UnsharpMask takes: to the
# image comes SHARPEN_AMOUNT of its difference from the image blurred by BLUR / 16.
BLUR = (1, 2, 1, 2, 4, 2, 1, 2, 1)
IMAGE = (0, 0, 0, 0, 16, 0, 0, 0, 0)
UNSHARP = ImageFilter.Kernel(
    (3, 3), [i + SHARPEN_AMOUNT * (i - b) for i, b in zip(IMAGE, BLUR, strict=True)], scale=16
)


@dataclass(frozen=True, slots=True)
class Job:
    """An image to read and the thumbnail to write."""

    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """What was written: its name, its size in pixels and bytes, and what is in it."""

    name: str
    width: int
    height: int
    size: int
    sha256: str


class ImageError(Exception):
    """The file holds no image that can, or should, be decoded."""


def jobs(images: Path, folder: Path, count: int | None) -> Iterator[Job]:
    """One job a file of ``images``, by name; over again if ``count`` is more."""
    # Not Path.is_file(): up to 3.13 it raises where a folder may be listed and not searched.
    sources = sorted(path for path in images.rglob("*") if os.path.isfile(path))  # noqa: PTH113
    if count is not None:
        sources = list(islice(cycle(sources), count))
    for number, source in zip(count_from(), sources, strict=False):
        yield Job(source, folder / f"{number:06}-{source.stem[:LONGEST_STEM]}.jpg")


def work(job: Job) -> Thumbnail:
    """Decode, turn upright, shrink, sharpen, encode, write.

    Raises ImageError for a file that holds no image, or only some of one, or a bomb; OSError for
    one that cannot be read.
    """
    try:
        with opened(job.source) as file:
            small = reduced(file, BOX)
    except PictureError as error:
        raise ImageError(f"{job.source.name}: {error}") from error
    sharp = small.filter(UNSHARP)
    encoded = io.BytesIO()
    sharp.save(encoded, "JPEG", quality=QUALITY)
    content = encoded.getvalue()
    write_whole(job.target, content)
    return Thumbnail(
        job.target.name, *sharp.size, len(content), hashlib.sha256(content).hexdigest()
    )

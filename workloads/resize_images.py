"""Make a sharpened JPEG thumbnail of every image: C code that computes and lets go of the GIL."""

import hashlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count as count_from
from itertools import cycle, islice
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps

JOBS = 16
BOX = 512  # pixels: the longer side of a thumbnail
ROOM = 1.25  # an image is decoded at this many times the thumbnail's size, or more
QUALITY = 85
SHARPEN_AMOUNT = 0.7  # of what a blur would take away, added on top
MAX_PIXELS = 89_478_485  # Pillow's own limit, a quarter of a gigabyte in RGB

# An unsharp mask in one pass over the pixels, a third of what ImageFilter.UnsharpMask takes: to the
# image comes SHARPEN_AMOUNT of its difference from the image blurred by BLUR / 16.
BLUR = (1, 2, 1, 2, 4, 2, 1, 2, 1)
IMAGE = (0, 0, 0, 0, 16, 0, 0, 0, 0)
UNSHARP = ImageFilter.Kernel(
    (3, 3), [i + SHARPEN_AMOUNT * (i - b) for i, b in zip(IMAGE, BLUR, strict=True)], scale=16
)

# Pillow warns of a bomb, and a warning cannot be made an error for one thread alone: work() checks.
Image.MAX_IMAGE_PIXELS = None


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


class TooManyPixels(Exception):
    """The image says that it is so large that decoding it might exhaust memory."""


def jobs(images: Path, folder: Path, count: int | None) -> Iterator[Job]:
    """One job a file of ``images``, by name; over again if ``count`` is more."""
    sources = sorted(path for path in images.rglob("*") if path.is_file())
    if count is not None:
        sources = list(islice(cycle(sources), count))
    for number, source in zip(count_from(), sources, strict=False):
        yield Job(source, folder / f"{number:06}-{source.stem}.jpg")


def work(job: Job) -> Thumbnail:
    """Decode, turn upright, shrink, sharpen, encode, write.

    Raises OSError for a file that is not an image or is cut off, TooManyPixels for a bomb.
    """
    with Image.open(job.source) as image:
        if image.width * image.height > MAX_PIXELS:
            raise TooManyPixels(f"{job.source.name}: {image.width} x {image.height} pixels")
        image.draft("RGB", size_to_decode(image))  # JPEG alone can decode at 1/2, 1/4 or 1/8
        image.thumbnail((BOX, BOX), Image.Resampling.LANCZOS)
        upright = ImageOps.exif_transpose(image).convert("RGB")
        sharp = upright.filter(UNSHARP)
    encoded = io.BytesIO()
    sharp.save(encoded, "JPEG", quality=QUALITY)
    content = encoded.getvalue()
    part = job.target.with_suffix(".part")
    try:
        part.write_bytes(content)
        part.replace(job.target)
    finally:
        part.unlink(missing_ok=True)
    return Thumbnail(
        job.target.name, *sharp.size, len(content), hashlib.sha256(content).hexdigest()
    )


def size_to_decode(image: Image.Image) -> tuple[int, int]:
    """The least size in pixels to decode ``image`` at.

    It has the image's own shape: Pillow shrinks no further than both sides allow, and of a square
    the shorter side of a photo would stop it too early.
    """
    scale = ROOM * BOX / max(image.size)
    return math.ceil(scale * image.width), math.ceil(scale * image.height)

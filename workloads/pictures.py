"""Makes pictures from anywhere small: upright, in RGB, and bounded whatever their files say.

A few bytes can unpack into any number of pixels, and an hour's work can hide in what is no pixel.
No more memory is taken than MAX_PIXELS of RGB would, and 64 MiB.
"""

import math
import os
import stat
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from PIL import Image

# Those that photos come in. Pillow knows others: some start a program, some decode in Python.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
MAX_FILE_SIZE = 64 * 1024 * 1024  # bytes: what is no pixel is held in memory as it stands
MAX_PIXELS = 89_478_485  # as Pillow has it; it takes four bytes for one
ROOM = 1.25  # a JPEG is decoded at so many times the size that is wanted, or more

# Pillow adds one of the first to the one before, in quadratic time; of the second, each is a walk
# over all pixels. Photos have one and a dozen, and videos that hang on some have others by chance.
MOST_OF = {b"Exif\0\0": 100, b"\xff\xda": 2_000}
JPEG = b"\xff\xd8"

DIRECT = ("RGB", "L", "CMYK", "YCbCr")  # modes that shrink without a copy of all pixels
TILE = 1024  # pixels of a side: so much of the others is converted at a time
AMPLE = 4  # times the size that is wanted, to which the others are averaged first

ORIENTATION = 0x0112  # of Exif
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow only warns up to twice as many, and a warning is an error in one process and none in the
# next: it cannot be made one for a thread alone. Here each picture is looked at.
Image.MAX_IMAGE_PIXELS = None


class PictureError(Exception):
    """This is no picture that can, or should, be decoded; the message does not name it."""


def opened(path: Path) -> BinaryIO:
    """A file to read a picture from. Raises OSError, or PictureError for a FIFO or a device."""
    descriptor = os.open(
        path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PictureError("no regular file")
    return os.fdopen(descriptor, "rb")


def reduced(file: BinaryIO, side: int) -> Image.Image:
    """The first picture of a file, its longer side ``side`` pixels or less. Raises PictureError."""
    try:
        refuse_endless(file)
        with Image.open(file, formats=FORMATS) as picture:
            refuse_large(picture)
            turn = TURNS.get(picture.getexif().get(ORIENTATION, 1))
            picture.draft("RGB", size_to_decode(picture, side))
            direct = picture.mode in DIRECT and not picture.has_transparency_data
            small = picture if direct else averaged(picture, side)
            small.thumbnail((side, side), Image.Resampling.LANCZOS)
            small = small.convert("RGB")
    except PictureError:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, and more
        raise PictureError("not an image, or a broken one") from error
    return small if turn is None else small.transpose(turn)


def refuse_endless(file: BinaryIO) -> None:
    """Raise PictureError for a file that would take endless memory or time to read."""
    if file.seek(0, os.SEEK_END) > MAX_FILE_SIZE:
        raise PictureError(f"more than {MAX_FILE_SIZE} bytes")
    file.seek(0)
    if file.read(len(JPEG)) == JPEG:
        found: Counter[bytes] = Counter()
        while chunk := file.read(1024 * 1024):
            found.update({mark: chunk.count(mark) for mark in MOST_OF})
        if any(found[mark] > most for mark, most in MOST_OF.items()):
            raise PictureError("a JPEG of too many parts")


def refuse_large(picture: Image.Image) -> None:
    """Raise PictureError for more pixels than there may be, of those that its decoder copies.

    libwebp and Pillow hold four copies of a picture, libjpeg the coefficients of a progressive one.
    """
    copies = 4 if picture.format == "WEBP" else 2 if "progressive" in picture.info else 1
    most = MAX_PIXELS // copies
    if picture.width * picture.height > most:
        raise PictureError(f"an image of more than {most} pixels")


def size_to_decode(picture: Image.Image, side: int) -> tuple[int, int]:
    """The least size in pixels to decode a picture at, which JPEG alone can: 1/2, 1/4 or 1/8.

    It has the picture's own shape: Pillow shrinks no further than both sides allow, and of a square
    the shorter side of a photo would stop it too early.
    """
    scale = ROOM * side / max(picture.size)
    return math.ceil(scale * picture.width), math.ceil(scale * picture.height)


def averaged(picture: Image.Image, side: int) -> Image.Image:
    """The picture in RGB, shrunk to AMPLE times ``side`` or a little more, if it is larger.

    By tiles, for Pillow would convert all of it, and its pixels take up to four times the memory.
    """
    factor = max(1, max(picture.size) // (AMPLE * side))
    step = factor * max(1, TILE // factor)
    width, height = picture.size
    small = Image.new("RGB", (math.ceil(width / factor), math.ceil(height / factor)))
    for top in range(0, height, step):
        for left in range(0, width, step):
            tile = picture.crop((left, top, min(left + step, width), min(top + step, height)))
            small.paste(on_white(tile).reduce(factor), (left // factor, top // factor))
    return small


def on_white(tile: Image.Image) -> Image.Image:
    """The tile in RGB, whatever its mode; what is transparent is white."""
    if tile.mode in ("I", "F"):
        raise PictureError("an image whose numbers do not say what is black and what white")
    if tile.mode.startswith("I;16"):
        return tile.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if tile.has_transparency_data:
        white = Image.new("RGBA", tile.size, "white")
        return Image.alpha_composite(white, tile.convert("RGBA")).convert("RGB")
    return tile.convert("RGB")

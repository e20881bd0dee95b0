"""The photos to fetch: a handful of seeded JPEGs, or the reader's own folder of images."""

import contextlib
import io
import random
from dataclasses import dataclass
from hashlib import file_digest, sha256
from mimetypes import guess_type
from pathlib import Path

from conlab.errors import UserError
from conlab.origin.regular_files import opened
from conlab.origin.resources import Resource, held, stored
from conlab.origin.settings import Settings, photo_files

# Width, height and EXIF orientation of the photos that are made: cameras turn some of them.
SHAPES = ((1280, 960, 1), (1600, 1200, 6), (1920, 1280, 1), (2048, 1536, 3), (1440, 1080, 8))
QUALITY = 88
ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that is served under many URLs."""

    suffix: str
    sha256: str
    resource: Resource


def load_photos(settings: Settings) -> list[Photo]:
    """The distinct photos: those of the folder, or else made ones.

    Raises UserError when they have to be made and Pillow is absent, or none of the folder's can be
    read.
    """
    if settings.photos is not None:
        return _photos_of(settings.photos)
    return [_made_photo(settings.seed, *shape) for shape in SHAPES]


def photo_target(number: int, photo: Photo) -> str:
    """The path under which the photo is served for the ``number``-th time."""
    return f"/photos/{number}{photo.suffix}"


def _photos_of(folder: Path) -> list[Photo]:
    photos = []
    for path in photo_files(folder):
        with contextlib.suppress(OSError):  # it is gone meanwhile, or its disk fails
            photos.append(_photo_of(path))
    if not photos:
        raise UserError(f"photos: no image in {str(folder)!r} can be read")
    return photos


def _photo_of(path: Path) -> Photo:
    with opened(path) as file:
        checksum = file_digest(file, "sha256").hexdigest()
    kind = guess_type(path.name)[0] or "application/octet-stream"
    return Photo(path.suffix.lower(), checksum, stored(path, kind, f'"{checksum[:32]}"'))


def _made_photo(seed: int, width: int, height: int, orientation: int) -> Photo:
    try:
        from PIL import Image
    except ImportError:
        raise UserError(
            "photos are made with Pillow, which is not installed here:"
            " install it (pip install pillow) or name a folder of images"
        ) from None
    chance = random.Random(f"photo {seed} {width} {height}")
    # Soft shapes from a few seeded pixels, and grain as a sensor gives it: so that the file is
    # about as large, and as hard to decode, as a photograph of its size.
    shapes = Image.frombytes("RGB", (16, 12), chance.randbytes(16 * 12 * 3))
    grain = Image.frombytes("RGB", (256, 256), chance.randbytes(256 * 256 * 3))
    picture = shapes.resize((width, height), Image.Resampling.BICUBIC)
    tiles = Image.new("RGB", (width, height))
    for left in range(0, width, 256):
        for top in range(0, height, 256):
            tiles.paste(grain, (left, top))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    buffer = io.BytesIO()
    Image.blend(picture, tiles, 0.06).save(buffer, "JPEG", quality=QUALITY, exif=exif)
    body = buffer.getvalue()
    checksum = sha256(body).hexdigest()
    return Photo(".jpg", checksum, held(body, f'"{checksum[:32]}"', "image/jpeg"))

"""A picture from anywhere becomes the right thumbnail, or is refused in a sentence, at a bound."""

import io
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PIL", reason="no wheel of Pillow for this Python")

from PIL import Image, ImageChops, ImageOps

from tests.patience import patience
from workloads.pictures import MAX_FILE_SIZE, MAX_PIXELS, PictureError, opened, reduced

SIDE = 64
DARK, BRIGHT = 30, 220
BROKEN = "not an image, or a broken one"
PARTS = "a JPEG of too many parts"


def halves(size: tuple[int, int] = (400, 300)) -> Image.Image:
    """A grey picture whose left half is dark."""
    image = Image.new("L", size, BRIGHT)
    image.paste(DARK, (0, 0, size[0] // 2, size[1]))
    return image


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def shrunk(content: bytes) -> Image.Image:
    return reduced(io.BytesIO(content), SIDE)


def sides_of(small: Image.Image) -> list[tuple[int, ...]]:
    """The colours in the middle of the left half and of the right one."""
    width, height = small.size
    colours = [small.getpixel((width * part // 4, height // 2)) for part in (1, 3)]
    return [colour for colour in colours if isinstance(colour, tuple)]


def is_near(colour: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return all(abs(one - other) <= 8 for one, other in zip(colour, expected, strict=True))


def sixteen_bits() -> Image.Image:
    return halves().convert("I").point(lambda value: value * 257).convert("I;16")


def with_alpha(mode: str) -> Image.Image:
    """The left half is red that cannot be seen."""
    image = Image.merge("RGBA", [halves()] * 3 + [Image.new("L", (400, 300), 255)])
    image.paste((255, 0, 0, 0), (0, 0, 200, 300))
    return image.convert(mode)


GREY = [(DARK,) * 3, (BRIGHT,) * 3]
HIDDEN = [(255,) * 3, (BRIGHT,) * 3]
KINDS: dict[str, tuple[bytes, list[tuple[int, int, int]]]] = {
    "grey JPEG": (saved(halves(), "JPEG"), GREY),
    "JPEG": (saved(halves().convert("RGB"), "JPEG"), GREY),
    "progressive JPEG": (saved(halves().convert("RGB"), "JPEG", progressive=True), GREY),
    "CMYK JPEG": (saved(halves().convert("RGB").convert("CMYK"), "JPEG"), GREY),
    "CMYK TIFF": (saved(halves().convert("RGB").convert("CMYK"), "TIFF"), GREY),
    "16 bit PNG": (saved(sixteen_bits(), "PNG"), GREY),
    "16 bit TIFF": (saved(sixteen_bits(), "TIFF"), GREY),
    "big-endian 16 bit TIFF": (saved(sixteen_bits(), "TIFF", big_endian=True), GREY),
    "1 bit PNG": (saved(halves().point(lambda v: v // 128 * 255).convert("1"), "PNG"),
                  [(0,) * 3, (255,) * 3]),
    "palette PNG": (saved(halves().convert("P"), "PNG"), GREY),
    "palette PNG with a clear colour": (saved(halves().convert("P"), "PNG", transparency=DARK),
                                        HIDDEN),
    "grey PNG with a clear colour": (saved(halves(), "PNG", transparency=DARK), HIDDEN),
    "RGB PNG with a clear colour": (saved(halves().convert("RGB"), "PNG",
                                          transparency=(DARK,) * 3), HIDDEN),
    "PNG with alpha": (saved(with_alpha("RGBA"), "PNG"), HIDDEN),
    "grey PNG with alpha": (saved(with_alpha("LA"), "PNG"), HIDDEN),
    "WebP with alpha": (saved(with_alpha("RGBA"), "WEBP", lossless=True), HIDDEN),
    "GIF with a clear colour": (saved(halves(), "GIF", transparency=DARK), HIDDEN),
    "BMP": (saved(halves().convert("RGB"), "BMP"), GREY),
    "TIFF with LZW": (saved(halves().convert("RGB"), "TIFF", compression="tiff_lzw"), GREY),
    **{
        f"animated {form}": (
            saved(halves().convert("RGB"), form, save_all=True,
                  append_images=[Image.new("RGB", (400, 300), "blue")] * 50),
            GREY,
        )
        for form in ("GIF", "WEBP", "PNG", "TIFF")
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_becomes_the_right_thumbnail(kind: str) -> None:
    content, expected = KINDS[kind]
    small = shrunk(content)
    assert (small.mode, small.size) == ("RGB", (64, 48))
    assert [*map(is_near, sides_of(small), expected)] == [True, True]


def test_a_picture_that_is_shrunk_by_tiles_has_no_seams() -> None:
    ramp = Image.linear_gradient("L").resize((3000, 2100))
    picture = Image.merge("RGB", [ramp, ramp.transpose(Image.Transpose.FLIP_TOP_BOTTOM), ramp])
    by_tiles = shrunk(saved(picture.convert("RGBA"), "PNG", compress_level=1))
    at_once = shrunk(saved(picture, "PNG", compress_level=1))
    assert max(ImageChops.difference(by_tiles, at_once).tobytes()) <= 3


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1), (1, 1), (3, 5000)])
@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_a_thumbnail_of_any_shape_has_sides_of_a_pixel_at_least(
    size: tuple[int, int], mode: str
) -> None:
    for form in ("PNG", "JPEG") if mode == "RGB" else ("PNG",):
        small = shrunk(saved(Image.new(mode, size), form))
        assert (min(small.size), max(small.size)) == (1, min(SIDE, max(size)))


@pytest.mark.parametrize("orientation", range(10))
def test_a_picture_is_turned_as_pillow_turns_it(orientation: int) -> None:
    image = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    image.paste((255, 0, 0), (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(image, "PNG", exif=exif)
    with Image.open(io.BytesIO(content)) as read:
        assert shrunk(content).tobytes() == ImageOps.exif_transpose(read).tobytes()


def chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def png_with(*chunks: bytes) -> bytes:
    """A PNG with more chunks before its pixels."""
    content = saved(halves((8, 8)), "PNG")
    return content[:33] + b"".join(chunks) + content[33:]


def png_of(width: int, height: int) -> bytes:
    """A small PNG that says it is large."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + saved(halves((1, 1)), "PNG")[33:]


def jpeg_with(segment: bytes, count: int) -> bytes:
    content = saved(halves((8, 8)), "JPEG")
    return content[:2] + segment * count + content[2:]


def frame_of(form: str, width: int, height: int) -> bytes:
    """The file of a picture whose size is then said to be another."""
    if form == "WEBP":
        content = bytearray(saved(halves((8, 8)).convert("RGB"), form, lossless=True))
        content[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14)
        return bytes(content)
    content = bytearray(saved(halves((8, 8)), form, progressive=True))
    at = content.index(b"\xff\xc2") + 5
    content[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(content)


ZEROS = zlib.compress(bytes(8_000_000))
EXIF = b"\xff\xe1\x00\x09Exif\0\0x"
SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
LIMIT = "an image of more than {} pixels"
HOSTILE = {
    "nothing": (b"", BROKEN),
    "a page": (b"<!doctype html><title>Please log in</title>", BROKEN),
    "an SVG": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', BROKEN),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", BROKEN),
    "PPM, which is decoded in Python": (b"P3 9 9 255 " + b"1 " * 243, BROKEN),
    "floats": (saved(Image.new("F", (9, 9), 0.5), "TIFF"), "an image whose numbers do not say"),
    "32 bits": (saved(Image.new("I", (9, 9), 70_000), "TIFF"), "an image whose numbers do not"),
    "50,000 x 50,000": (png_of(50_000, 50_000), LIMIT.format(MAX_PIXELS)),
    "a line of pixels": (png_of(MAX_PIXELS + 1, 1), LIMIT.format(MAX_PIXELS)),
    "a large WebP": (frame_of("WEBP", 5_000, 5_000), LIMIT.format(MAX_PIXELS // 4)),
    "a large progressive JPEG": (frame_of("JPEG", 7_000, 7_000), LIMIT.format(MAX_PIXELS // 2)),
    "a profile that unpacks": (png_with(chunk(b"iCCP", b"x\0\0" + ZEROS)), BROKEN),
    "a text that unpacks": (png_with(chunk(b"zTXt", b"x\0\0" + ZEROS)), BROKEN),
    "many texts that unpack": (
        png_with(*[chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(1_000_000)))] * 100), BROKEN,
    ),
    "Exif in ten thousand pieces": (jpeg_with(EXIF, 10_000), PARTS),
    "a JPEG of ten thousand scans": (jpeg_with(SCAN, 10_000), PARTS),
    **{
        f"half a {form}": (saved(halves().convert("RGB"), form)[: 300 if form == "WEBP" else 900],
                           BROKEN)
        for form in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.filterwarnings("ignore:Truncated File Read", "ignore:Corrupt EXIF")
def test_what_is_no_picture_or_too_much_of_one_is_refused_in_a_sentence(kind: str) -> None:
    content, words = HOSTILE[kind]
    with pytest.raises(PictureError) as refusal:
        shrunk(content)
    assert str(refusal.value).startswith(words)
    assert "\n" not in str(refusal.value)


def test_a_file_of_more_bytes_than_may_be_held_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    path.write_bytes(saved(halves(), "JPEG"))
    os.truncate(path, MAX_FILE_SIZE)
    with opened(path) as file:
        assert reduced(file, SIDE).size == (64, 48)
    os.truncate(path, MAX_FILE_SIZE + 1)
    with opened(path) as file, pytest.raises(PictureError, match=f"more than {MAX_FILE_SIZE} b"):
        reduced(file, SIDE)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_damaged_exif_gives_a_thumbnail_or_a_refusal(form: str) -> None:
    chance = random.Random(form)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x011A] = 6, "a description", 72.0
    block = exif.tobytes()
    for _ in range(200):
        damaged = bytearray(block)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(6, len(damaged))] = chance.randrange(256)
        content = saved(halves((40, 30)), "PNG" if form == "TIFF" else form, exif=bytes(damaged))
        try:
            said: object = sorted(shrunk(content).size)
        except PictureError as refusal:
            said = str(refusal)
        assert said in ([30, 40], BROKEN)


# Files


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs")
def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "folder.jpg").mkdir()
    before = len([*Path("/dev/fd").iterdir()])  # of which some that others left may be closed
    for path in tmp_path.iterdir():
        with pytest.raises(PictureError, match=r"^no regular file$"):
            opened(path)
    assert len([*Path("/dev/fd").iterdir()]) <= before


# Memory

MEASURE = """
import re, sys
from pathlib import Path
from workloads.pictures import PictureError, opened, reduced

def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024

with opened(Path(sys.argv[2])) as small:
    reduced(small, 512)
Path("/proc/self/clear_refs").write_text("5")
before = peak()
with opened(Path(sys.argv[1])) as file:
    try:
        reduced(file, 512)
    except PictureError:
        pass
print(peak() - before)
"""
SQUARE = 5_000  # pixels of a side: a copy is more than what is allowed beside the picture


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak")
@pytest.mark.parametrize("kind", ["RGBA PNG", "LA PNG", "P PNG", "I;16 PNG", "texts"])
def test_a_picture_takes_little_more_memory_than_its_pixels(tmp_path: Path, kind: str) -> None:
    mode, _, form = kind.partition(" ")
    pixels = SQUARE**2
    match kind:
        case "texts":
            text = chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(1_000_000)))
            content, pixels = png_with(*[text] * 200), 0
        case "P PNG":
            square = Image.new("P", (SQUARE, SQUARE))
            content = saved(square, form, transparency=b"\x80" * 256)
        case _:
            content = saved(Image.new(mode, (SQUARE, SQUARE)), form)
    (tmp_path / "picture").write_bytes(content)
    (tmp_path / "small").write_bytes(saved(halves(), form or "PNG"))
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "picture"), str(tmp_path / "small")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=patience(120), check=True
    )
    assert int(done.stdout) <= pixels * 4 + 68 * 1024 * 1024

"""fetch_and_resize: a thumbnail of every photo that is one, and nothing of any other."""

import contextlib
import hashlib
import io
import json
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PIL", reason="no wheel of Pillow for this Python")

from PIL import Image

from conlab.origin import Faults, Settings, serve
from tests.patience import patience
from tests.workloads.scripted import Say, scripted
from tests.workloads.ways import Do
from workloads import fetch_and_resize
from workloads.fetch_and_resize import (
    THUMBNAIL_SIDE,
    ImageError,
    Job,
    Thumbnail,
    compute,
)
from workloads.http_client.limits import ATTEMPTS
from workloads.models import coroutines, hybrid, serial, threads
from workloads.models.failure import Failure
from workloads.pictures import MAX_PIXELS

URL = "http://example.test/photo"
ORIENTATION = 0x0112


def photo(
    width: int = 800, height: int = 600, mode: str = "RGB", form: str = "JPEG", **options: Any
) -> bytes:
    """The file of an image whose left half is dark."""
    image = Image.new("L", (width, height), 220)
    image.paste(30, (0, 0, width // 2, height))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, form, **options)
    return buffer.getvalue()


def bomb() -> bytes:
    """A small PNG that says it is large."""
    side = int(MAX_PIXELS**0.5) + 1
    head = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunk + photo(1, 1, form="PNG")[33:]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "photo.jpg"


def left(target: Path) -> list[str]:
    """What is in the folder."""
    return sorted(path.name for path in target.parent.iterdir())


def test_a_photo_becomes_a_thumbnail(do: Do, target: Path) -> None:
    with scripted({"/": [Say(photo(800, 600))]}) as server:
        result = do(fetch_and_resize, Job(server.url("/"), target))
    content = target.read_bytes()
    assert result == Thumbnail("photo.jpg", 256, 192, hashlib.sha256(content).hexdigest())
    with Image.open(io.BytesIO(content)) as thumbnail:
        assert (thumbnail.format, thumbnail.mode, thumbnail.size) == ("JPEG", "RGB", (256, 192))
    assert left(target) == ["photo.jpg"]


BROKEN = {
    "no image": b"<!doctype html><title>Please log in</title>",
    "empty": b"",
    "cut short": photo()[:-2000],
    "nothing but a head": photo()[:300],
    "corrupt": photo(form="PNG")[:60] + bytes(100),
    "cut short, PNG": photo(form="PNG")[:1000],
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_what_is_no_whole_image_fails_and_leaves_nothing(
    do: Do, target: Path, content: bytes
) -> None:
    with scripted({"/": [Say(content)]}) as server:
        url = server.url("/")
        expected = Failure("ImageError", f"{url}: not an image, or a broken one")
        assert do(fetch_and_resize, Job(url, target)) == expected
        assert server.asked["/"] == 1
    assert left(target) == []


@pytest.mark.filterwarnings("error")
def test_a_bomb_is_refused_before_it_is_unpacked(do: Do, target: Path) -> None:
    with scripted({"/": [Say(bomb())]}) as server:
        url = server.url("/")
        expected = Failure("ImageError", f"{url}: an image of more than {MAX_PIXELS} pixels")
        assert do(fetch_and_resize, Job(url, target)) == expected
    assert left(target) == []


def test_a_photo_with_a_wrong_byte_fails(do: Do, target: Path) -> None:
    with scripted({"/": [Say(photo())]}) as server:
        url = server.url("/")
        expected = Failure("ImageError", f"{url}: wrong SHA-256")
        assert do(fetch_and_resize, Job(url, target, "0" * 64)) == expected
        assert server.asked["/"] == 1
    assert left(target) == []


def test_a_file_without_an_end_is_cut(
    do: Do, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_and_resize, "MAX_FILE_SIZE", 100_000)
    with scripted({"/": [Say(photo(), ending="endless")]}) as server:
        url = server.url("/")
        expected = Failure("ImageError", f"{url}: more than 100000 bytes")
        assert do(fetch_and_resize, Job(url, target)) == expected


def test_a_body_cut_short_is_fetched_anew(do: Do, target: Path) -> None:
    whole = photo()
    cut = Say(whole[:-1], promised=len(whole), ending="close")
    with scripted({"/": [cut, Say(whole)]}) as server:
        assert isinstance(do(fetch_and_resize, Job(server.url("/"), target)), Thumbnail)
        assert server.asked["/"] == 2


def test_a_server_that_stays_busy_is_given_up(do: Do, target: Path) -> None:
    with scripted({"/": [Say(status=503)]}) as server:
        url = server.url("/")
        expected = Failure("UnavailableError", f"{url}: status 503")
        assert do(fetch_and_resize, Job(url, target)) == expected
        assert server.asked["/"] == ATTEMPTS


def test_a_turned_photo_is_set_upright(target: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # to be turned to the right
    result = compute(Job(URL, target), photo(800, 600, exif=exif))
    assert (result.width, result.height) == (192, 256)
    with Image.open(target) as thumbnail:
        shades = thumbnail.convert("L").tobytes()
        assert shades[0] < 100 < shades[-1]  # what was left is above
        assert ORIENTATION not in thumbnail.getexif()


def test_damaged_metadata_does_no_harm(target: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description long enough to be kept apart"
    length = b"\x01\x0e\x00\x02\x00\x00\x00"
    too_long = b"\x01\x0e\x00\x02\x7f\xff\xff"
    damaged = photo(exif=exif).replace(length, too_long)
    assert compute(Job(URL, target), damaged).width == THUMBNAIL_SIDE


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "PPM"])
def test_a_damaged_image_gives_a_thumbnail_or_an_image_error(target: Path, form: str) -> None:
    chance = random.Random(form)
    whole = photo(40, 30, form=form)
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(min(len(damaged), 400))] = chance.randrange(256)
        with contextlib.suppress(ImageError):
            compute(Job(URL, target), bytes(damaged))


def test_a_bomb_is_refused_in_a_process_where_warnings_are_errors() -> None:
    program = (
        "import sys; from pathlib import Path; from workloads.fetch_and_resize import *\n"
        "from workloads.fetch_and_resize import Job\n"
        "try: compute(Job('x', Path('never.jpg')), sys.stdin.buffer.read())\n"
        "except Exception as error: print(error)"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    result = subprocess.run(
        command, input=bomb(), capture_output=True, timeout=patience(60), check=True
    )
    assert result.stdout.decode().strip() == f"x: an image of more than {MAX_PIXELS} pixels"


def test_a_small_image_is_not_enlarged(target: Path) -> None:
    result = compute(Job(URL, target), photo(40, 30))
    assert (result.width, result.height) == (40, 30)


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("RGBA", "PNG"),
        ("P", "GIF"),
        ("1", "PNG"),
        ("I;16", "PNG"),
        ("RGB", "WEBP"),
        ("RGB", "TIFF"),
    ],
)
def test_every_kind_of_image_becomes_a_jpeg(target: Path, mode: str, form: str) -> None:
    result = compute(Job(URL, target), photo(800, 600, mode, form))
    assert (result.width, result.height) == (THUMBNAIL_SIDE, 192)


def test_ctrl_c_while_writing_leaves_nothing(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Path, _target: Path) -> None:
        assert self.name == "photo.jpg.part"
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compute(Job(URL, target), photo())
    assert left(target) == []


def test_jobs_name_their_thumbnails_after_the_photos(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest"
    manifest.write_text(json.dumps({"url": URL, "name": "1.png", "sha256": "0a"}), "utf-8")
    assert list(fetch_and_resize.jobs(manifest, tmp_path)) == [Job(URL, tmp_path / "1.jpg", "0a")]


def test_every_model_makes_the_thumbnails_that_serial_makes(tmp_path: Path) -> None:
    faults = Faults(truncated=0.1, server_error=0.1, corrupt=0.3, retry_after=0)
    manifest = tmp_path / "manifest"
    with serve(Settings(sites=2, faults=faults)) as origin:
        origin.write_photo_manifest(manifest, 12)

        def results(pool: Any, work: Any) -> list[Thumbnail | Failure]:
            origin.reset()
            with pool as run:
                return list(run(work, fetch_and_resize.jobs(manifest, tmp_path)))

        first = results(serial.pool(fetch_and_resize.client), fetch_and_resize.work)
        kinds = {type(result) for result in first}
        assert kinds == {Thumbnail, Failure}

        pool = threads.pool(fetch_and_resize.client, in_flight=4)
        assert results(pool, fetch_and_resize.work) == first
        pool = coroutines.pool(fetch_and_resize.client_async, in_flight=4, loop="asyncio")
        assert results(pool, fetch_and_resize.work_async) == first
        pool = hybrid.pool(
            fetch_and_resize.client_async,
            in_flight=4,
            workers=2,
            start_method="forkserver",
            loop="asyncio",
        )
        halves = (fetch_and_resize.fetch_async, fetch_and_resize.compute)
        assert results(pool, halves) == first

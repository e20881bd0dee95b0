"""resize_images: a thumbnail of each image of the reader's folder, whatever else lies in it."""

import hashlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PIL", reason="no wheel of Pillow for this Python")

from PIL import Image

from workloads import resize_images
from workloads.models import processes, serial, threads
from workloads.models.failure import Failure, attempt
from workloads.resize_images import BOX, Job, Thumbnail


def photo(width: int = 800, height: int = 600, form: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(buffer, form)
    return buffer.getvalue()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "folder.jpg").mkdir(parents=True)
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    return folder


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_image_becomes_a_thumbnail(images: Path, results: Path) -> None:
    (images / "a.jpg").write_bytes(photo())
    (job,) = resize_images.jobs(images, results, None)
    made = resize_images.work(job)
    content = (results / "000000-a.jpg").read_bytes()
    checksum = hashlib.sha256(content).hexdigest()
    assert made == Thumbnail("000000-a.jpg", BOX, BOX * 3 // 4, len(content), checksum)
    with Image.open(io.BytesIO(content)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (BOX, BOX * 3 // 4))


def test_ctrl_c_while_writing_leaves_nothing(
    images: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (images / "a.jpg").write_bytes(photo())

    def interrupted(self: Path, _target: Path) -> None:
        assert self.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        resize_images.work(next(resize_images.jobs(images, results, None)))
    assert left(results) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_image_fails_alone_and_alike_under_every_model(
    images: Path, results: Path
) -> None:
    contents: dict[bytes, bytes] = {
        b"a.jpg": photo(),
        b"caf\xe9.jpg": photo(),
        b"cut.jpg": photo()[:2000],
        b"empty.png": b"",
        b"folder.jpg/b.png": photo(form="PNG"),
        b"l" * 250 + b".jpg": photo(),
        b"new\nline \x1b[2J.jpg": b"<svg/>",
    }
    for name, content in contents.items():
        Path(os.fsdecode(os.fsencode(images) + b"/" + name)).write_bytes(content)
    os.mkfifo(images / "fifo.jpg")
    (images / "zero.jpg").symlink_to("/dev/zero")
    (images / "loop.jpg").symlink_to("loop.jpg")

    def made(pool: Any) -> list[Any]:
        with pool as run:
            return list(run(resize_images.work, resize_images.jobs(images, results, None)))

    first = made(serial.pool(None))
    broken = "not an image, or a broken one"
    assert [result for result in first if isinstance(result, Failure)] == [
        Failure("ImageError", f"{name}: {broken}")
        for name in ("cut.jpg", "empty.png", "new\nline \x1b[2J.jpg")
    ]
    names = [result.name for result in first if isinstance(result, Thumbnail)]
    assert names == left(results)
    assert len(names) == 4
    assert made(threads.pool(None, in_flight=4)) == first
    assert made(processes.pool(None, workers=2, start_method="forkserver")) == first


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs")
def test_an_image_that_is_a_fifo_or_gone_when_its_job_comes_fails_alone(
    images: Path, results: Path
) -> None:
    for name in ("a.jpg", "b.jpg"):
        (images / name).write_bytes(photo())
    fifo, gone = resize_images.jobs(images, results, None)
    fifo.source.unlink()
    os.mkfifo(fifo.source)
    gone.source.unlink()
    assert attempt(resize_images.work, fifo) == Failure("ImageError", "a.jpg: no regular file")
    said = attempt(resize_images.work, gone)
    assert isinstance(said, Failure)
    assert said.type == "FileNotFoundError"
    assert left(results) == []


def test_jobs_go_round_the_images_and_their_targets_differ(images: Path, results: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (images / name).write_bytes(b"")
    assert [*resize_images.jobs(images, results, 3)] == [
        Job(images / "a.jpg", results / "000000-a.jpg"),
        Job(images / "b.jpg", results / "000001-b.jpg"),
        Job(images / "a.jpg", results / "000002-a.jpg"),
    ]

"""The photos to fetch: made ones of a megapixel and more, or the reader's own."""

import io
import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from conlab.errors import UserError
from conlab.origin import Origin, OriginError, Settings, serve
from conlab.origin.photos import ORIENTATION, SHAPES, load_photos


def manifest(origin: Origin, path: Path, count: int) -> list[dict[str, Any]]:
    origin.write_photo_manifest(path, count)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_photo_manifest_describes_what_is_served(
    origin: Origin, client: httpx.Client, tmp_path: Path
) -> None:
    pytest.importorskip("PIL", reason="photos are made with Pillow, which is not installed")
    lines = manifest(origin, tmp_path / "photos.jsonl", 12)
    assert len({line["url"] for line in lines}) == len({line["name"] for line in lines}) == 12
    assert len({line["sha256"] for line in lines}) == len(SHAPES)
    for line in lines:
        answer = client.get(line["url"])
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert len(answer.content) == line["size"]
        assert sha256(answer.content).hexdigest() == line["sha256"]


def test_made_photos_are_jpegs_of_a_megapixel_and_more_and_some_are_turned(
    origin: Origin, client: httpx.Client, tmp_path: Path
) -> None:
    image = pytest.importorskip(
        "PIL.Image", reason="photos are made with Pillow, which is not installed"
    )
    orientations = set()
    for line in manifest(origin, tmp_path / "photos.jsonl", len(SHAPES)):
        with image.open(io.BytesIO(client.get(line["url"]).content)) as photo:
            photo.load()
            assert photo.format == "JPEG"
            assert photo.width * photo.height >= 1_000_000
            orientations.add(photo.getexif()[ORIENTATION])
    assert len(orientations) > 2


def test_the_same_seed_makes_the_same_photos_and_another_seed_others() -> None:
    pytest.importorskip("PIL", reason="photos are made with Pillow, which is not installed")
    first, again, other = (
        [photo.sha256 for photo in load_photos(Settings(seed=seed))] for seed in (1, 1, 2)
    )
    assert first == again
    assert not set(first) & set(other)


def test_the_readers_own_photos_are_served_as_they_are(
    client: httpx.Client, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    bodies = {"b.PNG": b"not quite a PNG", "a.jpg": b"x" * 400_000}
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    (folder / "notes.txt").write_text("no photo")
    with serve(Settings(sites=1, photos=folder)) as origin:
        lines = manifest(origin, tmp_path / "photos.jsonl", 4)
        assert [line["name"] for line in lines] == [
            "000000.jpg",
            "000001.png",
            "000002.jpg",
            "000003.png",
        ]
        received = [client.get(line["url"]).content for line in lines]
        assert received == [bodies["a.jpg"], bodies["b.PNG"]] * 2
        part = client.get(lines[0]["url"], headers={"Range": "bytes=399990-"})
        assert (part.status_code, part.content) == (206, b"x" * 10)


def test_a_failure_of_the_origins_own_is_an_error_at_the_next_log(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken" / "PIL"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ZeroDivisionError")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    with serve(Settings(sites=1)) as origin:
        assert client.get(f"{origin.urls[0]}photos/0.jpg").status_code == 500
        with pytest.raises(OriginError, match=r"(?s)own code failed.*ZeroDivisionError"):
            origin.take_log()
        assert origin.take_log().served == ()


def test_without_pillow_the_refusal_says_what_to_install_or_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UserError, match="made with Pillow, which is not installed") as refusal:
        load_photos(Settings())
    assert "\n" not in str(refusal.value)


def test_a_refusal_in_the_origins_process_is_one_in_ours(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hiding = tmp_path / "hiding" / "PIL"
    hiding.mkdir(parents=True)
    (hiding / "__init__.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(hiding.parent))
    with serve(Settings(sites=1)) as origin:
        with pytest.raises(UserError, match="install it"):
            origin.write_photo_manifest(tmp_path / "photos.jsonl", 1)
        answer = client.get(f"{origin.urls[0]}photos/0.jpg")
        assert (answer.status_code, "install it" in answer.text) == (503, True)
    assert not (tmp_path / "photos.jsonl").exists()

"""The files to download: as the manifest says, whole or by the piece, at no cost in memory."""

import json
import random
import tracemalloc
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from conlab.errors import UserError
from conlab.origin import Origin
from conlab.origin.files import BLOCK, file_resource, file_sha256
from conlab.origin.resources import PIECE


def whole(number: int, size: int) -> bytes:
    return b"".join(file_resource(7, number, size).read(0, size))


@pytest.mark.parametrize("number", [0, 1, 131, 999_999])
def test_a_part_of_a_file_is_that_part_of_the_whole(number: int) -> None:
    size = BLOCK + 300_000  # so that some parts run past the end of the block
    chance = random.Random(number)
    body = whole(number, size)
    for _ in range(100):
        start, stop = sorted(chance.choices([*range(60), *range(0, size + 1, 4999)], k=2))
        assert b"".join(file_resource(7, number, size).read(start, stop)) == body[start:stop]


def test_a_file_is_read_in_bounded_pieces_of_its_size_in_all() -> None:
    size = 2 * BLOCK + 12_345
    lengths = [len(piece) for piece in file_resource(7, 3, size).read(0, size)]
    assert sum(lengths) == size
    assert max(lengths) <= PIECE


def test_no_two_files_are_alike() -> None:
    files = {whole(number, size) for number in range(500) for size in (99, 100)}
    assert len(files) == 1000


def test_another_seed_makes_other_files() -> None:
    assert file_sha256(1, 0, 1000) != file_sha256(2, 0, 1000)


def test_the_manifest_describes_what_is_served(
    origin: Origin, client: httpx.Client, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.jsonl"
    origin.write_manifest(manifest, count=6, size=100_000)
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert [line["name"] for line in lines] == [f"{number:06}.bin" for number in range(6)]
    assert {line["url"].partition("files/")[0] for line in lines} == set(origin.urls)
    for line in lines:
        body = client.get(line["url"]).content
        assert (len(body), sha256(body).hexdigest()) == (line["size"], line["sha256"])


def test_a_large_file_is_served_whole(origin: Origin, client: httpx.Client) -> None:
    size = 5 * BLOCK + 1
    body = client.get(f"{origin.urls[0]}files/3?size={size}").content
    assert sha256(body).hexdigest() == file_sha256(7, 3, size)


def test_an_empty_file_is_served(origin: Origin, client: httpx.Client) -> None:
    answer = client.get(f"{origin.urls[0]}files/3?size=0")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("query", ["size=-1", "size=x", "size=99999999999999999999", "size=²"])
def test_a_file_of_impossible_size_is_not_there(
    origin: Origin, client: httpx.Client, query: str
) -> None:
    assert client.get(f"{origin.urls[0]}files/3?{query}").status_code == 404


def test_a_manifest_of_ten_thousand_files_is_written_without_holding_it(
    origin: Origin, tmp_path: Path
) -> None:
    origin.write_manifest(tmp_path / "warm-up.jsonl", count=1, size=10)
    tracemalloc.start()
    try:
        origin.write_manifest(tmp_path / "manifest.jsonl", count=10_000, size=10)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "manifest.jsonl").stat().st_size > 1_000_000
    assert peak < 200_000


@pytest.mark.parametrize(("count", "size"), [(0, 10), (10, 0), (1.5, 10), (10**9, 10)])
def test_a_manifest_of_no_sense_is_refused(
    origin: Origin, tmp_path: Path, count: int, size: int
) -> None:
    with pytest.raises(UserError, match="it should be a whole number from 1 to"):
        origin.write_manifest(tmp_path / "manifest.jsonl", count, size)
    assert list(tmp_path.iterdir()) == []

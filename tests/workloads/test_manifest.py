"""A manifest of somebody else's: nothing leaves the folder, and a bad name costs its own job."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PIL", reason="no wheel of Pillow for this Python")

from tests.workloads.scripted import Say, scripted
from workloads import download_files, fetch_and_resize
from workloads.manifest import LONGEST_NAME, ManifestError, entries
from workloads.models import coroutines, hybrid, serial, threads
from workloads.models.failure import Failure

URL = "http://example.test/a"

NO_FILE_OF_THE_FOLDER = (
    "", ".", "..", "../x", "/etc/x", "a/b", "a/", "./a",
    "..\\x", "a\\b", "C:x", "C:\\x", "\\\\h\\s\\x",
)  # fmt: skip
REFUSED = {
    **dict.fromkeys(NO_FILE_OF_THE_FOLDER, "it is not that of a file in the folder"),
    **dict.fromkeys(("a\0b", "a\nb", "\x1b[2J", "a\x9bb", "\ud800"), "it holds what is no letter"),
    **dict.fromkeys(("a.part", "A.PART", ".part"), "files that are not whole yet are called so"),
    **dict.fromkeys(("x" * 300, "é" * 126), "it is longer than 250 bytes"),
}
TAKEN = (
    "a",
    "a b.bin",
    "...",
    ".hidden",
    "%2e%2e%2f",
    "-rf",
    "日本語.jpg",
    "x" * LONGEST_NAME,
    "a..b",
)


def written(path: Path, *lines: Any) -> Path:
    """A manifest of these lines; what is no text is written as JSON."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), "utf-8")
    return path


def named(name: str, url: str = URL) -> dict[str, str]:
    return {"url": url, "name": name}


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_no_file_can_have_is_a_flaw_of_its_line_alone(
    tmp_path: Path, name: str
) -> None:
    manifest = written(tmp_path / "manifest", named("a"), named(name), named("b"))
    first, flawed, last = entries(manifest, tmp_path)
    assert (first.flaw, first.target) == (None, tmp_path / "a")
    assert (last.flaw, last.target) == (None, tmp_path / "b")
    assert flawed.flaw == f"{URL}: the name {name[:80]!a} cannot be had: {REFUSED[name]}"
    assert flawed.target.parent == tmp_path


@pytest.mark.parametrize("name", TAKEN)
def test_any_other_name_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    (entry,) = entries(written(tmp_path / "manifest", named(name)), tmp_path)
    assert (entry.target, entry.flaw) == (tmp_path / name, None)


def test_of_two_lines_with_one_name_the_first_has_it(tmp_path: Path) -> None:
    manifest = written(tmp_path / "manifest", named("a"), named("b"), named("a"), named("a"))
    flaws = [entry.flaw for entry in entries(manifest, tmp_path)]
    taken = f"{URL}: the name 'a' cannot be had: an earlier line has it"
    assert flaws == [None, None, taken, taken]


def test_a_suffix_comes_before_names_are_compared_and_measured(tmp_path: Path) -> None:
    names = ("a.png", "a.jpg", "../b.png", "x" * LONGEST_NAME)
    manifest = written(tmp_path / "manifest", *map(named, names))
    first, same, outside, long = entries(manifest, tmp_path, suffix=".jpg")
    assert first.target == tmp_path / "a.jpg"
    reasons = [str(entry.flaw).rpartition(": ")[2] for entry in (same, outside, long)]
    assert reasons == [
        "an earlier line has it",
        "it is not that of a file in the folder",
        "it is longer than 250 bytes",
    ]


BROKEN = {
    "no JSON": ("no JSON", "is no JSON in UTF-8"),
    "an empty line": ("", "is no JSON in UTF-8"),
    "endless nesting": ("[" * 200_000, "is no JSON in UTF-8"),
    "a number without an end": ('{"size": ' + "9" * 5000 + "}", "is no JSON in UTF-8"),
    "a list": ([URL, "a"], "should be an object with url and name, both of them text"),
    "no url": ({"name": "a"}, "should be an object with url and name, both of them text"),
    "a name of null": ({"url": URL, "name": None}, "should be an object with url and name"),
    "a size of text": (named("b") | {"size": "3"}, ": size should be whole or null"),
    "a size of true": (named("b") | {"size": True}, ": size should be whole or null"),
    "a size of 1.5": (named("b") | {"size": 1.5}, ": size should be whole or null"),
    "a number for sha256": (named("b") | {"sha256": 3}, ": size should be whole or null, and sha"),
}  # fmt: skip


@pytest.mark.parametrize("line", BROKEN)
def test_a_line_that_cannot_be_read_makes_it_no_manifest_and_is_named(
    tmp_path: Path, line: str
) -> None:
    text, words = BROKEN[line]
    lines = entries(written(tmp_path / "manifest", named("a"), text, named("c")), tmp_path)
    assert next(lines).target == tmp_path / "a"
    with pytest.raises(ManifestError) as refusal:
        next(lines)
    place, _, reason = str(refusal.value).partition("line 2")
    assert (place, reason.strip()[: len(words.strip())]) == ("manifest: ", words.strip())
    assert "\n" not in str(refusal.value)


def test_bytes_that_are_no_utf_8_are_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest").write_bytes(b'{"url": "x", "name": "caf\xe9"}\n')
    with pytest.raises(ManifestError, match=r"^manifest: line 1 is no JSON in UTF-8$"):
        list(entries(tmp_path / "manifest", tmp_path))


# Under the models.


def hostile(folder: Path, url: str) -> Path:
    """A manifest of good names and bad ones, beside an empty folder for what is saved."""
    (folder / "saved").mkdir()
    names = ("a.bin", *REFUSED, "a.bin", "b.bin")
    return written(folder / "manifest", *(named(name, url) for name in names))


def everything(folder: Path) -> list[str]:
    return sorted(os.path.relpath(path, folder) for path in folder.rglob("*"))


def test_downloads_write_nothing_but_the_good_names_and_fail_alone_under_every_model(
    tmp_path: Path,
) -> None:
    with scripted({"/": [Say(b"content")]}) as server:
        manifest = hostile(tmp_path, server.url("/"))

        def results(pool: Any, work: Any) -> list[Any]:
            with pool as run:
                found = list(run(work, download_files.jobs(manifest, tmp_path / "saved")))
            assert everything(tmp_path) == ["manifest", "saved", "saved/a.bin", "saved/b.bin"]
            return found

        first = results(serial.pool(download_files.client), download_files.work)
        bad = first[1:-1]
        assert [result.name for result in (first[0], first[-1])] == ["a.bin", "b.bin"]
        assert {result.type for result in bad} == {"ContentError"}
        assert [result.message.rpartition(": ")[2] for result in bad] == [
            *REFUSED.values(),
            "an earlier line has it",
        ]
        pool = threads.pool(download_files.client, in_flight=8)
        assert results(pool, download_files.work) == first
        for variant in ("", "_httpx"):
            client = getattr(download_files, f"client_async{variant}")
            pool = coroutines.pool(client, in_flight=8, loop="asyncio")
            assert results(pool, getattr(download_files, f"work_async{variant}")) == first


def test_thumbnails_are_written_nowhere_else_under_every_model(tmp_path: Path) -> None:
    with scripted({"/": [Say(b"no image")]}) as server:
        url = server.url("/")
        manifest = hostile(tmp_path, url)

        def results(pool: Any, work: Any) -> list[Any]:
            with pool as run:
                found = list(run(work, fetch_and_resize.jobs(manifest, tmp_path / "saved")))
            assert everything(tmp_path) == ["manifest", "saved"]
            return found

        first = results(serial.pool(fetch_and_resize.client), fetch_and_resize.work)
        broken = Failure("ImageError", f"{url}: not an image, or a broken one")
        assert [result == broken for result in first] == [
            True,
            *[False] * len(REFUSED),
            False,
            True,
        ]
        assert {result.type for result in first} == {"ImageError"}
        pool = threads.pool(fetch_and_resize.client, in_flight=8)
        assert results(pool, fetch_and_resize.work) == first
        pool = coroutines.pool(fetch_and_resize.client_async, in_flight=8, loop="asyncio")
        assert results(pool, fetch_and_resize.work_async) == first
        pool = hybrid.pool(
            fetch_and_resize.client_async,
            in_flight=8,
            workers=2,
            start_method="forkserver",
            loop="asyncio",
        )
        halves = (fetch_and_resize.fetch_async, fetch_and_resize.compute)
        assert results(pool, halves) == first

"""download_files: a file is there whole, verified and under its own name, or nothing is there."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conlab.origin import Faults, Settings, serve
from tests.workloads.scripted import Say, scripted
from tests.workloads.ways import Do
from workloads import download_files
from workloads.download_files import Job, Part, Saved
from workloads.http_client.limits import ATTEMPTS, CHUNK_SIZE
from workloads.manifest import ManifestError
from workloads.models import coroutines, serial, threads
from workloads.models.failure import Failure

CONTENT = bytes(range(256)) * 1024
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SAVED = Saved("file.bin", len(CONTENT), SHA256)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "file.bin"


def left(target: Path) -> list[str]:
    """What is in the folder."""
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_is_saved_under_its_name(do_any: Do, target: Path) -> None:
    with scripted({"/": [Say(CONTENT)]}) as server:
        job = Job(server.url("/"), target, len(CONTENT), SHA256)
        assert do_any(download_files, job) == SAVED
    assert target.read_bytes() == CONTENT
    assert left(target) == ["file.bin"]


def test_a_file_that_nothing_is_known_of_is_saved(do_any: Do, target: Path) -> None:
    with scripted({"/": [Say(CONTENT)]}) as server:
        assert do_any(download_files, Job(server.url("/"), target)) == SAVED


def test_an_empty_file_is_saved(do_any: Do, target: Path) -> None:
    with scripted({"/": [Say()]}) as server:
        assert do_any(download_files, Job(server.url("/"), target, 0)).size == 0
    assert target.read_bytes() == b""


def test_a_file_is_replaced_by_the_new_one(do_any: Do, target: Path) -> None:
    target.write_bytes(b"old")
    target.with_name("file.bin.part").write_bytes(b"of a killed process")
    with scripted({"/": [Say(CONTENT)]}) as server:
        assert do_any(download_files, Job(server.url("/"), target)) == SAVED
    assert target.read_bytes() == CONTENT
    assert left(target) == ["file.bin"]


@pytest.mark.parametrize(
    ("size", "sha256", "words"),
    [
        (None, "0" * 64, "wrong SHA-256"),
        (len(CONTENT) + 1, None, f"{len(CONTENT)} bytes, expected {len(CONTENT) + 1}"),
        (len(CONTENT) - 1, None, f"more than the expected {len(CONTENT) - 1} bytes"),
    ],
    ids=["checksum", "too short", "too long"],
)
def test_the_wrong_file_is_final_and_leaves_nothing(
    do_any: Do, target: Path, size: int | None, sha256: str | None, words: str
) -> None:
    target.write_bytes(b"old")
    with scripted({"/": [Say(CONTENT)]}) as server:
        url = server.url("/")
        result = do_any(download_files, Job(url, target, size, sha256))
        assert result == Failure("ContentError", f"{url}: {words}")
        assert server.asked["/"] == 1
    assert target.read_bytes() == b"old"
    assert left(target) == ["file.bin"]


def test_a_file_without_an_end_is_cut_at_the_expected_size(do_any: Do, target: Path) -> None:
    with scripted({"/": [Say(CONTENT, ending="endless")]}) as server:
        url = server.url("/")
        result = do_any(download_files, Job(url, target, len(CONTENT)))
        expected = f"{url}: more than the expected {len(CONTENT)} bytes"
        assert result == Failure("ContentError", expected)
    assert left(target) == []


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_body_cut_short_leaves_nothing_when_it_is_given_up(
    do_any: Do, target: Path, ending: Any
) -> None:
    with scripted({"/": [Say(CONTENT, promised=len(CONTENT) + 1, ending=ending)]}) as server:
        url = server.url("/")
        assert do_any(download_files, Job(url, target)).type == "BrokenOffError"
        assert server.asked["/"] == ATTEMPTS
    assert left(target) == []


def test_a_body_cut_short_is_fetched_anew_from_its_beginning(do_any: Do, target: Path) -> None:
    cut = Say(CONTENT[:-1], promised=len(CONTENT), ending="close")
    with scripted({"/": [cut, Say(CONTENT)]}) as server:
        assert do_any(download_files, Job(server.url("/"), target, len(CONTENT), SHA256)) == SAVED
    assert target.read_bytes() == CONTENT


def test_404_leaves_nothing(do_any: Do, target: Path) -> None:
    with scripted({}) as server:
        url = server.url("/")
        result = do_any(download_files, Job(url, target))
        assert result == Failure("StatusError", f"{url}: status 404")
    assert left(target) == []


def test_a_folder_that_is_not_there_is_no_reason_to_ask_again(do_any: Do, tmp_path: Path) -> None:
    with scripted({"/": [Say(CONTENT)]}) as server:
        result = do_any(download_files, Job(server.url("/"), tmp_path / "absent" / "file"))
        assert result.type == "FileNotFoundError"
        assert server.asked["/"] == 1


def test_a_chunk_is_never_larger_than_a_chunk(
    do_any: Do, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    write = Part.write

    def measured(self: Part, chunk: bytes) -> None:
        sizes.append(len(chunk))
        write(self, chunk)

    monkeypatch.setattr(Part, "write", measured)
    with scripted({"/": [Say(CONTENT * 40)]}) as server:
        do_any(download_files, Job(server.url("/"), target))
    assert sum(sizes) == len(CONTENT) * 40
    assert max(sizes) <= CHUNK_SIZE


def test_ctrl_c_leaves_nothing(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Part, chunk: bytes) -> None:
        self.file.write(chunk)
        raise KeyboardInterrupt

    monkeypatch.setattr(Part, "write", interrupted)
    with (
        scripted({"/": [Say(CONTENT)]}) as server,
        download_files.client() as client,
        pytest.raises(KeyboardInterrupt),
    ):
        download_files.work(Job(server.url("/"), target), client)
    assert left(target) == []


@pytest.mark.parametrize("variant", ["", "_httpx"])
def test_cancellation_ends_a_download_at_once_and_leaves_nothing(
    target: Path, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()
    write = Part.write

    def seen(self: Part, chunk: bytes) -> None:
        write(self, chunk)
        begun.set()

    async def main(url: str) -> None:
        async with getattr(download_files, f"client_async{variant}")() as client:
            work = getattr(download_files, f"work_async{variant}")
            task = asyncio.create_task(work(Job(url, target), client))
            await begun.wait()
            assert left(target) == ["file.bin.part"]
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert left(target) == []

    monkeypatch.setattr(Part, "write", seen)
    half = Say(CONTENT[:1000], promised=len(CONTENT), ending="silence")
    with scripted({"/": [half]}) as server:
        asyncio.run(main(server.url("/")))
        assert server.asked["/"] == 1


def test_jobs_are_read_from_the_manifest_as_they_are_asked_for(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest"
    known = {"url": "http://example.test/a", "name": "a", "size": 3, "sha256": SHA256}
    unknown = {"url": "http://example.test/b", "name": "b", "size": None, "sha256": None}
    manifest.write_text(f"{json.dumps(known)}\n{json.dumps(unknown)}\nnot JSON\n", "utf-8")
    jobs = download_files.jobs(manifest, tmp_path)
    assert next(jobs) == Job("http://example.test/a", tmp_path / "a", 3, SHA256)
    assert next(jobs) == Job("http://example.test/b", tmp_path / "b")
    with pytest.raises(ManifestError, match=r"^manifest: line 3 is no JSON in UTF-8$"):
        next(jobs)


# Against the origin, under the models.

FAULTS = Faults(
    dropped=0.1,
    reset=0.1,
    truncated=0.1,
    too_many=0.1,
    server_error=0.1,
    corrupt=0.05,
    retry_after=0,
)
COUNT = 60

Results = list[Saved | Failure]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Results]]:
    """Downloads files from an origin where half of the attempts fail, through a ``run``."""
    manifest = tmp_path_factory.mktemp("faulty") / "manifest"
    with serve(Settings(sites=2, faults=FAULTS, seed=1)) as origin:
        origin.write_manifest(manifest, COUNT, 200_000)

        def results(folder: Path, run: Any, work: Any) -> Results:
            origin.reset()
            return list(run(work, download_files.jobs(manifest, folder)))

        yield results


@pytest.fixture
def serially(faulty: Callable[..., Results], tmp_path: Path) -> Results:
    folder = tmp_path / "serial"
    folder.mkdir()
    with serial.pool(download_files.client) as run:
        return faulty(folder, run, download_files.work)


def test_faults_cost_only_the_files_that_they_spoil(serially: Results, tmp_path: Path) -> None:
    saved = [result for result in serially if isinstance(result, Saved)]
    kinds = {result.type for result in serially if isinstance(result, Failure)}
    assert "ContentError" in kinds
    assert kinds <= {"ContentError", "BrokenOffError", "UnavailableError"}
    assert len(saved) > COUNT / 2
    assert left(tmp_path / "serial" / "x") == [result.name for result in saved]
    for result in saved:
        content = (tmp_path / "serial" / result.name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == result.sha256


def test_threads_and_both_event_loop_clients_see_the_faults_that_serial_sees(
    serially: Results, faulty: Callable[..., Results], tmp_path: Path
) -> None:
    with threads.pool(download_files.client, in_flight=8) as run:
        assert faulty(tmp_path, run, download_files.work) == serially
    with coroutines.pool(download_files.client_async, in_flight=8, loop="asyncio") as run:
        assert faulty(tmp_path, run, download_files.work_async) == serially
    with coroutines.pool(download_files.client_async_httpx, in_flight=8, loop="asyncio") as run:
        assert faulty(tmp_path, run, download_files.work_async_httpx) == serially

"""What jobs work on: asked for by name, the same in every run, or the reader's own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conlab.bench import discovery, inputs
from conlab.bench.discovery import Workload
from conlab.bench.inputs import Inputs, make_photos, make_texts
from conlab.errors import UserError
from tests.bench.made import settings, workload

SUITE = {found.name: found for found in discovery.workloads()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three files, one of them in a folder within."""
    for name in ("b.jpg", "a.jpg", "c/c.jpg"):
        path = tmp_path / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"words of {name}")
    return tmp_path / "own"


def supplied(*workloads: Workload, **options: Any) -> Inputs:
    return Inputs(settings(workloads=workloads, **options), small=True)


def jobs_of(found: Workload, **options: Any) -> list[Any]:
    """The jobs of a workload, which are the same when they are asked for again."""
    given = supplied(found, **options)
    try:
        make = given.jobs(found)
        jobs = list(make())
        assert list(make()) == jobs
        return jobs
    finally:
        given.close()


def asking(name: str) -> Workload:
    """A workload of one job: what it was given under that name."""
    contents: dict[str, Any] = {}
    exec(f"def jobs({name}): yield {name}", contents)
    return workload(jobs=contents["jobs"])


def test_jobs_without_parameters_are_given_none() -> None:
    assert jobs_of(workload()) == [0, 1, 2, 3]


def test_a_parameter_with_a_default_may_have_any_name() -> None:
    assert jobs_of(workload(jobs=lambda step=2: range(0, 6, step))) == [0, 2, 4]


def test_a_parameter_that_nothing_is_known_of_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError) as caught:
        supplied(asking("database"))
    assert str(caught.value) == (
        "my_job: jobs() asks for 'database': it should be one of count, folder, images, manifest,"
        " photo_manifest, sites, texts, or have a default"
    )


def test_a_workload_that_cannot_be_imported_asks_for_nothing() -> None:
    supplied(Workload("need_more", None, "no module")).close()


def test_the_number_of_jobs_is_the_workload_s_own() -> None:
    assert jobs_of(workload(JOBS=5, jobs=lambda count: range(count))) == [0, 1, 2, 3, 4]


def test_the_number_of_jobs_may_be_chosen() -> None:
    chosen = workload(JOBS=5, jobs=lambda count: range(count))
    assert jobs_of(chosen, jobs=2) == [0, 1]


def test_jobs_that_do_not_ask_how_many_are_cut_off() -> None:
    assert jobs_of(workload(), jobs=3) == [0, 1, 2]


def test_a_crawl_is_not_cut_off_within_a_site_but_has_fewer_pages() -> None:
    pytest.importorskip("selectolax", reason="selectolax has no wheel for this build")
    given = supplied(SUITE["scrape_sites"], jobs=6)
    try:
        jobs = list(given.jobs(SUITE["scrape_sites"])())
        assert len(jobs) == 2 * inputs.SITES  # robots.txt and front page of each
        assert given.pages() * inputs.SITES == 8
    finally:
        given.close()


# The reader's own


def test_own_images_make_one_job_each(folder: Path) -> None:
    jobs = jobs_of(SUITE["resize_images"], images=folder)
    assert [job.source.name for job in jobs] == ["a.jpg", "b.jpg", "c.jpg"]


def test_own_texts_make_one_job_each(folder: Path) -> None:
    jobs = jobs_of(SUITE["count_words"], texts=folder)
    assert [job.text.name for job in jobs] == ["a.jpg", "b.jpg", "c.jpg"]


def test_own_texts_repeat_if_more_jobs_are_asked_for(folder: Path) -> None:
    jobs = jobs_of(SUITE["count_words"], texts=folder, jobs=4)
    assert [job.text.name for job in jobs] == ["a.jpg", "b.jpg", "c.jpg", "a.jpg"]


def test_own_addresses_make_one_job_each(tmp_path: Path) -> None:
    urls = tmp_path / "urls.txt"
    urls.write_text("\ufeff# two\nhttp://example.org/a\n\n  https://example.org:8080/b?c=d \n")
    jobs = jobs_of(SUITE["download_files"], urls=urls)
    assert [(job.url, job.size, job.sha256) for job in jobs] == [
        ("http://example.org/a", None, None),
        ("https://example.org:8080/b?c=d", None, None),
    ]
    assert len({job.target for job in jobs}) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"example.org/a", "'example.org/a' should be http:// or https:// and a host"),
        (b"ftp://example.org/a", "'ftp://example.org/a' should be http:// or https:// and a host"),
        (b"http:///a", "'http:///a' should be http:// or https:// and a host"),
        (b"http://a:port/", "'http://a:port/' should be http:// or https:// and a host"),
        (b"http://[::1/", "'http://[::1/' should be http:// or https:// and a host"),
        (b"\n# none\n", "it holds no address; one a line would be right"),
        (b"http://\xff/", "it should be text in UTF-8, one address a line"),
    ],
)
def test_a_file_without_right_addresses_is_refused(
    tmp_path: Path, text: bytes, sentence: str
) -> None:
    urls = tmp_path / "urls.txt"
    urls.write_bytes(text)
    with pytest.raises(UserError) as caught:
        supplied(SUITE["download_files"], urls=urls)
    assert str(caught.value) == f"--urls {urls}: {sentence}"


@pytest.mark.parametrize("option", ["images", "texts", "site", "urls"])
def test_own_input_that_no_job_would_read_is_refused(folder: Path, option: str) -> None:
    with pytest.raises(UserError) as caught:
        supplied(SUITE["dispatch_tasks"], **{option: folder})
    assert str(caught.value).startswith(f"--{option} {folder}: of dispatch_tasks none reads it")


def test_a_folder_without_images_cannot_be_fetched_from(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(UserError) as caught:
        supplied(SUITE["fetch_and_resize"], images=tmp_path)
    assert str(caught.value).startswith(f"--images {tmp_path}: it holds no image;")


# Made from a seed


def test_texts_are_the_same_in_every_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "WORDS", 50)
    for name in ("one", "other"):
        make_texts(tmp_path / name)
    texts = bytes_of(tmp_path / "one")
    assert len(set(texts)) == inputs.DISTINCT_TEXTS
    assert bytes_of(tmp_path / "other") == texts


def test_photos_are_the_same_in_every_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL", reason="photos are made with Pillow")
    monkeypatch.setattr(inputs, "PHOTO_PIXELS", (40, 30))
    for name in ("one", "other"):
        make_photos(tmp_path / name, 2)
    photos = bytes_of(tmp_path / "one")
    assert len(set(photos)) == 2
    assert bytes_of(tmp_path / "other") == photos


def bytes_of(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


# From the origin


@pytest.fixture(scope="module")
def given() -> Iterator[Inputs]:
    """Inputs whose origin runs, with one small photo of the reader's own."""
    yield (made := supplied(asking("manifest"), jobs=3))
    made.close()


def test_a_manifest_has_one_line_a_job(given: Inputs) -> None:
    (manifest,) = given.jobs(given.settings.workloads[0])()
    lines = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
    assert [line["size"] for line in lines] == [inputs.FILE_SIZE] * 3


def test_the_origin_runs_once_for_all(given: Inputs) -> None:
    assert given.running_origin() is given.running_origin()
    assert len(given.supply_sites(given.settings.workloads[0])) == inputs.SITES


def test_no_photo_is_made_that_no_job_fetches(given: Inputs) -> None:
    given.running_origin()
    assert "images" not in given.made


def test_what_jobs_wrote_is_removed_before_the_next_round(given: Inputs) -> None:
    folder = given.supply_folder(given.settings.workloads[0])
    (folder / "a").write_text("written")
    (folder / "b").mkdir()
    (folder / "b" / "c").write_text("written")
    given.empty_folder(given.settings.workloads[0])
    assert list(folder.iterdir()) == []


def test_nothing_is_left_when_inputs_are_closed() -> None:
    made = supplied(asking("sites"))
    origin, scratch = made.running_origin(), made.scratch()
    made.close()
    assert not scratch.exists()
    with pytest.raises(Exception, match="origin"):
        origin.cpu_seconds()


def test_sizes_are_recorded_for_what_was_asked(given: Inputs) -> None:
    assert given.sizes(given.settings.workloads[0]) == {"bytes_of_a_file": inputs.FILE_SIZE}


def test_own_input_is_recorded_by_its_path(folder: Path) -> None:
    given = supplied(SUITE["count_words"], texts=folder)
    assert given.sizes(SUITE["count_words"]) == {"texts": str(folder)}

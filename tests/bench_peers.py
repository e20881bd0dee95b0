"""The suite against other programs that do the same, and its memory: run by ``--peers`` alone.

Every pair of rounds gives equal results, or the comparison is an error.
"""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from conlab.bench import floors, inputs
from conlab.bench.discovery import Cell
from conlab.bench.measuring import Matrix
from conlab.bench.peers import (
    Compared,
    Peer,
    PeerAbsent,
    bare,
    curl,
    fastest,
    memory,
    paired_rounds,
    scrapy_crawl,
    vips,
)
from conlab.bench.running import OpenCell, opened
from conlab.bench.sameness import difference
from conlab.origin import Origin, serve
from conlab.origin import Settings as OriginSettings

IN_FLIGHT = 32
NO_SLOWER = 1.0

FILES = 200
FILE_SIZE = 64 * 1024  # bytes
FILES_AWAY = 0.05  # seconds
DOWNLOAD_PAIRS = 15

SITES = 4
PAGES = 500  # pages of a site
PAGES_AWAY = 0.02  # seconds
A_QUARTER_OF_THE_TIME = 0.25
CRAWL_PAIRS = 3  # a crawl by Scrapy takes many times as long as ours

PHOTOS = 24
PHOTO_PIXELS = (2592, 1944)  # 5 megapixels
PHOTO_PAIRS = 7

TASKS = 100_000
TASKS_TO_PROCESSES = 20_000  # which take longer by far
DISPATCH_GOAL = 1.15
DISPATCH_PAIRS = 11

FEW, MANY = 1_000, 10_000
SMALL_FILE = 1024  # bytes

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("label", ["coroutines", "threads"])
def bench_download_files(
    label: str, matrix: Matrix, benchmark: Any, tmp_path: Path, far_files: Origin
) -> None:
    manifest, ours, theirs = tmp_path / "manifest", tmp_path / "ours", tmp_path / "theirs"
    far_files.write_manifest(manifest, FILES, FILE_SIZE)
    ours.mkdir()
    theirs.mkdir()
    cell = named(matrix, "download_files", label)
    jobs = cell.workload.hook("jobs")

    def check(saved: list[Any], fetched: list[tuple[str, int, str]]) -> None:
        assert [(file.name, file.size, file.sha256) for file in saved] == fetched
        for path in ours.iterdir():
            path.unlink()

    with (
        skipped_if_absent(),
        at_work(matrix, cell, lambda: jobs(manifest, ours)) as open_cell,
    ):
        peer = fastest(curl.candidates(manifest, theirs, IN_FLIGHT), tries=2)
        floor = floor_of(matrix, open_cell, far_files)
        compare(matrix, benchmark, open_cell, peer, check, DOWNLOAD_PAIRS, NO_SLOWER, FILES, floor)


@pytest.mark.parametrize("label", ["coroutines", "hybrid"])
def bench_scrape_sites(
    label: str, matrix: Matrix, benchmark: Any, far_sites: Origin, scrapy: Peer
) -> None:
    from workloads.scrape_sites import Page

    cell = named(matrix, "scrape_sites", label)
    jobs = cell.workload.hook("jobs")

    def check(results: dict[str, Any], crawled: dict[str, Any]) -> None:
        ours = {url: page for url, page in results.items() if isinstance(page, Page)}
        theirs = {
            url: Page(title, tuple(map(tuple, items)), tuple(links))
            for url, (title, items, links) in crawled.items()
        }
        assert len(ours) == SITES * PAGES
        assert ours == theirs, difference(ours, theirs)

    with at_work(matrix, cell, lambda: jobs(far_sites.urls)) as open_cell:
        floor = floor_of(matrix, open_cell, far_sites)
        goal = A_QUARTER_OF_THE_TIME
        compare(
            matrix, benchmark, open_cell, scrapy, check, CRAWL_PAIRS, goal, SITES * PAGES, floor
        )


@pytest.mark.parametrize("label", ["threads", "processes"])
def bench_resize_images(
    label: str, matrix: Matrix, benchmark: Any, tmp_path: Path, photos: Path
) -> None:
    from PIL import Image, ImageFilter, ImageStat

    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    cell = named(matrix, "resize_images", label)
    constants = cell.workload.constants()
    jobs = cell.workload.hook("jobs")

    def sizes_and_edges(paths: list[Path]) -> tuple[list[tuple[int, int]], float]:
        sizes, edges = [], 0.0
        for path in paths:
            with Image.open(path) as thumbnail:
                sizes.append(thumbnail.size)
                gray = thumbnail.convert("L").filter(ImageFilter.FIND_EDGES)
                edges += ImageStat.Stat(gray).var[0]
        return sizes, edges

    def check(thumbnails: list[Any], made: list[Path]) -> None:
        our_sizes, our_edges = sizes_and_edges([ours / one.name for one in thumbnails])
        sizes, edges = sizes_and_edges(made)
        assert our_sizes == sizes
        assert our_edges >= edges, "our thumbnails are less sharp than those of vipsthumbnail"
        for path in ours.iterdir():
            path.unlink()

    with (
        skipped_if_absent(),
        at_work(matrix, cell, lambda: jobs(photos, ours, None)) as open_cell,
    ):
        candidates = vips.candidates(
            sorted(photos.iterdir()),
            theirs,
            int(constants["BOX"]),
            int(constants["QUALITY"]),
            matrix.settings.workers,
        )
        peer = fastest(candidates, tries=2)
        compare(matrix, benchmark, open_cell, peer, check, PHOTO_PAIRS, NO_SLOWER, PHOTOS)


@pytest.mark.parametrize(
    "label", ["threads", "coroutines", "processes", "processes_by_8", "processes_by_64"]
)
def bench_dispatch_tasks(label: str, matrix: Matrix, benchmark: Any) -> None:
    cell = named(matrix, "dispatch_tasks", label)
    jobs, work = cell.workload.hook("jobs"), cell.work()

    count = TASKS_TO_PROCESSES if cell.model.name == "processes" else TASKS

    def tasks() -> Iterator[Any]:
        return iter(jobs(count))

    def same(ours: list[Any], theirs: list[Any]) -> None:
        assert len(ours) == count
        assert ours == theirs, difference(ours, theirs)

    chunk = int(label.partition("_by_")[2] or 1)
    workers, start_method = matrix.settings.workers, matrix.settings.start_method
    bare_pool: AbstractContextManager[Peer]
    match cell.model.name:
        case "threads":
            bare_pool = bare.threads(work, tasks, IN_FLIGHT)
        case "coroutines":
            bare_pool = bare.coroutines(work, tasks, IN_FLIGHT)
        case _:
            bare_pool = bare.processes(work, tasks, workers, start_method, chunk)
    with bare_pool as peer, at_work(matrix, cell, tasks) as open_cell:
        compare(matrix, benchmark, open_cell, peer, same, DISPATCH_PAIRS, DISPATCH_GOAL, count)


@pytest.mark.parametrize("label", ["threads", "coroutines"])
def bench_memory_does_not_grow_with_the_number_of_jobs(
    label: str, matrix: Matrix, benchmark: Any, tmp_path: Path, near_files: Origin
) -> None:
    cell = named(matrix, "download_files", label)

    def peak(count: int) -> int:
        manifest, folder = tmp_path / f"manifest-{count}", tmp_path / f"{count}"
        near_files.write_manifest(manifest, count, SMALL_FILE)
        folder.mkdir()
        return memory.peak_of_fresh_process(cell.model.name, IN_FLIGHT, manifest, folder)

    few_peak = peak(FEW)
    benchmark.group = "peers: memory"
    many_peak = benchmark.pedantic(peak, args=(MANY,), rounds=1)
    grown = memory.Grown(cell.id, FEW, MANY, few_peak, many_peak)
    matrix.grown.append(grown)
    benchmark.extra_info.update(dataclasses.asdict(grown) | {"growth": grown.growth})
    assert grown.growth <= memory.GOAL, f"{MANY} jobs took {grown.growth} bytes more than {FEW}"


def named(matrix: Matrix, workload: str, label: str) -> Cell:
    """The cell of that workload and label; skips where the options leave it out."""
    name, _, variant = label.partition("_")
    workloads = {one.name: one for one in matrix.settings.workloads}
    models = {one.name: one for one in matrix.settings.models}
    if workload not in workloads or name not in models:
        pytest.skip(f"{workload} under {name} is left out by --workloads, --workload or --models")
    cell = Cell(workloads[workload], models[name], variant)
    if reason := cell.absent():
        pytest.skip(reason)
    return cell


@contextmanager
def skipped_if_absent() -> Iterator[None]:
    """Skip, by its name and how to get it, what a peer is absent for."""
    try:
        yield
    except PeerAbsent as reason:
        pytest.skip(str(reason))


@contextmanager
def at_work(matrix: Matrix, cell: Cell, jobs: Callable[[], Iterator[Any]]) -> Iterator[OpenCell]:
    """The cell with its pool started, IN_FLIGHT jobs at once."""
    settings = dataclasses.replace(matrix.settings, in_flight=IN_FLIGHT)
    with opened(cell, jobs, settings.for_models(cell.workload.computes_only())) as open_cell:
        yield open_cell


def floor_of(matrix: Matrix, open_cell: OpenCell, origin: Origin) -> float:
    """Seconds of the floor under the cell's jobs."""
    levels: list[Any] = []
    origin.reset()
    open_cell.counting(after_level=lambda: levels.append(origin.take_log()))
    matrix.bandwidth = matrix.bandwidth or floors.loopback_bandwidth()
    return floors.floor_of(levels, IN_FLIGHT, matrix.bandwidth).seconds


def compare(
    matrix: Matrix,
    benchmark: Any,
    open_cell: OpenCell,
    peer: Peer,
    check: Callable[[Any, Any], None],
    pairs: int,
    goal: float,
    jobs: int,
    floor: float | None = None,
) -> None:
    """Run the pairs and leave their figures in the run and in the JSON."""
    benchmark.group = f"peers: {open_cell.cell.workload.name}"
    ours, theirs = paired_rounds(benchmark, open_cell.plain, peer, check, pairs)
    compared = Compared(
        cell=open_cell.cell.id,
        jobs=jobs,
        ours=ours,
        theirs=theirs,
        goal=goal,
        floor=floor,
        name=peer.name,
        version=peer.version,
        command=peer.command,
        tuning=peer.tuning,
    )
    matrix.compared.append(compared)
    benchmark.extra_info.update(compared.figures())


@pytest.fixture(scope="module")
def far_files() -> Iterator[Origin]:
    """An origin whose files are FILES_AWAY."""
    with serve(OriginSettings(seed=inputs.SEED, latency=FILES_AWAY)) as origin:
        yield origin


@pytest.fixture(scope="module")
def near_files() -> Iterator[Origin]:
    """An origin that answers at once."""
    with serve(OriginSettings(seed=inputs.SEED)) as origin:
        yield origin


@pytest.fixture(scope="module")
def far_sites() -> Iterator[Origin]:
    """An origin of four sites of 500 pages."""
    settings = OriginSettings(sites=SITES, pages=PAGES, seed=inputs.SEED, latency=PAGES_AWAY)
    with serve(settings) as origin:
        yield origin


@pytest.fixture(scope="module")
def scrapy(far_sites: Origin) -> Iterator[Peer]:
    """Scrapy in the faster of the two event loops that its documentation names."""
    from workloads.http_client import USER_AGENT
    from workloads.scrape_sites import MAX_PAGE_SIZE

    def crawler(loop: str | None) -> AbstractContextManager[Peer]:
        return scrapy_crawl.crawler(far_sites.urls, IN_FLIGHT, USER_AGENT, MAX_PAGE_SIZE, loop)

    with skipped_if_absent(), crawler(None) as plain, crawler("uvloop.Loop") as with_uvloop:
        yield fastest([plain, with_uvloop], tries=1)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of PHOTOS different photos of PHOTO_PIXELS."""
    folder = tmp_path_factory.mktemp("photos") / "made"
    inputs.make_photos(folder, PHOTOS, PHOTO_PIXELS)
    return folder

"""Whole runs of ``pytest --benchmark-only`` on a reader's own work, small, in a process each."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from conlab.origin import Settings, serve
from tests.bench.made import PYTEST, ROOT
from tests.patience import patience


@dataclass(frozen=True)
class Ended:
    """A run that ended: its status, what it printed and what it wrote."""

    status: int
    said: str
    told: dict[str, Any]

    def figures(self, cell: str) -> Any:
        """What the JSON holds about a cell."""
        name = f"bench_cell[{cell}]"
        return next(b["extra_info"] for b in self.told["benchmarks"] if b["name"] == name)


def run(folder: Path, *arguments: str) -> Ended:
    """Run the benchmarks of the clone from its root, with these options; its cache is nowhere."""
    report, occupied = folder / "report.json", folder / "occupied"
    occupied.touch()
    ended = subprocess.run(
        [
            *(part for part in PYTEST if part != "-pno:cacheprovider"),
            f"-ocache_dir={occupied / 'cache'}",
            "--benchmark-only",
            "-p",
            "tests.bench.quick",
            f"--benchmark-json={report}",
            *arguments,
            "tests/bench_matrix.py",
        ],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(110),
    )
    told = json.loads(report.read_text("utf-8") or "{}") if report.exists() else {}
    return Ended(ended.returncode, ended.stdout + ended.stderr, told)


# A workload of the reader's own


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """One right workload and two that are wrong, in a folder with a space."""
    folder = tmp_path_factory.mktemp("my jobs")
    sources = {
        "ask_database": """
            \"\"\"Wait a little, as a question to a database does.\"\"\"
            import time

            def jobs():
                return range(6)

            def work(job):
                time.sleep(0.02)
                return job * job
            """,
        "forget_await": """
            async def work_async(job):
                return ask(job)

            async def ask(job):
                return job

            def jobs():
                return range(6)

            def work(job):
                return job
            """,
        "always_fail": """
            def jobs():
                return range(6)

            def work(job):
                raise ValueError(f"job {job} has no chance")
            """,
    }
    options = []
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(dedent(source))
        options.append(f"--workload={folder / f'{name}.py'}")
    return run(folder, "--models=threads,processes,coroutines", *options)


def test_an_own_workload_gets_its_table_and_its_verdict(own: Ended) -> None:
    table = own.said.partition("ask_database: 6 jobs")[2]
    for label in ("threads (32)", "processes (", "serial"):
        assert label in table
    assert "absent: coroutines: has no work_async" in table
    assert "each model visited twice" in table
    assert "Leader" in table or "Cannot tell which" in table  # the machine decides
    assert table.count("What starting a pool, and handing over an empty job, took: ") == 1
    assert "Rules of thumb" not in table
    assert own.said.count("ask_database, 6 jobs of ") == 1  # the plan
    assert "Serial was waiting" in table  # what follows from it, the noise of the machine decides


def test_an_own_workload_gets_its_figures(own: Ended) -> None:
    figures = own.figures("ask_database-threads")
    assert (figures["jobs"], figures["failed_jobs"]) == (6, 0)
    assert figures["floor_seconds"] is None
    assert figures["speedup"] is not None  # test_report says of what
    assert own.figures("ask_database-serial")["speedup"] == 1
    assert len(own.figures("ask_database-serial")["visits"]) == 2


def test_what_is_wrong_with_an_own_workload_is_said_in_a_sentence(own: Ended) -> None:
    assert own.status == pytest.ExitCode.USAGE_ERROR
    for sentence in (
        "ERROR: always_fail: every job failed, the first with ValueError: job 0 has no chance",
        "ERROR: forget_await: work_async() gave a coroutine that nobody awaited; await it in there",
    ):
        assert own.said.count(sentence) == 1
        assert own.said.count(sentence.partition("with")[0]) == 1
    assert "Traceback" not in own.said
    assert "ask_database-threads" not in own.said.partition("short test summary")[2]


def test_what_cannot_be_saved_costs_a_line_and_not_the_report(own: Ended) -> None:
    table, line, rest = own.said.partition("Not saved, as it may not be: pytest's cache, in ")
    assert "ask_database: 6 jobs" in table
    assert line
    assert "Warning" not in rest


# The reader's own input


@pytest.fixture(scope="module")
def own_input(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """All of it in one run: images, a site, texts, and addresses on an origin of ours."""
    image = pytest.importorskip("PIL.Image", reason="images are made with Pillow")
    folder = tmp_path_factory.mktemp("my own")
    for name in ("images/2025", "site", "texts"):
        (folder / name).mkdir(parents=True)
    for number in range(3):
        image.new("RGB", (60, 40), (number, 0, 0)).save(folder / f"images/2025/{number}.jpg")
    (folder / "images" / "broken.jpg").write_bytes(b"no image")
    (folder / "site" / "index.html").write_text("<title>Mine</title><a href='b.html'>b</a>")
    (folder / "site" / "b.html").write_text("<title>B</title><a href='/'>a</a><a href='no'>no</a>")
    for number in range(2):
        (folder / "texts" / f"{number}.txt").write_text("so many words " * (number + 1))
    with serve(Settings(sites=1, pages=3)) as origin:
        (folder / "urls.txt").write_text(f"# mine\n{origin.urls[0]}\n{origin.urls[0]}nowhere\n")
        yield run(
            folder,
            "--models=threads",
            "--workloads=count_words,download_files,resize_images,scrape_sites",
            "--latency=1",
            f"--images={folder / 'images'}",
            f"--site={folder / 'site'}",
            f"--texts={folder / 'texts'}",
            f"--urls={folder / 'urls.txt'}",
        )


def test_own_input_runs(own_input: Ended) -> None:
    assert own_input.status == 0, own_input.said
    cells = 9  # two cells each, and count_words' one dict
    if find_spec("selectolax") is None:
        cells = 7
    assert f"{cells} passed" in own_input.said


def test_own_images_are_resized_and_a_broken_one_fails_alone(own_input: Ended) -> None:
    figures = own_input.figures("resize_images-threads")
    assert (figures["jobs"], figures["failed_jobs"]) == (4, 1)
    assert figures["sizes"]["images"].endswith("images")


def test_an_own_site_is_crawled(own_input: Ended) -> None:
    pytest.importorskip("selectolax", reason="selectolax has no wheel for this build")
    figures = own_input.figures("scrape_sites-threads")
    assert figures["jobs"] == 4  # robots.txt, the two pages, and the one that is not there
    assert figures["floor_seconds"] > 0


def test_own_texts_are_counted(own_input: Ended) -> None:
    assert own_input.figures("count_words-threads")["jobs"] == 2


def test_own_addresses_are_downloaded_and_have_no_floor(own_input: Ended) -> None:
    figures = own_input.figures("download_files-threads")
    assert (figures["jobs"], figures["failed_jobs"]) == (2, 1)
    assert figures["floor_seconds"] is None
    assert figures["floor_share"] is None
    table = own_input.said.partition("download_files: 2 jobs")[2].partition("resize_images:")[0]
    assert "of what is possible" not in table
    assert " floor " not in table

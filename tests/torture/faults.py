"""Every fault of the origin's, at several rates, under every model and workload that waits.

``python -m tests.torture.faults WORKLOAD FAULT RATE`` runs all models in a process of its own.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from conlab.bench import discovery
from conlab.bench.inputs import make_photos
from conlab.bench.running import opened
from conlab.origin import Faults, Origin, Settings, serve
from conlab.origin.settings import KINDS
from tests.models.contract import SETTINGS
from tests.torture.case import Case, Tried
from workloads.models.failure import Failure

RATES = (0.1, 0.5, 1.0)
WORKLOADS = ("download_files", "fetch_and_resize", "scrape_sites")
JOBS = 12
LIMIT = 600.0


def cases(_until: ExitStack) -> Iterator[Case]:
    """One for each workload, fault and rate; each is tried under every model."""
    for workload in WORKLOADS:
        for fault in KINDS:
            for rate in RATES:
                yield Case(f"{workload}, {fault}, {rate:g}", partial(run, workload, fault, rate))


def run(workload: str, fault: str, rate: float) -> Tried:
    """Have a child run all models."""
    command = [sys.executable, "-m", "tests.torture.faults", workload, fault, str(rate)]
    began = time.monotonic()
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return Tried(LIMIT, "no end")
    if ended.returncode:
        return Tried(time.monotonic() - began, f"status {ended.returncode}: {ended.stderr[-300:]}")
    said = json.loads(ended.stdout.splitlines()[-1])
    return Tried(max(said["seconds"].values()), " ".join(said["troubles"]))


def main(workload: str, fault: str, rate: float) -> None:
    """Run the workload under each model, and compare with what serial gives."""
    faults = Faults(**{fault: rate}, retry_after=0, slow_seconds=0.2)
    seconds: dict[str, float] = {}
    troubles: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch, "photos")
        make_photos(photos, 2, (400, 300))
        settings = Settings(sites=2, pages=JOBS // 2, faults=faults, photos=photos)
        with serve(settings) as origin:
            expected: Any = None
            chosen = discovery.suite_workload(workload)
            for cell in discovery.cells(chosen, list(discovery.models())):
                if cell.absent():
                    continue
                folder = Path(scratch, "results")
                folder.mkdir(exist_ok=True)
                jobs = partial(jobs_of, cell.workload, origin, folder)
                origin.reset()
                began = time.monotonic()
                with opened(cell, jobs, SETTINGS) as open_cell:
                    result = open_cell.plain()
                seconds[cell.label] = time.monotonic() - began
                results = list(result.values()) if isinstance(result, dict) else list(result)
                expected = results if expected is None else expected
                bare = [one for one in results if one is None]
                if bare or len(results) != len(expected) or results != expected:
                    troubles.append(f"{cell.label}: other results than serial")
                failed = [one for one in results if isinstance(one, Failure)]
                strange = [one for one in failed if not one.type.endswith("Error")]
                if strange:
                    troubles.append(f"{cell.label}: {strange[0]!r:.200}")
                if left := [*folder.glob("*.part")]:
                    troubles.append(f"{cell.label}: left {left[0].name}")
                for path in folder.iterdir():
                    path.unlink()
    print(json.dumps({"seconds": seconds, "troubles": troubles}))


def jobs_of(workload: discovery.Workload, origin: Origin, folder: Path) -> Iterator[Any]:
    """The jobs of a workload, with input from that origin."""
    make = workload.hook("jobs")
    if workload.name == "scrape_sites":
        yield from make(origin.urls)
        return
    manifest = folder.with_name("manifest")
    if workload.name == "download_files":
        origin.write_manifest(manifest, JOBS, 200_000)
    else:
        origin.write_photo_manifest(manifest, JOBS)
    yield from make(manifest, folder)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))

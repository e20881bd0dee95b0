"""Runs real jobs again and again, idle and with busy loops beside, and counts the right readings.

Not in the default run: ``python -m tests.bench.readings.real_jobs --times 10``. It goes on where it
was left (``--file``), and prints what it has. ``--record`` keeps the figures of one run of each job
in recorded/, from which test_recorded.py reads.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SHARED = ROOT.parent / "shared" / "cases" / "jobs"
SERVER = SHARED / "right" / "http_requests_server.py"
MODELS = "serial,threads,processes,coroutines"
LIMIT = 600.0  # seconds for one job under all models
BUSY = "while True: pass"
EXPECTED: dict[Path, tuple[str, ...]] = {  # the readings that each job must get, in their order
    HERE / "jobs" / "semaphore_of_four.py": ("shared",),
    HERE / "jobs" / "pool_of_one.py": ("shared inside a process",),
    HERE / "jobs" / "locked_file.py": ("shared by all",),
    HERE / "jobs" / "lock_in_one_half.py": ("shared in one half",),
    HERE / "jobs" / "blocks_after_await.py": ("blocked loop",),
    HERE / "jobs" / "zipped_inputs.py": ("made one by one",),
    HERE / "jobs" / "huge_member.py": ("straggler",),
    HERE / "jobs" / "big_results.py": ("big results",),
    HERE / "jobs" / "singular_values.py": ("parallel inside",),
    HERE / "jobs" / "pool_inside.py": ("parallel inside",),
    HERE / "jobs" / "tiny.py": ("too short",),
    HERE / "jobs" / "plain_sleep.py": (),
    HERE / "jobs" / "plain_python.py": (),
    HERE / "jobs" / "waits_and_computes.py": (),
    SHARED / "right" / "rate_limited.py": ("shared inside a process",),
    SHARED / "right" / "lock_job.py": ("shared inside a process",),
    SHARED / "right" / "async_blocking.py": ("blocked loop",),
    SHARED / "right" / "matmul.py": ("parallel inside",),
    SHARED / "right" / "two_cores_already.py": ("parallel inside",),
    SHARED / "right" / "gzip_files.py": ("made one by one",),
    SHARED / "right" / "straggler.py": ("straggler",),
    SHARED / "right" / "http_requests.py": ("two libraries",),
    SHARED / "right" / "sleepy_api.py": (),
    SHARED / "right" / "sleepy_async.py": (),
    SHARED / "mistakes" / "some_raise.py": ("too short",),
}


def main() -> None:
    """Run what is not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--busy", default="0,1", help="numbers of busy loops (default: 0,1)")
    parser.add_argument("--only", default="", help="part of a file's path")
    parser.add_argument("--file", type=Path, default=Path("real_jobs.jsonl"))
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    chosen = {job: kinds for job, kinds in EXPECTED.items() if options.only in str(job)}
    loops = [int(part) for part in options.busy.split(",")]
    done = read(options.file)
    with running([sys.executable, str(SERVER)] if SERVER.exists() else []):
        for number in range(options.times):
            for busy in loops:
                for job in filter(Path.exists, chosen):
                    key = [str(job), busy, number]
                    if key in [row["key"] for row in done]:
                        continue
                    run = measured(job, busy)
                    if options.record and run["case"]:
                        record(job, run["case"])
                    done.append({"key": key, "kinds": run["kinds"], "load": os.getloadavg()[0]})
                    with options.file.open("a") as file:
                        file.write(json.dumps(done[-1]) + "\n")
    for line in table(done, chosen, loops):
        print(line)


def read(path: Path) -> list[dict[str, Any]]:
    """What earlier runs have left."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def measured(job: Path, busy: int) -> dict[str, Any]:
    """One run of a job: its readings, and its figures; empty if it gave none."""
    with tempfile.TemporaryDirectory() as folder, running(*[[sys.executable, "-c", BUSY]] * busy):
        written = Path(folder) / "figures.json"
        subprocess.run(
            [sys.executable, "-m", "conlab", "measure", job, "--models", MODELS, "--json", written],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT,
            check=False,
        )
        if not written.exists():
            return {"kinds": None, "case": None}
        figures = json.loads(written.read_text())["concurrency_lab"]
    kinds = [one["kind"] for one in figures["readings"][job.stem]]
    return {"kinds": kinds, "case": figures["cases"].get(job.stem)}


@contextmanager
def running(*commands: list[str]) -> Iterator[None]:
    """Processes that run beside, and are ended."""
    processes = [
        subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands if command
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def record(job: Path, case: dict[str, Any]) -> None:
    """Keep the figures for the tests, no more digits than they have."""
    rounded = json.loads(json.dumps(case), parse_float=lambda text: float(f"{float(text):.4g}"))
    path = HERE / "recorded" / f"{job.stem}.json"
    path.write_text(json.dumps(rounded, indent=1) + "\n")


def table(
    done: list[dict[str, Any]], chosen: dict[Path, tuple[str, ...]], loops: list[int]
) -> Iterator[str]:
    """How often each job got the right readings, and what else it got."""
    yield "| job | busy loops | load | right | of | else |"
    yield "|---|---|---|---|---|---|"
    for job, kinds in chosen.items():
        for busy in loops:
            runs = [row for row in done if row["key"][:2] == [str(job), busy]]
            if not runs:
                continue
            wrong = [row["kinds"] for row in runs if row["kinds"] != list(kinds)]
            load = sum(row["load"] for row in runs) / len(runs)
            others = "; ".join(sorted({str(one) for one in wrong}))
            right = len(runs) - len(wrong)
            yield f"| {job.stem} | {busy} | {load:.1f} | {right} | {len(runs)} | {others} |"


if __name__ == "__main__":
    main()

"""Saved runs made by hand: files as pytest-benchmark and the bench write them, small."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
RESIZE = "resize_images-threads"


def commit_id(number: int) -> str:
    """Forty digits, of which seven tell commits apart."""
    return f"{number:03d}c0de" + "0" * 33


def ratio(of: str, value: Any, kind: str = "speedup", jobs: int | None = 32) -> dict[str, Any]:
    """A ratio as the bench writes it."""
    return {"ratio": kind, "of": of, "jobs": jobs, "value": value}


def serial(workload: str, seconds: float) -> dict[str, Any]:
    """A serial cell among the benchmarks of a run."""
    name = f"bench_cell[{workload}-serial]"
    return {"name": name, "extra_info": {"jobs": 32}, "stats": {"median": seconds}}


def theirs(number: int, seconds: dict[str, float], version: str, /, **changes: Any) -> Any:
    """A run of another project, as pytest-benchmark 4 or 5 writes it by itself."""
    told = saved(number, [], **changes)
    del told["concurrency_lab"]
    for name in ("free_threaded", "gil", "usable_cores"):
        del told["machine_info"][name]
    told["machine_info"]["cpu"] |= {"count": 4, "hz_actual": [2_400_000_000 + number, 0]}
    told["version"] = version
    if version.startswith("4"):  # no zone, as by utcnow()
        told["datetime"] = told["datetime"].removesuffix("+00:00")
    told["benchmarks"] = [
        {
            "group": None,
            "name": fullname.partition("::")[2],
            "fullname": fullname,
            "params": None,
            "param": None,
            "extra_info": {},
            "options": {"disable_gc": False, "timer": "perf_counter", "min_rounds": 5},
            "stats": {"min": value * 0.9, "max": value * 2, "median": value, "rounds": 9},
        }
        for fullname, value in seconds.items()
    ]
    return told


def saved(number: int, ratios: Iterable[dict[str, Any]], /, **changes: Any) -> dict[str, Any]:
    """What is in a file: the run of commit ``number``, an hour after it; fields may be changed.

    A change names the field, or the field in machine_info, commit_info or concurrency_lab.
    """
    committed = BEGAN + timedelta(days=number)
    told: dict[str, Any] = {
        "machine_info": {
            "node": "bench1",
            "processor": "",
            "machine": "x86_64",
            "python_implementation": "CPython",
            "python_version": "3.14.0",
            "system": "Linux",
            "cpu": {"brand_raw": "Fast Processor 9000"},
            "free_threaded": False,
            "gil": True,
            "usable_cores": 2,
        },
        "commit_info": {
            "id": commit_id(number),
            "time": committed.isoformat(),
            "dirty": False,
            "branch": "main",
        },
        "benchmarks": [],
        "datetime": (committed + timedelta(hours=1)).isoformat(),
        "concurrency_lab": {
            "in_flight": 32,
            "workers": 2,
            "start_method": "forkserver",
            "loop": "asyncio",
            "cluster": "local",
            "latency_seconds": 0.02,
            "data": {},
            "ratios": list(ratios),
        },
    }
    for name, value in changes.items():
        inside = next(
            (part for part in told.values() if isinstance(part, dict) and name in part), told
        )
        inside[name] = value
    return told


def write(folder: Path, told: Any, name: str | None = None) -> Path:
    """Put a run into a storage, numbered as pytest-benchmark does."""
    machine = folder / "Linux-CPython-3.14-64bit-gil-2cores"
    machine.mkdir(parents=True, exist_ok=True)
    path = machine / (name or f"{len(list(machine.iterdir())) + 1:04}_run.json")
    path.write_text(told if isinstance(told, str) else json.dumps(told), "utf-8")
    return path


def write_series(folder: Path, values: Sequence[float], of: str = RESIZE, **changes: Any) -> None:
    """A run a commit, with one speedup."""
    for number, value in enumerate(values):
        write(folder, saved(number, [ratio(of, value)], **changes))

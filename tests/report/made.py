"""Documents and witnesses made by hand, for the tests of the page."""

from collections.abc import Sequence
from typing import Any

from conlab.explorer.outcomes import Deadlocked, Outcome, Returned, Waiting
from conlab.explorer.witnesses.accesses import Access
from conlab.explorer.witnesses.holds import Hold
from conlab.explorer.witnesses.steps import Step
from conlab.explorer.witnesses.witness import Witness

EVIL = "<script>alert(1)</script>"
MODELS = ("serial", "threads", "processes", "coroutines")


def benchmark(workload: str, model: str, seconds: float, **extra: Any) -> dict[str, Any]:
    """A cell of a saved run."""
    return {
        "name": f"bench_cell[{workload}-{model}]",
        "fullname": f"tests/bench_matrix.py::bench_cell[{workload}-{model}]",
        "group": workload,
        "stats": {
            "median": seconds, "q1": seconds * 0.95, "q3": seconds * 1.1, "rounds": 12,
            "data": [seconds] * 12,
        },
        "extra_info": {
            "workload": workload, "model": model, "variant": "", "settings": {"workers": 2},
            "jobs": 32, "failed_jobs": 0, "visits": [seconds, seconds], "speedup": 0.4 / seconds,
            "floor_seconds": 0.05, "floor_share": 0.05 / seconds, "work_law_seconds": 0.02,
            "in_flight": 3.5, "cores_busy": 1.2, "cpu_seconds": 0.3, "memory_added_bytes": 5 << 20,
            "pool_start_seconds": 0.01, "leads": model == "threads",
        } | extra,
    }  # fmt: skip


def run(
    workloads: Sequence[str] = ("download_files",), models: Sequence[str] = MODELS, **ours: Any
) -> dict[str, Any]:
    """A saved run: in each workload threads lead."""
    times = {"serial": 0.4, "threads": 0.1}
    return {
        "machine_info": {
            "python_version": "3.14.1", "python_implementation": "CPython", "system": "Linux",
            "machine": "x86_64", "cpu": {"brand_raw": "A processor"},
        },
        "commit_info": {"id": "0123456789abcdef", "dirty": True},
        "datetime": "2026-11-30T12:00:00+00:00",
        "version": "5.2.0",
        "benchmarks": [
            benchmark(workload, model, times.get(model, 0.15 + at / 1000))
            for workload in workloads
            for at, model in enumerate(models)
        ],
        "concurrency_lab": {
            "command": "pytest --benchmark-only",
            "python": "CPython 3.14.1",
            "gil": True,
            "usable_cores": 2,
            "verdicts": {
                name: ["Leader: threads, 4.0 times serial.", "Serial was waiting 98% of its time."]
                for name in workloads
            },
            "remarks": {},
            "absent": {f"{name}-interpreters": "needs Python 3.14" for name in workloads[:1]},
            "warnings": [],
            "pools": {
                "threads": {
                    "start": 1e-4, "spread": 0.1, "stop": 1e-4, "job": 2e-5, "worth_from": 4e-5,
                    "worth_for": "wait",
                },
                "processes": {
                    "start": 0.08, "spread": 0.1, "stop": 0.01, "job": 1e-4, "worth_from": 4e-4,
                    "worth_for": "compute or wait",
                },
            },
            "growth": {},
        }
        | ours,
    }  # fmt: skip


def growth(levels: Sequence[int] = (1, 2, 4, 8), option: str = "workers") -> list[dict[str, Any]]:
    """What a run keeps of one workload's levels."""
    return [
        {
            "option": option,
            "models": {
                name: [
                    {
                        "level": level, "seconds": 1 / level, "low": 0.9 / level,
                        "high": 1.2 / level, "cpu": 1.0, "memory": level << 20,
                        "speedups": [level * share, level * share * 0.9, level * share * 1.1],
                    }
                    for level in levels
                ]
                for name, share in (("processes", 0.8), ("threads", 0.4))
            },
            "laws": {
                "processes": {
                    "curve": [[level, level * 0.8] for level in levels], "scale": 1, "knee": None,
                },
                "threads": "no scalability law is fitted to 4 levels",
            },
            "sentences": ["threads: no scalability law is fitted to 4 levels."],
        }
    ]  # fmt: skip


def comparison() -> dict[str, Any]:
    """A saved comparison of two versions."""

    def judged(verdict: str, estimate: float) -> dict[str, Any]:
        return {
            "verdict": verdict, "estimate": estimate, "low": estimate - 0.03,
            "high": estimate + 0.04, "pairs": 16,
        }  # fmt: skip

    cells = [
        {
            "cell": "count_words-threads", "verdict": "slower", "absent": None, "failure": None,
            "by_cpu": False, "wall": judged("slower", 0.2), "cpu": judged("slower", 0.18),
            "other_clocks": {"memory": judged("no change that matters", 0.0)},
            "slower_by": ["wall"],
        },
        {
            "cell": "count_words-serial", "verdict": "no change that matters", "absent": None,
            "failure": None, "by_cpu": False, "wall": judged("no change that matters", 0.01),
            "cpu": None, "other_clocks": {}, "slower_by": [],
        },
        {
            "cell": "gone_away", "verdict": None, "absent": "the old side lacks it",
            "failure": None, "wall": None, "cpu": None, "other_clocks": {}, "slower_by": [],
        },
    ]  # fmt: skip
    given = {
        "versus": "main", "alpha": 0.01, "matters": 0.05, "cells": cells, "gone": ["old_cell"],
        "sides": [
            {"name": "main", "python": "CPython 3.14.1", "notes": []},
            {"name": "working tree", "python": "CPython 3.14.1", "notes": ["changed"]},
        ],
    }  # fmt: skip
    return {"concurrency_lab": {"comparison": given}}


def history(commits: int = 12) -> dict[str, Any]:
    """A saved history with a change in its middle."""
    values = [
        {
            "commit": f"{at:08x}deadbeef", "committed": f"2026-11-{at + 1:02}T00:00:00+00:00",
            "runs": 3, "median": 3.0 if at < commits // 2 else 2.0, "low": 1.9, "high": 3.1,
            "changed_here": at == commits // 2, "level": 3.0 if at < commits // 2 else 2.0,
        }
        for at in range(commits)
    ]  # fmt: skip
    series = {"kind": "speedup", "of": "download_files-threads", "jobs": 32, "values": values}
    return {
        "changes_are_marked": True,
        "histories": [
            {"python": "CPython 3.14", "cpu": "A processor", "system": "Linux", "series": [series]}
        ],
    }


def scoreboard() -> dict[str, Any]:
    """A saved scoreboard of two tools and two pairs."""
    return {
        "scoreboard": {
            "measured": "2026-11-30",
            "tools": {"ruff": {"version": "0.15"}, "pyleak": {"absent": "not installed"}},
            "cells": {
                "races/lost_update": {"ruff": {}, "pyleak": {}},
                "cancellation/swallowed": {
                    "ruff": {"default": {"found": ["BLE001"]}, "best": {"false_alarms": ["S112"]}}
                },
            },
        }
    }


def step(thread: str, line: int, source: str, **more: Any) -> Step:
    """A step of a witness, in a file that is not there."""
    return Step(
        thread, "/nowhere/bank.py", line, "program", more.pop("accesses", ()), source=source, **more
    )


def witness(
    steps: Sequence[Step] = (),
    outcome: Outcome | None = None,
    holds: Sequence[Hold] = (),
    program: str = "bank.py:program",
) -> Witness:
    """A witness: without steps, that of a lost update under a lock that one thread alone takes."""
    read = (Access("balance", writes=False, value="100"),)
    wrote = (Access("balance", writes=True, value="100 -> 110"),)
    usual = [
        step("main", 3, "balance = 100"),
        step("Thread-1", 7, "with lock:"),
        step("Thread-1", 8, "before = balance", accesses=read, racing=("balance",)),
        step("Thread-2", 12, "balance += 10", accesses=wrote, racing=("balance",)),
        step("Thread-1", 9, "balance = before + 10", accesses=wrote, racing=("balance",)),
        step("main", 20, "return balance"),
    ]
    usual.insert(
        3, Step("Thread-1", "", 0, "", (), event="preemption", note="Thread-2 goes on: stopped")
    )
    return Witness(
        program,
        (1,),
        ("0: here",),
        (),
        1,
        outcome or Returned(110),
        (),
        "bytecode",
        ("/nowhere/bank.py",),
        "3.14",
        tuple(steps or usual),
        holds=tuple(holds if steps else (Hold("lock", "Thread-1", 1, 5),)),
    )


def deadlock(threads: Sequence[str] = ("Thread-1", "Thread-2")) -> Deadlocked:
    """Threads that wait for each other in a circle."""
    others = (*threads[1:], threads[0])
    return Deadlocked(
        tuple(
            Waiting(one, f"lock_{at} made at bank.py:{at}", (other,), f"bank.py:{at + 10}")
            for at, (one, other) in enumerate(zip(threads, others, strict=True))
        ),
        tuple(threads),
    )

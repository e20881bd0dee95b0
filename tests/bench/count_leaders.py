"""Counts wrong leaders: the suite and two jobs, again and again, idle and beside busy loops.

    python -m tests.bench.count_leaders                   # ten runs each: idle, one busy loop, two
    python -m tests.bench.count_leaders --loops 2 --minutes 60
    python -m tests.bench.count_leaders --table           # what there is so far

It goes on where it was left, at the same commit. What is right is taken from the idle runs: a model
is a right leader of a workload if it is within a tenth of the fastest, over all of them. Leave the
machine alone meanwhile; how much others took of it, beside the loops, is in the table.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from conlab.bench.leading import MATTERS
from conlab.scratch import scratch_folder

ROOT = Path(__file__).resolve().parents[2]
JOBS = ROOT.parent / "shared" / "cases" / "jobs" / "right"
KEPT = ROOT / ".conlab" / "leaders"
LONGEST = 3600  # seconds of a run
LOOPS = (0, 1, 2)
WIDTH = 140  # columns of the table
JUDGEMENTS = ("right", "loose", "cannot tell", "wrong", "unknown")

# What is run, by name: the arguments to Python, to which the file for the figures is added.
RUNS = {
    "suite": ("-m", "pytest", "--benchmark-only", "-q", "tests/bench_matrix.py"),
    "sleepy_api": ("-m", "conlab", "measure", str(JOBS / "sleepy_api.py")),
    "gzip_files": ("-m", "conlab", "measure", str(JOBS / "gzip_files.py")),
}
OPTIONS = {"suite": "--benchmark-json={}"}  # else --json={}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run said of one workload beside so many busy loops.

    ``times`` are seconds by model, ``leaders`` the models that it named, none if it could not tell;
    ``others`` is how many cores others had, the loops among them; None if that is not known.
    """

    loops: int
    run: int
    workload: str
    times: dict[str, float]
    leaders: list[str]
    others: float | None


def main() -> int:
    """Run what was not run yet, print the table; return 1 if a wrong leader was named."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.count_leaders",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", type=int, default=10, help="how many of each (10)")
    parser.add_argument("--loops", type=int, action="append", help="busy loops (0, 1 and 2)")
    parser.add_argument("--only", choices=RUNS, action="append", help="what is run (all)")
    parser.add_argument("--minutes", type=float, default=600, help="begin no run after that time")
    parser.add_argument("--table", action="store_true", help="run nothing, print what there is")
    given = parser.parse_args()
    file = KEPT / f"{commit()}.jsonl"
    deadline = time.monotonic() + 60 * given.minutes
    wanted = [
        (loops, number, what)
        for number in range(given.runs)
        for loops in given.loops or LOOPS
        for what in given.only or RUNS
    ]
    for loops, number, what in [] if given.table else wanted:
        if time.monotonic() > deadline:
            break
        if not is_kept(file, loops, number, what):
            print(f"{what}, beside {loops} busy loops, run {number + 1}", flush=True)
            keep(file, what, run(what, loops, number))
    return show([outcome for _, outcome in read(file)])


def commit() -> str:
    """The commit of the clone, and whether there are changes on top."""

    def git(*arguments: str) -> str:
        ended = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
        )
        return ended.stdout.strip()

    return git("rev-parse", "--short", "HEAD") + "-changed" * bool(git("status", "--porcelain"))


def run(what: str, loops: int, number: int) -> list[Outcome]:
    """Run it beside so many busy loops; give what it said of each workload."""
    with scratch_folder() as folder, busy(loops):
        written = folder / "figures.json"
        option = OPTIONS.get(what, "--json={}").format(written)
        ended = subprocess.run(
            [sys.executable, *RUNS[what], option],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=LONGEST,
        )
        if not written.exists() or not written.stat().st_size:
            sys.exit(f"{what} wrote no figures and ended with {ended.returncode}: {ended.stderr}")
        return list(outcomes(json.loads(written.read_text("utf-8")), loops, number))


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keep so many cores busy."""
    with ExitStack() as stack:
        for _ in range(loops):
            command = [sys.executable, "-c", "while True: pass"]
            process = stack.enter_context(subprocess.Popen(command))
            stack.callback(process.kill)
        yield


def outcomes(told: dict[str, Any], loops: int, number: int) -> Iterator[Outcome]:
    """What the JSON of a run says of each workload."""
    found: dict[str, Outcome] = {}
    taken: dict[str, list[float]] = {}
    for benchmark in told["benchmarks"]:
        about = benchmark["extra_info"]
        if "visits" not in about:
            continue
        workload = about["workload"]
        one = found.setdefault(workload, Outcome(loops, number, workload, {}, [], None))
        label = "_".join(filter(None, (about["model"], about["variant"])))
        one.times[label] = statistics.geometric_mean(about["visits"])
        if about["leads"]:
            one.leaders.append(label)
        seen = about["contention"]
        if seen and seen["others"] is not None:
            taken.setdefault(workload, []).append(seen["others"] / seen["wall"])
    for workload, one in found.items():
        others = statistics.fmean(taken[workload]) if workload in taken else None
        yield Outcome(loops, number, workload, one.times, sorted(one.leaders), others)


def keep(file: Path, what: str, found: Sequence[Outcome]) -> None:
    """Add the outcomes of a run to the file, a line each, all or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"what": what, **asdict(outcome)}) for outcome in found]
    with file.open("a", encoding="utf-8") as kept:
        kept.write("".join(f"{line}\n" for line in lines))


def read(file: Path) -> Iterator[tuple[str, Outcome]]:
    """What was kept: what was run, and the outcome."""
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        told = json.loads(line)
        yield told.pop("what"), Outcome(**told)


def is_kept(file: Path, loops: int, number: int, what: str) -> bool:
    """Say whether that run was made."""
    return any((one.loops, one.run, name) == (loops, number, what) for name, one in read(file))


def right_leaders(idle: Sequence[Outcome]) -> set[str]:
    """The models that are within a tenth of the fastest, by their times over all idle runs."""
    times: dict[str, list[float]] = {}
    for outcome in idle:
        for label, seconds in outcome.times.items():
            times.setdefault(label, []).append(seconds)
    middle = {label: statistics.median(found) for label, found in times.items()}
    fastest = min(middle.values(), default=math.inf)
    return {label for label, seconds in middle.items() if seconds <= fastest * (1 + MATTERS)}


def judge(outcome: Outcome, right: set[str]) -> str:
    """One of JUDGEMENTS: *loose* is said where not every leader that was named is a right one."""
    if not outcome.leaders:
        return "cannot tell"
    if not right:
        return "unknown"
    named = set(outcome.leaders)
    if not named & right:
        return "wrong"
    return "right" if named <= right else "loose"


def show(found: Sequence[Outcome]) -> int:
    """Print one row for each workload and number of loops; return 1 if a leader was wrong."""
    table = Table(title=f"Leaders named at {commit()}", box=None, title_justify="left")
    for column in ("workload", "busy loops", "runs", *JUDGEMENTS, "others had", "right are"):
        table.add_column(column, justify="left" if column in ("workload", "right are") else "right")
    total: Counter[str] = Counter()
    for workload in sorted({one.workload for one in found}):
        idle = [one for one in found if one.workload == workload and not one.loops]
        right = right_leaders(idle)
        for loops in sorted({one.loops for one in found}):
            of_row = [one for one in found if (one.workload, one.loops) == (workload, loops)]
            counts = Counter(judge(one, right) for one in of_row)
            total += counts
            others = [one.others for one in of_row if one.others is not None]
            table.add_row(
                workload,
                str(loops),
                str(len(of_row)),
                *(str(counts[name] or "") for name in JUDGEMENTS),
                f"{statistics.fmean(others):.2f} cores" if others else "not known",
                ", ".join(sorted(right)) or "not known: no idle run",
            )
    Console(width=WIDTH).print(table)
    return int(total["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())

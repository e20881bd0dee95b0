"""Counts what the gate finds in a team's repository, and what it says where nothing changed.

    python -m tests.versus.trials --minutes 30              # leave the machine alone meanwhile
    python -m tests.versus.trials --minutes 30 --busy       # one core is kept busy
    python -m tests.versus.trials --table                   # what there is so far

A repository is made whose branches differ from main in one constant each, a known slowdown; the
command of docs/gate.md is run in it, a whole run for each trial. *Nothing* is a branch that only
changes a comment, or a cell of the suite with this revision on both sides: what fails there is a
false alarm. It goes on where it was left, at the same commit. What stands in .conlab/trials is one
line of JSON for each trial.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from scipy.stats import binomtest

from conlab.calibration.recording import one_busy_core
from conlab.scratch import scratch_folder
from tests.bench.count_leaders import commit

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".conlab" / "trials"
LONGEST = 900.0  # seconds of a run
WIDTH = 130  # columns of the table

COST = """\
LOOPS = 20_000  # of computing
PAUSES = 20  # milliseconds of waiting
HELD = 0  # of 30 milliseconds of waiting, under a lock that four threads share
LISTS = 20_000  # that are alive at once
KINDS = (100, 100, 100, 100)  # of work in each of four kinds of job
MEBIBYTES = 50  # that are held at once
IMPORT = 0.2  # seconds
FIRST = 1000  # of work in the first job alone
SLOW = 1  # times as long, one job in ten
"""
SHOP = """\
import itertools
import threading
import time

from shop import cost

time.sleep(cost.IMPORT)
lock = threading.Lock()
calls = itertools.count(1)
warm = []


def compute(units):
    result = 0
    for number in range(units):
        result += number
    return result


def wait():
    for _ in range(cost.PAUSES):
        time.sleep(0.001)


def wait_at_the_till():
    for _ in range(30 - cost.HELD):
        time.sleep(0.001)
    with lock:
        for _ in range(cost.HELD):
            time.sleep(0.001)


def serialised():
    threads = [threading.Thread(target=wait_at_the_till) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def allocate():
    return len([[number] for number in range(cost.LISTS)])


def remember():
    return len(bytearray(cost.MEBIBYTES * 2**20))


def first():
    if not warm:
        warm.append(compute(1000 * cost.FIRST // 10))
    return compute(100_000)


def one_in_ten():
    return compute(20_000 * (cost.SLOW if next(calls) % 10 == 0 else 1))
"""
TESTS = """\
import shop
from shop import cost


def test_computing(benchmark):
    benchmark(shop.compute, cost.LOOPS)


def test_waiting(benchmark):
    benchmark(shop.wait)


def test_lock(benchmark):
    benchmark(shop.serialised)


def test_allocation(benchmark):
    benchmark(shop.allocate)


def test_memory(benchmark):
    benchmark(shop.remember)


def test_import(benchmark):
    benchmark(shop.compute, cost.LOOPS)


def test_first(benchmark):
    benchmark(shop.first)


def test_tail(benchmark):
    benchmark(shop.one_in_ten)
"""
KINDS = """\
import shop
from shop import cost


def jobs():
    return range(200)


def work(job):
    shop.compute(100 * cost.KINDS[job % 4] * (1 + job % 4))
    return job
"""
PROJECT = """\
[project]
name = "shop"
version = "1"

[tool.pytest.ini_options]
pythonpath = ["src"]
testpaths = ["tests"]
"""
OF_TESTS = ("-q", "--conlab-budget={budget}", "--benchmark-json={json}")
OF_JOBS = (  # a workload of one's own, which the clone's conftest measures
    *("--benchmark-only", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)),
    *("--budget={budget}", "--benchmark-json={json}", "--models", "threads"),
)
OF_THE_SUITE = (
    *("--benchmark-only", "-q", "-p", "no:cacheprovider", "--budget={budget}"),
    "--benchmark-json={json}",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A change: what of cost.py it replaces, by what, and what measures and must notice it."""

    name: str
    before: str
    after: str
    test: str
    clock: str = "wall"  # that must say so
    clocks: str = "wall,cpu,memory"  # that are asked for
    matters: str = "5%"  # the least change that is asked for

    @property
    def changes(self) -> bool:
        """Whether anything is slower."""
        return "nothing" not in self.name


SLOWER = (
    Kind("computing +10%", "LOOPS = 20_000", "LOOPS = 22_000", "test_computing"),
    Kind("waiting +10%", "PAUSES = 20", "PAUSES = 22", "test_waiting"),
    Kind("a lock +10%", "HELD = 0", "HELD = 1", "test_lock"),
    Kind("allocation +10%", "LISTS = 20_000", "LISTS = 22_000", "test_allocation"),
    Kind("one kind of four +10%", "(100, 100, 100", "(100, 100, 110", "kinds_job"),
    Kind("memory +20%", "MEBIBYTES = 50", "MEBIBYTES = 60", "test_memory", "memory"),
    Kind("import +0.2 s", "IMPORT = 0.2", "IMPORT = 0.4", "test_import", "import", "wall,import"),
    Kind("first job +50%", "FIRST = 1000", "FIRST = 2000", "test_first", "first job", "all"),
    Kind("one in ten twice as slow", "SLOW = 1", "SLOW = 2", "test_tail", "tail", "wall,tail"),
    Kind("computing +3%", "LOOPS = 20_000", "LOOPS = 20_600", "test_computing", matters="1%"),
)
SAME = tuple(
    Kind(f"nothing: {test}", "# of computing", "# of computing, in turns", test)
    for test in ("test_computing", "test_waiting", "test_lock", "test_allocation", "kinds_job")
)
SUITE = tuple(
    Kind(f"nothing: suite: {workload}, {model}", "", "", f"{workload} {model}")
    for workload, model in (
        ("count_words", "processes"),
        ("download_files", "threads"),
        ("scrape_sites", "coroutines"),
        ("fetch_and_resize", "hybrid"),
        ("resize_images", "threads"),
    )
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What one whole run said of one change; ``seconds`` is how long the run took."""

    kind: str
    load: str
    verdict: str
    slower_by: list[str]
    pairs: int
    measured: float  # seconds that the pairs took
    seconds: float


def main() -> int:
    """Run trials for as long as there is time, in turns over the kinds, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.versus.trials",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--trials", type=int, default=20, help="how many of each (20)")
    parser.add_argument("--minutes", type=float, default=600, help="begin none after that time")
    parser.add_argument("--busy", action="store_true", help="keep one core busy meanwhile")
    parser.add_argument("--budget", type=int, default=300, help="of each run, in seconds (300)")
    parser.add_argument("--only", default="", help="part of the names of the kinds (all)")
    parser.add_argument("--table", action="store_true", help="run nothing, print what there is")
    given = parser.parse_args()
    load = "busy" if given.busy else "idle"
    file = KEPT / f"{commit()}.jsonl"
    deadline = time.monotonic() + 60 * given.minutes
    wanted = [
        kind
        for number in range(1, given.trials + 1)
        for kind in SAME + SLOWER + SUITE
        if given.only in kind.name and number > made(file, kind, load)
    ]
    for kind in [] if given.table else wanted:
        if time.monotonic() > deadline:
            break
        with one_busy_core() if given.busy else nullcontext(), scratch_folder() as folder:
            one = trial(kind, load, given.budget, folder)
        print(f"{load}: {kind.name}: {one.verdict}, {one.measured:.0f} s", flush=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as kept:
            kept.write(json.dumps(asdict(one)) + "\n")
    return show(list(read(file)))


def trial(kind: Kind, load: str, budget: int, folder: Path) -> Trial:
    """Make the repository, run the gate in it, and say what it said of the change."""
    repository = ROOT if kind in SUITE else folder / "shop"
    if kind not in SUITE:
        make(repository, kind)
    written = folder / "versus.json"
    options = [one.format(budget=budget, json=written) for one in command(kind, repository)]
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "--versus", *options],
        cwd=ROOT if kind.test == "kinds_job" else repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    seconds = time.monotonic() - began
    if not written.exists() or not written.stat().st_size:
        sys.exit(f"{kind.name}: no figures, status {ended.returncode}: {ended.stdout[-2000:]}")
    told = json.loads(written.read_text("utf-8"))["concurrency_lab"]["comparison"]["cells"]
    cells = [cell for cell in told if not cell["absent"] and "serial" not in cell["cell"]]
    (cell,) = cells
    if cell["failure"]:
        sys.exit(f"{kind.name}: {cell['failure']}")
    return Trial(
        kind.name,
        load,
        cell["verdict"],
        list(cell["slower_by"]),
        len(cell["pairs"]),
        cell["seconds"],
        seconds,
    )


def command(kind: Kind, repository: Path) -> list[str]:
    """The sides, and the options of pytest that measure what the change is in."""
    if kind in SUITE:
        workload, model = kind.test.split()
        return ["HEAD..HEAD", *OF_THE_SUITE, "--workloads", workload, "--models", model]
    if kind.test == "kinds_job":
        file = repository / "bench" / "kinds_job.py"
        return ["main..change", *OF_JOBS, f"--workload={file}"]
    chosen = ("--clocks", kind.clocks, f"--conlab-matters={kind.matters}")
    return ["main..change", *OF_TESTS, *chosen, f"tests/test_speed.py::{kind.test}"]


def make(repository: Path, kind: Kind) -> None:
    """A repository with the branches main and change."""

    def git(*arguments: str) -> None:
        me = ("-c", "user.name=me", "-c", "user.email=me@example.org")
        subprocess.run(["git", *me, *arguments], cwd=repository, check=True, timeout=60)

    files = {
        "pyproject.toml": PROJECT,
        "src/shop/__init__.py": SHOP,
        "src/shop/cost.py": COST,
        "tests/test_speed.py": TESTS,
        "bench/kinds_job.py": KINDS,
    }
    for name, text in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text, encoding="utf-8")
    git("init", "--quiet", "--initial-branch=main")
    git("add", ".")
    git("commit", "--quiet", "--message", "A shop")
    git("switch", "--quiet", "--create", "change")
    assert COST.count(kind.before) == 1, kind
    changed = COST.replace(kind.before, kind.after)
    (repository / "src/shop/cost.py").write_text(changed, encoding="utf-8")
    git("commit", "--quiet", "--all", "--message", kind.name)


def read(file: Path) -> Iterator[Trial]:
    """The trials that were made."""
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        yield Trial(**json.loads(line))


def made(file: Path, kind: Kind, load: str) -> int:
    """How many trials there are of it."""
    return sum((one.kind, one.load) == (kind.name, load) for one in read(file))


def right(kind: Kind, one: Trial) -> bool:
    """Whether the clock that must say so said it; of no change, whether none did."""
    return kind.clock in one.slower_by if kind.changes else not one.slower_by


def show(trials: list[Trial]) -> int:
    """Print a row for each kind and load; return 1 if there was a false alarm."""
    title = f"What --versus said, a whole run each, at {commit()}"
    table = Table(title=title, box=None, title_justify="left")
    for column in ("change", "load", "runs", "right", "95% interval", "said", "pairs", "seconds"):
        table.add_column(
            column, justify="left" if column in ("change", "load", "said") else "right"
        )
    alarms = 0
    for kind in SAME + SLOWER + SUITE:
        for load in ("idle", "busy"):
            row = [one for one in trials if (one.kind, one.load) == (kind.name, load)]
            if not row:
                continue
            good = sum(right(kind, one) for one in row)
            alarms += 0 if kind.changes else len(row) - good
            interval = binomtest(good, len(row)).proportion_ci(method="exact")
            table.add_row(
                kind.name,
                load,
                str(len(row)),
                str(good),
                f"{interval.low:.0%} to {interval.high:.0%}",
                ", ".join(f"{n} {said}" for said, n in Counter(map(says, row)).items()),
                spread([one.pairs for one in row]),
                spread([one.measured for one in row]),
            )
    Console(width=WIDTH).print(table)
    return int(alarms > 0)


def says(one: Trial) -> str:
    """The verdict, and by which clocks it is slower."""
    by = [clock for clock in one.slower_by if clock != "wall"]
    return f"{one.verdict} ({', '.join(by)})" if by else one.verdict


def spread(figures: list[Any]) -> str:
    """From the least to the most."""
    return f"{min(figures):.0f} to {max(figures):.0f}"


if __name__ == "__main__":
    sys.exit(main())

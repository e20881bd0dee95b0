"""What can be told on this machine, in ten minutes: how far pairs of identical sides spread here.

``conlab calibrate`` counts whole runs, which takes hours. Here benchmarks of a small project of our
own are compared as ``pytest --versus`` compares anybody's: with itself, and with a copy to whose
work a tenth was added. How far the pairs spread says how many a verdict takes; it says nothing of
the false alarms, which the rule bounds on any machine.
"""

import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from conlab.calibration.tables import plain_table
from conlab.scratch import scratch_folder
from conlab.versus.benchmark_tests.measuring import BenchmarkMeasurer, BenchmarkTest
from conlab.versus.benchmark_tests.trees import Project, Trees, link_to_conlab
from conlab.versus.clocks import DEFAULT
from conlab.versus.options import ALPHA, BUDGET, MATTERS
from conlab.versus.pairs.measuring import Pair
from conlab.versus.rule import Rule, Verdict, spread
from conlab.versus.sides.side import Side

SECONDS = 600.0
SLOWER = 0.1
FEWEST = 6  # pairs from which their spread says anything
CELLS = (1, 10, 50)
SHARES = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5)  # changes, the least of which can be told is shown
FILE = "test_quick.py"
UNITS = 40
TEXT = """
import time

UNITS = {units}


def compute():
    total = 0
    for number in range(UNITS * 2_000):
        total += number * number
    return total


def wait():
    for _ in range(UNITS):
        time.sleep(0.0005)


def allocate():
    return [str(number) for number in range(UNITS * 500)]


def test_computing(benchmark):
    benchmark(compute)


def test_waiting(benchmark):
    benchmark(wait)


def test_allocating(benchmark):
    benchmark(allocate)
"""
KINDS = ("computing", "waiting", "allocating")


@dataclass
class Seen:
    """The pairs of a kind of work: of identical sides, and of sides of which one is slower."""

    kind: str
    same: list[Pair] = field(default_factory=list)
    slower: list[Pair] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # of each pair of identical sides


def measure(
    seconds: float,
    progress: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
) -> list[Seen]:
    """Measure pairs for that long; what there is at Ctrl-C counts. Raises SideFailed."""
    seen = [Seen(kind) for kind in KINDS]
    until = now() + seconds
    try:
        with ExitStack() as stack:
            for number, measurer in enumerate(_alternating(stack, 0.0, SLOWER)):
                for one, test in zip(seen, measurer.tests, strict=True):
                    if (left := until - now()) <= 0:
                        return seen
                    began = now()
                    pair = measurer.pair(test)
                    if number % 2:
                        one.slower.append(pair)
                    else:
                        one.same.append(pair)
                        one.seconds.append(now() - began)
                    progress(f"{len(one.same)} pairs of {one.kind}; {left:.0f} s to go")
    except KeyboardInterrupt:
        pass
    return seen


def _alternating(stack: ExitStack, *slowdowns: float) -> Iterator[BenchmarkMeasurer]:
    measurers = []
    for slowdown in slowdowns:
        measurers.append(stack.enter_context(_measurer(slowdown)))
        yield measurers[-1]
    while True:
        yield from measurers


def _measurer(slowdown: float) -> BenchmarkMeasurer:
    """A measurer of a project and of its copy, which is slower by that share."""
    stack = ExitStack()
    folder = stack.enter_context(scratch_folder()).resolve()
    sides = []
    for name, share in (("a", 0.0), ("b", slowdown)):
        root = folder / name
        root.mkdir()
        text = TEXT.format(units=round(UNITS * (1 + share)))
        (root / FILE).write_text(text, "utf-8")
        (root / "pytest.ini").write_text("[pytest]\n", "utf-8")
        sides.append(Side(name, Path(sys.executable), root=root))
    project = Project(sides[1].root, Path(), Path(), (), sides[1].root / "pytest.ini")
    trees = Trees((sides[0], sides[1]), project, link_to_conlab(folder / "conlab-home"))
    tests = [BenchmarkTest(f"{FILE}::test_{kind}", Path(FILE), f"test_{kind}") for kind in KINDS]
    seed = random.SystemRandom().randrange(2**32)
    measurer = BenchmarkMeasurer(trees, tests, {}, seed, DEFAULT, together=len(tests))
    measurer.closing.push(stack.pop_all())
    return measurer


@dataclass(frozen=True)
class Telling:
    """What can be told of a kind of work: ``seconds`` by the number of cells; None if never."""

    kind: str
    pairs: int
    spread: float
    seconds_of_a_pair: float
    seconds: dict[int, float | None]
    least: float | None
    estimate: float | None
    found: bool


def telling(seen: Seen) -> Telling | None:
    """What the pairs of a kind tell; None of too few."""
    if len(seen.same) < FEWEST:
        return None
    deviation = spread([pair.log_wall for pair in seen.same])
    each = statistics.median(seen.seconds)
    slower = [pair.log_wall for pair in seen.slower]
    return Telling(
        seen.kind,
        len(seen.same),
        deviation,
        each,
        {cells: _seconds(deviation, each, cells, MATTERS) for cells in CELLS},
        next((share for share in SHARES if _fits(deviation, each, share)), None),
        math.expm1(statistics.median(slower)) if slower else None,
        _found(slower),
    )


def _seconds(deviation: float, each: float, cells: int, matters: float) -> float | None:
    """How long it takes to decide as many cells of this kind."""
    needed = Rule(ALPHA, cells, matters, len(DEFAULT)).pairs_needed(deviation)
    return None if needed is None else needed * each * cells


def _fits(deviation: float, each: float, share: float) -> bool:
    """Whether a change of that share can be told of one cell within the usual budget."""
    seconds = _seconds(deviation, each, 1, share / 2)
    return seconds is not None and seconds <= BUDGET


def _found(slower: Sequence[float]) -> bool:
    """Whether the rule calls the sides slower that are, at its latest look at these pairs."""
    rule = Rule(ALPHA, 1, MATTERS, len(DEFAULT))
    looks = [look for look in rule.looks() if look <= len(slower)]
    if not looks:
        return False
    judged = rule.judge(slower[: looks[-1]])
    return judged.verdict is Verdict.SLOWER


def show(found: Sequence[Telling], machine: str) -> tuple[Table, str]:
    """A table, and what it means."""
    table = plain_table(
        "kind of work", "pairs", "spread", "s a pair",
        *(f"{cells} {'cell' if cells == 1 else 'cells'}" for cells in CELLS),
        "least change", f"+{SLOWER:.0%} shown as",
    )  # fmt: skip
    for one in found:
        table.add_row(
            one.kind,
            str(one.pairs),
            f"{one.spread:.1%}",
            f"{one.seconds_of_a_pair:.1f}",
            *(_duration(one.seconds[cells]) for cells in CELLS),
            "over 50%" if one.least is None else f"{one.least:.0%}",
            "-" if one.estimate is None else f"{one.estimate:+.1%}{', found' * one.found}",
        )
    told = (
        f"{machine}. spread: of the ratio of two identical sides in a pair, outliers apart."
        "\n\n1, 10, 50 cells: how long nine in ten of as many take to be decided that did not"
        f" change, with the usual --matters ({MATTERS:.0%}) and --alpha ({ALPHA:g}); --budget"
        " should be no less. least change: that can be told of one cell in"
        f" {BUDGET:.0f} s, with half of it as --matters."
        "\n\nHow often a false alarm comes is bounded by the rule, and counted by conlab calibrate"
        " without --quick."
    )
    return table, told


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"

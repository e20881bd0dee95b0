"""The options of a comparison, each checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conlab.bench.settings import MOST_SECONDS, number, seed
from conlab.errors import UserError
from conlab.outputs import Output, check_output
from conlab.versus import clocks, project
from conlab.versus.clocks import Clock
from conlab.versus.project import Special
from conlab.versus.sides.naming import halves

ALPHA = 0.01
MATTERS = 0.05
BUDGET = 300.0  # seconds
NAMES = (
    "alpha", "matters", "budget", "clocks", "report_md", "fail_on_cannot_tell", "install",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """What is compared, and how surely. ``alpha`` and ``matters`` are shares, not per cent.

    ``special`` says of which cells and clocks another change matters, ``cells`` which cells are
    compared (patterns; none means all), ``report_md`` where a report in Markdown is to be written.
    """

    text: str
    alpha: float
    matters: float
    budget: float
    seed: int
    fail_on_cannot_tell: bool
    clocks: tuple[Clock, ...] = clocks.DEFAULT
    special: tuple[Special, ...] = ()
    cells: tuple[str, ...] = ()
    report_md: Path | None = None
    install: bool = False

    def matters_of(self, cell: str) -> dict[Clock, float]:
        """What matters for a cell, by clock."""
        return {
            clock: project.matters_of(cell, clock, self.special, self.matters)
            for clock in self.clocks
        }

    def chooses(self, cell: str) -> bool:
        """Say whether a cell is one of those that the project compares."""
        return not self.cells or any(project.matches(cell, each) for each in self.cells)


def add_options(parser: Any) -> None:
    """Register the options with pytest; ``parser`` is its parser."""
    group = parser.getgroup("concurrency lab versus", "concurrency lab: did it get slower?")

    def option(name: str, metavar: str, meaning: str) -> None:
        group.addoption(f"--{name}", metavar=metavar, help=meaning, default=None)

    option(
        "versus",
        "SIDE",
        "compare the working tree with SIDE: a git revision, a Python (python3.14, or a path), or"
        " another version of a library ('httpx==0.27.*'); or two of them with each other, A..B",
    )
    option(
        "alpha",
        "P",
        "the probability, at most, that a run between identical sides raises any alarm"
        f" (default: {ALPHA:g})",
    )
    option(
        "matters",
        "SHARE",
        "the least change that matters, 5%% or 0.05 (default: 5%%); whether a change just as large"
        " as that is found is the toss of a coin, and one twice as large is found",
    )
    option("clocks", "A,B", CLOCKS_HELP)
    option("report-md", "FILE", REPORT_HELP)
    option("budget", "SECONDS", f"measure for no longer than this in all (default: {BUDGET:g})")
    group.addoption(
        "--fail-on-cannot-tell",
        action="store_true",
        help="fail for a cell of which the budget was too short to tell, as for a slower one",
    )

    group.addoption(
        "--install",
        action="store_true",
        help="install each revision, and the working tree beside it, into an environment of its"
        " own, as a project that must be built is anyway; made once, and kept",
    )


CLOCKS_HELP = (
    "what is compared: wall, cpu, memory (these by default), first-job (in a fresh process),"
    " import, tail (the slow rounds), or all; each has a verdict, and any slower one fails"
)
REPORT_HELP = (
    "write a report in Markdown there, too: for a summary in CI, or a comment on a pull request"
)


def read(config: Any) -> Options | None:
    """What the options of ``config`` mean; None without --versus. Raises UserError for nonsense."""
    option = config.getoption
    if option("versus") is None:
        for name in NAMES:
            if option(name):
                raise UserError(f"--{name.replace('_', '-')} is for a comparison: --versus SIDE")
        return None
    if not option("benchmark_only", False):
        raise UserError("--versus measures: it needs --benchmark-only beside it")
    for other in ("peers", "benchmark_autosave", "benchmark_save", "benchmark_compare"):
        if option(other, None):
            name = other.replace("_", "-")
            raise UserError(f"--{name} goes with one side, and --versus has two: leave one out")
    return meant(option, project.table_in(Path(getattr(config, "rootpath", None) or Path.cwd())))


def meant(option: Any, table: Mapping[str, Any]) -> Options:
    """The options of a comparison: what ``option`` gives by a name, or else what the table has."""
    halves(option("versus"))
    matters = option("matters")
    special: tuple[Special, ...] = ()
    if matters is None and isinstance(given := table.get("matters"), Mapping):
        found = tuple(project.specials(given, table_share))
        special = tuple(one for one in found if one.cells or one.clock)
        default = given.get(project.DEFAULT)
        matters = None if default is None else str(default)
    elif matters is None:
        matters = said(table, "matters")
    budget = option("budget") or said(table, "budget")
    report = option("report_md") or said(table, "report-md")
    return Options(
        text=option("versus"),
        alpha=share("alpha", option("alpha") or said(table, "alpha"), ALPHA),
        matters=share("matters", matters, MATTERS),
        budget=number("--budget", budget, BUDGET, "seconds", 1, MOST_SECONDS),
        seed=seed("--seed", option("seed")),
        fail_on_cannot_tell=bool(
            option("fail_on_cannot_tell") or table.get("fail-on-cannot-tell", False)
        ),
        clocks=clocks.chosen(option("clocks") or table.get("clocks") or clocks.DEFAULT),
        special=special,
        cells=project.cells(table),
        report_md=report_file(report) if report else None,
        install=bool(option("install")),
    )


def said(table: Mapping[str, Any], key: str) -> str | None:
    """What a table has there, as the command line would say it."""
    return str(table[key]) if key in table else None


def table_share(name: str, text: str) -> float:
    """A share that stands in a table."""
    return share(name, text, MATTERS)


def report_file(text: str) -> Path:
    """Where a report may be written. Raises UserError where there is no such folder."""
    path = Path(text).expanduser().absolute()
    check_output("--report-md", path, Output.REPORT)
    return path


def share(name: str, text: str | None, default: float) -> float:
    """A number between 0 and 1, or as many per cent."""
    if text is None:
        return default
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise UserError(f"--{name} {text}: it should be more than 0 and less than 1, 0.05 or 5%")
    return value

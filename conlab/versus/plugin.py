"""Wires the comparison into pytest: its options, a loop of pairs in place of a loop of tests."""

import json
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from conlab.bench.cells import MATRIX
from conlab.bench.discovery import Cell
from conlab.errors import UserError
from conlab.outputs import Output, check_output
from conlab.terminal import plain
from conlab.versus import markdown, options, report
from conlab.versus.comparison import Comparison
from conlab.versus.report import Shown
from conlab.versus.rule import Verdict, missing_library
from conlab.versus.sequential_test import Named, SequentialTest

COMPARISON = pytest.StashKey[Comparison]()
VERDICT = "verdict"
NOTHING_DECIDED = 6  # the exit status; pytest takes 0 to 5
FILE = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a comparison to pytest's."""
    options.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the options, and take the JSON file: pytest-benchmark will have measured nothing."""
    try:
        asked = options.read(config)
        if asked and (lacking := missing_library()):
            raise UserError(f"--versus {asked.text}: {lacking}")
        if asked and config.option.benchmark_json:
            config.stash[FILE] = json_file(config.option.benchmark_json)
            config.option.benchmark_json = None
    except UserError as mistake:
        raise pytest.UsageError(str(mistake)) from None
    if asked:
        config.stash[COMPARISON] = Comparison(asked)


def json_file(given: Any) -> Path:
    """The file that --benchmark-json names: by its path, or opened already, as up to 5.2."""
    if isinstance(given, Path):
        path = given
    else:
        given.close()
        path = Path(given.name)
    check_output("--benchmark-json", path, Output.FIGURES)
    return path


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what can hold no cell: to import all tests takes longer than a few pairs."""
    if COMPARISON in config.stash and collection_path.suffix == ".py":
        return None if collection_path.name.startswith("bench_") else True
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the cells."""
    if COMPARISON in config.stash:
        kept = [item for item in items if cell_of(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def cell_of(item: pytest.Item) -> Cell | None:
    """The cell that a test is about, if it is."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    cell = parameters.get("cell")
    return cell if isinstance(cell, Cell) else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Compare the cells, and report each as a test that passed, failed or was skipped."""
    config = session.config
    comparison = config.stash.get(COMPARISON, None)
    if comparison is None or session.testsfailed or config.option.collectonly:
        return None  # as usual: to go on, to complain, to list
    if not session.items:
        raise pytest.UsageError(
            f"--versus {comparison.options.text}: there is no cell to compare:"
            " --workloads, --models and -k choose among them, and nothing is left"
        )
    cells = {item: cell for item in session.items if (cell := cell_of(item))}
    writer = config.get_terminal_writer()
    began = time.time()
    try:
        with Shown(comparison, writer) as shown:
            settings = config.stash[MATRIX].settings
            comparison.run(list(cells.values()), settings, shown.tell, shown.say)
    except UserError as mistake:
        raise pytest.UsageError(str(mistake)) from None
    for item, cell in cells.items():
        log(item, comparison, cell, began)
    return True


def log(item: pytest.Item, comparison: Comparison, cell: Named, began: float) -> None:
    """Report a cell as pytest reports a test."""
    test = next(one for one in comparison.tests if one.cell is cell)
    outcome: Any = "passed"
    said: Any = None
    if failure := comparison.failures().get(cell.id):
        outcome, said = "failed", plain(failure, keep="\n")
    elif test.absent:
        outcome, said = "skipped", (str(item.path), 0, plain(f"Skipped: {test.absent}"))
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    ends: list[tuple[Any, Any, Any, float]] = [
        ("call", outcome, said, test.seconds),
        ("teardown", "passed", None, 0.0),  # with which JUnit's file takes the properties
    ]
    for when, how, why, seconds in ends:
        made = pytest.TestReport(
            item.nodeid,
            item.location,
            dict.fromkeys(item.keywords, 1),
            how,
            why,
            when,
            duration=seconds,
            user_properties=properties(test),
            start=began,
            stop=began + seconds,
        )
        item.ihook.pytest_runtest_logreport(report=made)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def properties(test: SequentialTest) -> list[tuple[str, object]]:
    """What a report of the cell carries, which JUnit's file has, too."""
    found: list[tuple[str, object]] = [(VERDICT, str(test.verdict))]
    if test.absent or test.failure:
        return found
    found.append(("pairs", len(test.pairs)))
    if test.jobs:
        found.append(("jobs", f"{test.jobs[0]} of {test.jobs[1]}"))
    if judged := test.decisive:
        found += [(name, f"{getattr(judged, name):+.4f}") for name in ("estimate", "low", "high")]
        if test.kind:
            found.append(("kind", test.kind))
    elif test.provisional:
        estimate, slower = test.provisional
        found += [("provisional_estimate", f"{estimate:+.4f}"), ("slower_pairs", slower)]
    return found


def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """Count a cell of which the budget was too short to tell as that, and not as passed."""
    if (
        report.when == "call"
        and report.passed
        and (VERDICT, Verdict.UNSURE) in report.user_properties
    ):
        return Verdict.UNSURE, "?", Verdict.UNSURE.upper()
    return None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the verdicts, also those that there were before a Ctrl-C, and write them down."""
    comparison = config.stash.get(COMPARISON, None)
    if comparison and comparison.tests:
        writer = terminalreporter._tw
        writer.write(report.text(comparison, writer.fullwidth, writer.hasmarkup))
        try:
            markdown.write(comparison)
        except OSError as error:
            terminalreporter.write_line(plain(f"the report in Markdown: {error}"), red=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Exit with a status of its own if nothing at all could be decided."""
    yield
    comparison = session.config.stash.get(COMPARISON, None)
    unknown = comparison and comparison.compared and not comparison.decided
    if unknown and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = NOTHING_DECIDED


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write every number measured to the file that --benchmark-json names; count what is known."""
    comparison = config.stash.get(COMPARISON, None)
    if comparison and comparison.tests:
        reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        if reporter:
            reporter.write_line(comparison.count())
    if FILE in config.stash:
        figures = {"concurrency_lab": {"comparison": config.stash[COMPARISON].figures()}}
        config.stash[FILE].write_text(json.dumps(figures, indent=1), "utf-8")

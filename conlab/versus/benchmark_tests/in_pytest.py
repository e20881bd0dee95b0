"""Runs the tests of a side when they are asked for, and measures what they give to ``benchmark``.

In place of pytest-benchmark's own rounds, the function is called when the parent says so: the other
side's process takes turns with this one. All else of the test is run as it stands: its fixtures
before, its assertions after.
"""

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from conlab.versus.benchmark_tests.rounds import Benchmark, Rounds, calls_of_pedantic
from conlab.versus.pairs import here, peak

INSTALLED = ("site-packages", "dist-packages")


class Told:
    """A pytest plugin whose tests are run as orders say."""

    def __init__(self, orders: Any, reply: Callable[..., None], top: str) -> None:
        self.orders = orders
        self.reply = reply
        self.top = os.path.realpath(top)
        self.config: pytest.Config
        self.began = False  # the loop of tests
        self.errors: dict[str, str] = {}  # of the collection, by file
        self.reports: list[pytest.TestReport] = []
        self.measured = False  # of the test that runs
        self.importing = 0.0  # seconds until all files are collected

    # What pytest calls

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Any:
        """Time the import of a test's file; conftests and plugins came before."""
        began = time.perf_counter()
        report = yield
        if isinstance(collector, pytest.Module):
            self.importing += time.perf_counter() - began
        return report

    def pytest_configure(self, config: pytest.Config) -> None:
        """Note whose tests they are."""
        self.config = config

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what cannot be collected, and why."""
        if report.failed:
            file = self.file_of(report.nodeid)
            self.errors.setdefault(file, last_line(report.longreprtext))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what came of a test."""
        self.reports.append(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run tests as long as that is what is asked."""
        self.began = True
        with own_rounds(self):
            for order in iter(self.orders.get, None):
                match order["do"]:
                    case "survey":
                        self.reply(**self.surveyed(session, Path(order["root"])))
                    case "test":
                        self.run_test(session, order["test"])
                    case "end":
                        break
        self.orders.put(None)
        return True

    def file_of(self, nodeid: str) -> str:
        """The file of a test, from the top of the tree."""
        path = self.config.rootpath / nodeid.partition("::")[0]
        return Path(os.path.relpath(os.path.realpath(path), self.top)).as_posix()

    def place(self, item: pytest.Item) -> list[str]:
        """How both sides know a test."""
        return [self.file_of(item.nodeid), item.nodeid.partition("::")[2]]

    # Orders

    def surveyed(self, session: pytest.Session, root: Path) -> dict[str, Any]:
        """What this side has: its tests, what cannot be collected, its build and libraries."""
        from conlab.bench.settings import gil_enabled, python_build

        return {
            "python": python_build(),
            "gil": gil_enabled(),
            "libraries": here.libraries(),
            "tests": [self.place(item) for item in session.items if uses_benchmark(item)],
            "errors": self.errors,
            "imported": sorted(imported_from(root)),
        }

    def run_test(self, session: pytest.Session, test: list[str]) -> None:
        """Run a test, and say at last how it ended."""
        self.reports.clear()
        self.measured = False
        item = next((each for each in session.items if self.place(each) == test), None)
        if item is None:
            why = self.errors.get(test[0])
            self.reply(over="missing", when="collect", said=why or "it is not there")
            return
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        over, when, said = outcome(self.reports)
        if over == "passed" and not self.measured:
            over, said = "unused", "it does not call its benchmark"
        self.reply(over=over, when=when, said=said)

    def measure(self, fixture: Any, benchmark: Benchmark) -> Any:
        """Call the function as the parent asks, and give its last result to the test."""
        self.measured = True
        rounds = Rounds(benchmark)
        memory = peak.Peak()
        stats: Any = None
        self.reply(over=None)
        for order in iter(self.orders.get, None):
            match order["do"]:
                case "size":
                    self.reply(**rounds.size(**order["limits"]))
                case "first job":
                    self.reply(**rounds.run(1))
                case "warm up":
                    if order["core"] is not None:
                        here.stay_on(order["core"])
                    if order["calls"]:
                        rounds.run(order["calls"])
                    gc.collect()
                    gc.freeze()
                    with suppress(Exception):  # for a test that looks at its own figures
                        stats = fixture._make_stats(order["calls"] or 1)
                    self.reply()
                case "round":
                    taken = rounds.run(order["calls"])
                    with suppress(Exception):
                        stats.update(taken["wall"])
                    self.reply(**taken)
                case "figures":
                    self.reply(
                        memory=memory.bytes(),
                        importing=self.importing,
                        imported=sorted(imported_from(Path(order["root"]))),
                    )
                case "finish":
                    break
                case "end":
                    self.orders.put({"do": "end"})
                    break
        gc.unfreeze()
        if not rounds.calls:
            rounds.run(1)
        return rounds.result


@contextmanager
def own_rounds(told: Told) -> Iterator[None]:
    """Let pytest-benchmark leave the calls to somebody else for as long as the context lasts."""
    from pytest_benchmark.fixture import BenchmarkFixture

    def call(fixture: Any, target: Any, /, *args: Any, **kwargs: Any) -> Any:
        use(fixture, "benchmark(...)")
        return told.measure(
            fixture, Benchmark(target, args, kwargs, disable_gc=fixture._disable_gc)
        )

    def pedantic(
        fixture: Any,
        target: Any,
        args: Any = (),
        kwargs: Any = None,
        setup: Any = None,
        teardown: Any = None,
        rounds: int | None = None,
        warmup_rounds: int = 0,
        iterations: int = 1,
    ) -> Any:
        use(fixture, "benchmark.pedantic(...)")
        unsaid = rounds is None and setup is None
        most = calls_of_pedantic(setup, rounds or 1, warmup_rounds, iterations)
        benchmark = Benchmark(
            target,
            args,
            kwargs or {},
            setup,
            teardown,
            None if unsaid else most,
            fixture._disable_gc,
            unsaid,
        )
        return told.measure(fixture, benchmark)

    with (
        mock.patch.object(BenchmarkFixture, "__call__", call),
        mock.patch.object(BenchmarkFixture, "pedantic", pedantic),
    ):
        yield


def use(fixture: Any, how: str) -> None:
    """Let nobody use a benchmark twice in a test, as pytest-benchmark does not either."""
    if fixture._mode:
        raise RuntimeError(f"benchmark can be used once in a test, and was used as {fixture._mode}")
    fixture._mode = how


def uses_benchmark(item: pytest.Item) -> bool:
    """Say whether a test asks for pytest-benchmark's fixture."""
    return "benchmark" in getattr(item, "fixturenames", ())


def outcome(reports: list[pytest.TestReport]) -> tuple[str, str, str]:
    """How a test ended, in which phase, and what it said."""
    for report in reports:
        if report.failed:
            return "failed", report.when, last_line(report.longreprtext)
        if report.skipped:
            longrepr = report.longrepr
            said = longrepr[2] if isinstance(longrepr, tuple) else last_line(report.longreprtext)
            return "skipped", report.when, said.removeprefix("Skipped: ")
    return "passed", "call", ""


def last_line(text: str) -> str:
    """The error at the end of a traceback as pytest shows it, of which lines begin with an E."""
    lines = text.strip().splitlines() or ["no reason given"]
    block = ""
    for above, line in pairwise(["", *lines]):
        if line.startswith("E ") and not above.startswith("E "):
            block = line[1:].strip() or block
    return block or lines[-1].strip()


def imported_from(root: Path) -> set[str]:
    """The files below a folder that are imported here, what is installed there left out."""
    found = set()
    for module in tuple(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            path = os.path.realpath(file)
            if path.startswith(f"{root}{os.sep}") and not any(
                f"{os.sep}{each}{os.sep}" in path for each in INSTALLED
            ):
                found.add(os.path.relpath(path, root))
    return found

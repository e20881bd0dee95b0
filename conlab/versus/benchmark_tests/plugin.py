"""Wires a comparison of benchmarks into the pytest of any project: ``pytest --versus SIDE``."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from conlab import ending, scratch
from conlab.errors import UserError
from conlab.versus import options, plugin, project
from conlab.versus.benchmark_tests.comparison import BenchmarksComparison
from conlab.versus.benchmark_tests.in_pytest import uses_benchmark
from conlab.versus.benchmark_tests.measuring import BenchmarkTest
from conlab.versus.benchmark_tests.trees import Project, repository_top
from conlab.versus.report import Shown
from conlab.versus.rule import missing_library

LEFT_OUT = "left out"
NAME = "conlab-versus-benchmarks"
PREFIX = "conlab_"  # of what our options are called inside of pytest
ENDED = pytest.StashKey[tuple[int, bool]]()

# What a process of a side is not told: what to choose among tests, how to report, where to write.
OF_THE_READER_ALONE = {
    "basetemp", "confcutdir", "cov_source", "dist", "durations", "failedfirst", "file_or_dir",
    "inifilename", "junitprefix", "keyword", "lf", "log_file", "looponfail", "looponfailroots",
    "markexpr", "maxfail", "newfirst", "numprocesses", "px", "rootdir", "report_log", "stepwise",
    "stepwise_skip", "trace", "tx", "usepdb", "usepdb_cls", "xmlpath", "last_failed_no_failures",
    "distload", "maxprocesses", "version", "help", "collectonly", "cacheshow", "cacheclear",
    "deselect", "pastebin", "htmlpath", "csv_path", "json_report", "allure_report_dir", "reruns",
    "setuponly", "setupshow", "setupplan", "showfixtures", "show_fixtures_per_test",
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    "continue_on_collection_errors": True,
    "numprocesses": None,
    "dist": "no",
    "tx": [],
    "no_cov": True,
    "timeout": 0,
    "usepdb": False,
    "benchmark_skip": False,
    "benchmark_only": False,
    "benchmark_disable": False,
    "benchmark_enable": False,
    "verbose": 0,
}


def prepare(option: Any) -> None:
    """Have pytest measure nothing, share nothing and skip no benchmark by itself."""
    settings: dict[str, Any] = {
        "benchmark_skip": False,
        "benchmark_only": False,
        "numprocesses": None,
        "dist": "no",
        "tx": [],
        "benchmark_autosave": False,
        "benchmark_save": None,
        "benchmark_compare": None,
        "benchmark_compare_fail": [],
        "benchmark_histogram": None,
        "benchmark_cprofile": None,
    }
    for name, value in settings.items():
        if hasattr(option, name):
            setattr(option, name, value)


class Hooks:
    """The comparison, as a plugin."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the options. Raises UserError."""
        given = config.option

        def option(name: str) -> Any:
            return getattr(given, PREFIX + name, None)

        table = project.table_in(config.rootpath)
        self.options = options.meant(option, table)
        if lacking := missing_library():
            raise UserError(f"--versus {self.options.text}: {lacking}")
        if not config.pluginmanager.hasplugin("benchmark"):
            raise UserError(
                f"--versus {self.options.text}: it compares tests that use pytest-benchmark, and"
                " that is not installed here, or switched off: pip install pytest-benchmark"
            )
        if file := getattr(given, "benchmark_json", None):
            config.stash[plugin.FILE] = plugin.json_file(file)
            given.benchmark_json = None
        self.comparison = BenchmarksComparison(self.options)
        config.stash[plugin.COMPARISON] = self.comparison
        config.add_cleanup(held(ending.as_by_ctrl_c()))
        scratch.hold_helpers_files(None)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep the benchmarks that are to be compared."""
        kept = [
            item for item in items if uses_benchmark(item) and self.options.chooses(item.nodeid)
        ]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Compare the benchmarks, and report each as a test that passed, failed or was left out."""
        config = session.config
        if config.option.collectonly or (
            session.testsfailed and not config.option.continue_on_collection_errors
        ):
            return None
        if not session.items:
            raise pytest.UsageError(
                f"--versus {self.options.text}: there is no benchmark to compare: no test that is"
                " chosen here asks for the fixture benchmark"
            )
        where = project_of(session)
        tests = {
            item: BenchmarkTest(
                item.nodeid,
                item.path.resolve().relative_to(where.top),
                item.nodeid.partition("::")[2],
            )
            for item in session.items
            if item.path.resolve().is_relative_to(where.top)
        }
        if outside := [item.nodeid for item in session.items if item not in tests]:
            raise pytest.UsageError(f"{outside[0]} lies outside of {where.top}: run pytest there")
        began = time.time()
        try:
            with Shown(self.comparison, config.get_terminal_writer()) as shown:
                self.comparison.run_tests(
                    list(tests.values()), where, told_options(config.option), shown.tell, shown.say
                )
        except UserError as mistake:
            raise pytest.UsageError(str(mistake)) from None
        for item, test in tests.items():
            plugin.log(item, self.comparison, test, began)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Begin to end after Ctrl-C itself; pytest says so of a ``-x``, too."""
        if excinfo.type is KeyboardInterrupt:
            ending.end_within(ending.LIMIT, ending.status(pytest.ExitCode.INTERRUPTED))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Any:
        """Exit as one does who was told to, or with a status of its own if nothing is known."""
        yield from plugin.pytest_sessionfinish(session)
        if session.exitstatus == pytest.ExitCode.INTERRUPTED:
            session.exitstatus = ending.status(session.exitstatus)

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Count a benchmark of which nothing is known as that, and not as passed or skipped."""
        if report.outcome == "skipped":
            word = "new" if report.longrepr[2].startswith("Skipped: new: ") else LEFT_OUT
            return word, word[0], word.upper()
        return plugin.pytest_report_teststatus(report)

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """Print the verdicts, also those that there were before a Ctrl-C."""
        plugin.pytest_terminal_summary(terminalreporter, config)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Write what was measured to the file that --benchmark-json names; count what is known."""
        plugin.pytest_unconfigure(config)


def held(context: Any) -> Callable[[], None]:
    """Enter a context, and give what leaves it."""
    context.__enter__()
    return lambda: context.__exit__(None, None, None)


def project_of(session: pytest.Session) -> Project:
    """Where the tests lie, and which files they are made of."""
    config = session.config
    here = config.invocation_params.dir.resolve()
    first = session.items[0].path.resolve().parent
    top = repository_top(here if first.is_relative_to(here) else first)
    root = config.rootpath.resolve()  # which may be anywhere, as with -c /dev/null
    root = root if root.is_relative_to(top) else top
    shared = {item.path.resolve() for item in session.items}
    for each in config.pluginmanager.get_plugins():
        file = getattr(each, "__file__", None)
        if isinstance(file, str) and Path(file).name == "conftest.py":
            shared.add(Path(file).resolve())
    settings = config.inipath.resolve() if config.inipath else None
    if settings:
        shared.add(settings)
    return Project(
        top=top,
        root=root.relative_to(top),
        here=here.relative_to(top) if here.is_relative_to(top) else root.relative_to(top),
        shared=tuple(sorted(each.relative_to(top) for each in shared if each.is_relative_to(top))),
        settings=settings,
    )


def told_options(option: Any) -> dict[str, Any]:
    """The options that a process of a side is told, as pytest-xdist tells its own."""
    kept = {
        name: value
        for name, value in vars(option).items()
        if name not in OF_THE_READER_ALONE and not name.startswith(PREFIX) and is_plain(value)
    }
    return kept | {name: value for name, value in SETTINGS.items() if hasattr(option, name)}


def is_plain(value: Any) -> bool:
    """Say whether JSON gives it back as it is."""
    match value:
        case None | bool() | int() | float() | str():
            return True
        case list():
            return all(map(is_plain, value))
        case Mapping():
            return all(isinstance(key, str) and is_plain(each) for key, each in value.items())
    return False

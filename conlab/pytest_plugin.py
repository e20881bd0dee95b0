"""The pytest plugin that the wheel installs: what a reader's own tests may use."""

import os
import subprocess
import sys
from collections.abc import Callable, Container, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from conlab.terminal import plain
from conlab.versus import declaring

if TYPE_CHECKING:
    from conlab.explorer import Exploration

PATH_OPTIONS = (
    "--workload",
    "--images",
    "--texts",
    "--site",
    "--urls",
    "--versus",
    "--benchmark-storage",
    "--benchmark-json",
    "--report",
)


# Each under its own name, if no other plugin or conftest has that, and always under the longer one.
TOGETHER, EXPLORE_SECONDS, EXPLORE_STEP = "--together", "--explore-seconds", "--explore-step"
OPTIONS: dict[str, dict[str, Any]] = {
    TOGETHER: {
        "type": int,
        "metavar": "N",
        "help": "run the body of each test by N threads at once, of an async test by N tasks, under"
        " every schedule: is the code that it tests safe to call so?",
    },
    EXPLORE_SECONDS: {
        "type": float,
        "metavar": "S",
        "help": "most seconds that each test is explored which is run together, or is marked with"
        " explore (10)",
    },
    EXPLORE_STEP: {
        "action": "append",
        "metavar": "NAME",
        "help": "a module, package or file to be stepped, beside those of the test's project",
    },
}
VERSUS = declaring.destination(declaring.VERSUS)
STEP_SETTING = "explore_step"
MARKS = (
    "explore(bound=2, step=[...], ...): run the test under every schedule of its threads and tasks",
    "together(N): run N bodies of the test at once, under every schedule",
)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before pytest begins to capture the output
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Declare the options when all conftests have theirs; and join those that take a path.

    Start again with ``--images=DIR`` in place of ``--images DIR``, where it matters.

    Pytest settles what its root is before any conftest can say that an option takes a value: it
    takes the folder for tests to run, and the root for one that lies outside of the clone.
    """
    here = early_config.invocation_params.dir
    joined = list(joined_options(args))
    in_clone = (here / "conlab" / "bench" / "plugin.py").is_file()
    if in_clone and early_config.rootpath != here and joined != args:
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # -X, -W
        command = [sys.executable, *flags, "-m", "pytest", *joined]
        if sys.platform == "win32":
            sys.exit(subprocess.call(command))
        os.execv(sys.executable, command)
    given = list(args)
    valued = {*OPTIONS, *declaring.with_a_value(args)}
    args[:] = joined_options(args, valued)
    if args != given:  # pytest takes a value for tests to run, as it does not know the option yet
        early_config.known_args_namespace.file_or_dir = parser.parse_known_args(args).file_or_dir
    yield
    taken = _taken(parser)
    _declare_options(parser, taken)
    joined = list(joined_options(given, valued - taken))  # another's may take no value
    clones_own = any(group.name == declaring.CLONES_OWN for group in parser._groups)
    args[:] = joined if clones_own else declaring.in_full(joined, taken)


def _taken(parser: pytest.Parser) -> set[str]:
    """The names of the options that others have declared."""
    groups = [parser._anonymous, *parser._groups]
    return {name for group in groups for option in group.options for name in option.names()}


def _declare_options(parser: pytest.Parser, taken: set[str]) -> None:
    """Declare each option under the names that are free."""
    group = parser.getgroup("explore", "Concurrency Lab: tests under every schedule")
    for name, attributes in OPTIONS.items():
        names = [name, declaring.longer(name)]
        free = [each for each in names if each not in taken]
        group.addoption(*free, dest=declaring.destination(name), default=None, **attributes)
    if not any(group.name == declaring.CLONES_OWN for group in parser._groups):
        declaring.declare(parser, taken)


def joined_options(args: list[str], which: Container[str] = PATH_OPTIONS) -> Iterator[str]:
    """The arguments, each option of those that take a value joined with it."""
    rest = iter(args)
    for argument in rest:
        value = next(rest, None) if argument in which else None
        yield argument if value is None else f"{argument}={value}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting; options are declared later, so that they are in nobody's way."""
    parser.addini(
        STEP_SETTING,
        "modules, packages and files that --explore-step names",
        "linelist",
        default=[],
    )


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist, which acts on what is set here
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Have nothing shared among processes, and no benchmark skipped, if they are compared."""
    if getattr(config.option, VERSUS, None) is not None:
        with _for_a_comparison():
            from conlab.versus.benchmark_tests import plugin
        plugin.prepare(config.option)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks, and begin a comparison if one is asked for."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    if getattr(config.option, VERSUS, None) is not None:
        with _for_a_comparison():
            from conlab.versus.benchmark_tests import plugin

            config.pluginmanager.register(plugin.Hooks(config), plugin.NAME)


@contextmanager
def _for_a_comparison() -> Iterator[None]:
    from conlab.errors import UserError
    from conlab.extras import needing

    try:
        with needing("--versus", "versus"):
            yield
    except UserError as mistake:
        raise pytest.UsageError(str(mistake)) from None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have those tests explored that ask for it; nothing is imported where none does."""
    together, seconds, step = (
        config.getoption(declaring.destination(name), None) for name in OPTIONS
    )
    if together is not None:
        from conlab.explorer.in_pytest.settings import MOST_TOGETHER

        if not 2 <= together <= MOST_TOGETHER:
            raise pytest.UsageError(f"{TOGETHER}={together}: say 2 to {MOST_TOGETHER}")
    if seconds is not None and not seconds > 0:
        raise pytest.UsageError(f"{EXPLORE_SECONDS}={seconds:g}: say more than 0")
    for item in items:
        if together is None and not any(map(item.get_closest_marker, ("explore", "together"))):
            continue
        _explore(item, together, seconds, [*config.getini(STEP_SETTING), *(step or ())])


def _explore(
    item: pytest.Item, together: int | None, seconds: float | None, step: list[str]
) -> None:
    from conlab.errors import UserError
    from conlab.explorer.in_pytest import plugin
    from conlab.explorer.in_pytest.settings import Settings

    plugins = item.config.pluginmanager
    if not plugins.has_plugin(plugin.NAME):
        plugins.register(plugin.Hooks(), plugin.NAME)
    try:
        settings = Settings.of(item, together=together, seconds=seconds, step=step)
    except UserError as error:
        plugin.refuse(item, error)
        return
    if settings is not None:
        plugin.choose(item, settings)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say of the tests that were explored what came of them."""
    reports = [each for kind in terminalreporter.stats.values() for each in kind]
    told = [
        (report.nodeid, value)
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "explored"
    ]
    if told:
        from conlab.explorer.in_pytest.summary import lines

        terminalreporter.section("explored")
        for line in lines(told, verbose=terminalreporter.config.get_verbosity() > 0):
            terminalreporter.write_line(line)


@pytest.fixture
def explore(request: pytest.FixtureRequest) -> "Callable[..., Exploration]":
    """Give `conlab.explorer.explore`; a failing schedule is shown should the test fail."""
    # Imported here: a test session that explores nothing does not pay for it.
    from conlab.explorer import explore as explore_program

    def explore(program: Callable[[], Any], **options: Any) -> "Exploration":
        exploration = explore_program(program, **options)
        if exploration.witness is not None:
            schedule = plain(str(exploration.witness), keep="\n")
            request.node.add_report_section("call", "failing schedule", schedule)
        return exploration

    return explore

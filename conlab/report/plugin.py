"""Wires the page into pytest: ``--report FILE.html`` beside ``--benchmark-only``."""

import json
from pathlib import Path
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.extras import needing
from conlab.terminal import plain

FILE = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    group = parser.getgroup("concurrency lab", "concurrency lab: what to run, and on what")
    group.addoption(
        "--report",
        metavar="FILE",
        help="write the run as a page, one file of HTML, beside what is printed",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """See that a page can be written, before anything is measured."""
    given = config.getoption("report")
    if not given:
        return
    if not config.getoption("benchmark_only", False) and not config.getoption("versus", None):
        raise pytest.UsageError("--report needs --benchmark-only beside it: nothing else is timed")
    try:
        with needing("--report", "report"):
            from conlab.report import curves, page

            curves.library()
        path = Path(given).absolute()
        page.check_writable("--report", path)
    except UserError as mistake:
        raise pytest.UsageError(str(mistake)) from None
    config.stash[FILE] = path


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Write the page, and say where it is."""
    if FILE not in config.stash:
        return
    from conlab.report import page
    from conlab.report.documents import Document, kind_of

    data = json.loads(json.dumps(_figures(config), default=str))
    try:
        document = Document("this run", kind_of(data) or "run", data)
        page.write(page.of_documents([document]), config.stash[FILE])
    except UserError as mistake:
        terminalreporter.write_line(f"--report: {plain(str(mistake))}", red=True)
        return
    terminalreporter.write_line(plain(f"The page of this run: {config.stash[FILE]}"))


def _figures(config: pytest.Config) -> dict[str, Any]:
    """What --benchmark-json would write; of a comparison, its figures."""
    from conlab.versus.plugin import COMPARISON

    if (comparison := config.stash.get(COMPARISON, None)) is not None:
        return {"concurrency_lab": {"comparison": comparison.figures()}}
    session: Any = config.pluginmanager.get_plugin("pytest-benchmark")
    hook: Any = config.hook
    figures: dict[str, Any] = hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=session.benchmarks,
        include_data=True,
        machine_info=session.machine_info,
        commit_info=hook.pytest_benchmark_generate_commit_info(config=config),
    )
    hook.pytest_benchmark_update_json(
        config=config, benchmarks=session.benchmarks, output_json=figures
    )
    return figures

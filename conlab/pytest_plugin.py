"""The pytest plugin that the wheel installs: what a reader's own tests may use."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from conlab.terminal import plain

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
)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before pytest begins to capture the output
def pytest_load_initial_conftests(
    early_config: pytest.Config, args: list[str]
) -> Generator[None, None, None]:
    """Start again with ``--images=DIR`` in place of ``--images DIR``, where it matters.

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
    return (yield)


def joined_options(args: list[str]) -> Iterator[str]:
    """The arguments, each option that takes a path joined with its value."""
    rest = iter(args)
    for argument in rest:
        value = next(rest, None) if argument in PATH_OPTIONS else None
        yield argument if value is None else f"{argument}={value}"


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

"""The options that the lab gives to pytest, as parsers that the reference is made from."""

import argparse
import types
from collections.abc import Callable
from typing import Any

from conlab import pytest_plugin
from conlab.bench import settings
from conlab.report import plugin as report_plugin
from conlab.versus import declaring
from conlab.versus import options as versus_options


def anywhere() -> argparse.ArgumentParser:
    """What ``pytest`` takes in any project in which the lab is installed."""
    made, getgroup = _as_pytest()
    explore = getgroup("explore", "tests under every schedule")
    for name, attributes in pytest_plugin.OPTIONS.items():
        explore.addoption(name, **attributes)
    versus = getgroup("versus", "did it get slower?")
    for name, attributes in declaring.OPTIONS.items():
        versus.addoption(name, **attributes)
    return made


def in_the_clone() -> argparse.ArgumentParser:
    """What ``pytest --benchmark-only`` takes besides in a clone."""
    made, getgroup = _as_pytest()
    parser: Any = types.SimpleNamespace(getgroup=getgroup)
    settings.add_options(parser)
    versus_options.add_options(parser)
    report_plugin.pytest_addoption(parser)
    return made


def _as_pytest() -> tuple[argparse.ArgumentParser, Callable[..., Any]]:
    """A parser, and what gives its groups under the names that pytest's have."""
    made = argparse.ArgumentParser(prog="pytest", add_help=False)
    groups: dict[str, Any] = {}

    def getgroup(name: str, description: str = "") -> Any:
        if name not in groups:
            title = description.partition(": ")[2] or description or name
            group: Any = made.add_argument_group(title)
            group.addoption = group.add_argument
            groups[name] = group
        return groups[name]

    return made, getgroup

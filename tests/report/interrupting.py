"""A plugin for a run under test: the cell of threads is interrupted, as by Ctrl-C."""

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    if "-threads" in item.name:
        raise KeyboardInterrupt

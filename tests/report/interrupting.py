"""A plugin for a run under test: the cell of threads is interrupted, as by Ctrl-C.

The run may take its time to end: what it writes is looked at, on a machine that is busy, too.
"""

import pytest

from conlab import ending

ending.LIMIT = 60.0


def pytest_runtest_setup(item: pytest.Item) -> None:
    if "-threads" in item.name:
        raise KeyboardInterrupt

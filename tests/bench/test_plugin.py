"""What the bench does to pytest itself."""

import faulthandler
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.bench import plugin


@pytest.mark.parametrize("timed", [True, False])
def test_no_stacks_are_dumped_of_cells_that_take_their_turns(
    timed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[None] = []
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: cancelled.append(None))
    config = SimpleNamespace(getoption=lambda _name, _default: timed)
    item: Any = SimpleNamespace(config=config)
    plugin.pytest_runtest_setup(item)
    assert len(cancelled) == timed

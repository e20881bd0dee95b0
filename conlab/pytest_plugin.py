"""The pytest plugin that the wheel installs: what a reader's own tests may use."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conlab.explorer import Exploration


@pytest.fixture
def explore(request: pytest.FixtureRequest) -> "Callable[..., Exploration]":
    """Give `conlab.explorer.explore`; a failing schedule is shown should the test fail."""
    # Imported here: a test session that explores nothing does not pay for it.
    from conlab.explorer import explore as explore_program

    def explore(program: Callable[[], Any], **options: Any) -> "Exploration":
        exploration = explore_program(program, **options)
        if exploration.witness is not None:
            request.node.add_report_section("call", "failing schedule", str(exploration.witness))
        return exploration

    return explore

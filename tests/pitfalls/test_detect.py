"""What a pitfall says of its detectors is so: each finds the broken side and not the fixed one."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import pytest

from conlab.catalogue import detectors, pitfall
from conlab.catalogue.pitfall import Pitfall

Results = Mapping[tuple[str, ...], "Future[Any]"]

pytestmark = pytest.mark.timeout(300)  # the first test waits for the work of all

detected = pytest.mark.parametrize(
    ("pitfall", "tool"),
    [
        pytest.param(each, tool, id=f"{each}-{tool}")
        for each in pitfall.collect()
        for tool in each.detect
    ],
)


def both_reports(pitfall: Pitfall, tool: str) -> tuple[str, str]:
    return detectors.report(tool, pitfall, "broken"), detectors.report(tool, pitfall, "fixed")


@pytest.fixture(scope="module")
def reports(all_at_once: Callable[..., Results]) -> Results:
    return all_at_once(
        lambda pitfall, tool: detectors.missing(tool) or both_reports(pitfall, tool),
        "pitfall",
        "tool",
    )


@detected
def test_the_tool_finds_the_broken_side_and_leaves_the_fixed_one_alone(
    reports: Results, pitfall: Pitfall, tool: str
) -> None:
    match reports[str(pitfall), tool].result():
        case str() as reason:
            pytest.skip(reason)
        case broken, fixed:
            assert pitfall.detect[tool] in broken
            assert pitfall.detect[tool] not in fixed


def test_every_hanging_pitfall_of_the_deadlock_family_is_caught_by_pytest_timeout() -> None:
    uncaught = [
        str(each)
        for each in pitfall.collect()
        if each.family == "deadlocks"
        and each.shows == "hung"
        and "pytest-timeout" not in each.detect
    ]
    assert not uncaught

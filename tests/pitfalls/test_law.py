"""The law, for every pitfall: broken fails for its declared reason, and fixed never does."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import pytest

from conlab.catalogue import pitfall
from conlab.catalogue.law import Finding, Side, examine
from conlab.catalogue.pitfall import Pitfall

Results = Mapping[tuple[str, ...], "Future[Any]"]

pytestmark = pytest.mark.timeout(300)  # the first test waits for the children of all

SIDES = ("broken", "fixed")
judged = [each for each in pitfall.collect() if each.evidence != "explored"]
explored = [each for each in pitfall.collect() if each.evidence == "explored"]


@pytest.fixture(scope="module")
def findings(all_at_once: Callable[..., Results]) -> Results:
    return all_at_once(examine, "pitfall", "side")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("pitfall", judged, ids=str)
def test_a_judged_side_does_what_the_law_says(
    findings: Results, pitfall: Pitfall, side: Side
) -> None:
    assert_lawful(findings[str(pitfall), side].result())


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("explored", explored, ids=str)
def test_an_explored_side_does_what_the_law_says(explored: Pitfall, side: Side) -> None:
    assert_lawful(examine(explored, side))


def assert_lawful(finding: Finding) -> None:
    assert not finding.against_the_law, f"{finding.sentence}\n{finding.exhibit}"

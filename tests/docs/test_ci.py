"""docs/ci.md does what it says: its test is run, and its workflows are such that GitHub takes."""

from pathlib import Path

import pytest

from tests.docs.console import Command, do, read, shows
from tests.docs.test_gate import workflow_is_taken, workflows

PAGE = Path(__file__).parents[2] / "docs" / "ci.md"


def test_everything_on_the_page_is_so(tmp_path: Path) -> None:
    commands = 0
    for step in read(PAGE.read_text("utf-8")):
        printed = do(step, tmp_path)
        if isinstance(step, Command):
            commands += 1
            assert shows(step, printed), f"$ {step.line}\n{printed}"
    assert commands == 1


@pytest.mark.parametrize("number", range(3))
def test_a_workflow_is_one_that_github_takes(number: int) -> None:
    found = workflows(PAGE)
    assert len(found) == 3
    workflow_is_taken(found[number])


def test_the_gate_of_this_repository_is_compared_with_what_is_merged_into() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed here")
    (gate,) = [each for each in workflows(PAGE) if "tox -e gate" in each]
    *_, last = yaml.safe_load(gate)["jobs"]["gate"]["steps"]
    assert last["env"] == {"VERSUS": "HEAD^1"}

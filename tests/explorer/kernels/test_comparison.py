"""A trial of a tool on a kernel: what its claim is worth, and how one ends that finds no end."""

import io
import sys

import pytest

from conlab.plain_console import PlainConsole
from tests.explorer.kernels.comparison import Trial, by_kernel, by_tool, tried
from tests.explorer.kernels.table import KERNELS
from tests.explorer.kernels.trial import TOOLS, Side

OURS, PEER = TOOLS[:2]
ACCOUNT, STACK = (
    next(each for each in KERNELS if each.name == name) for name in ("account", "stack")
)


@pytest.mark.parametrize(("side", "worth"), [("broken", "found"), ("correct", "safe")])
def test_each_side_is_tried_in_a_process_of_its_own(side: Side, worth: str) -> None:
    trial = tried(OURS, ACCOUNT, side, seconds=20)
    assert trial.worth == worth, trial.detail
    assert trial.schedules


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on CPU time by signal")
def test_trial_that_uses_up_its_seconds_has_not_ended() -> None:
    assert tried(OURS, STACK, "correct", seconds=0.2).worth == "not ended"


def test_table_by_kernel_has_both_sides_of_a_tool_in_one_row() -> None:
    trials = [
        Trial(OURS, ACCOUNT, "broken", "found", 0.25, 8),
        Trial(OURS, ACCOUNT, "correct", "safe", 0.5, 1_006),
        Trial(PEER, ACCOUNT, "correct", "not ended"),
    ]
    rows = [line for line in printed(trials) if "conlab" in line or "frontrun" in line]
    assert [row.replace("│", " ").split() for row in rows] == [
        ["account", "conlab,", "reduction", "found", "0.25", "8", "safe", "0.50", "1,006"],
        ["frontrun,", "dpor", "not", "ended"],
    ]


def test_table_by_tool_counts_what_it_came_to() -> None:
    trials = [
        Trial(OURS, ACCOUNT, "broken", "found", 0.25, 8),
        Trial(OURS, STACK, "broken", "found", 0.5, 9),
        Trial(OURS, STACK, "correct", "not ended"),
    ]
    table = by_tool(trials, "title")
    row = {str(column.header): next(iter(column.cells)) for column in table.columns}
    assert {name: value for name, value in row.items() if value} == {
        "tool, strategy": "conlab, reduction",
        "found": "2",
        "not ended": "1",
        "CPU s": "0.8",
    }


def printed(trials: list[Trial]) -> list[str]:
    console = PlainConsole(width=120, file=io.StringIO())
    console.print(by_kernel(trials, "title"))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]

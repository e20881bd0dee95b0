"""The saved result in words: a story's Detect and the tables say what was found and no more."""

from dataclasses import replace
from pathlib import Path

import pytest

from conlab.catalogue.pitfall import Pitfall
from conlab.detect import words
from conlab.detect.cells import Cell, Row
from conlab.detect.saved import Scoreboard
from conlab.detect.tools import TOOLS
from tests.detect.made import board, made, tool

FAMILIES = {"event_loop": "One thread.", "races": "Read, then *write*."}  # none of the first
TESTED: Row = {"default": Cell(("E   assert False",))}


@pytest.fixture
def pair(tmp_path: Path) -> Pitfall:
    top = "import asyncio\n"
    return made(tmp_path, "return 0", "return 1", top=top, more='STUCK_AT = ("return 0",)')


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ({}, "none known."),
        ({"ruff": {"default": Cell(("BLE001", "S112"))}}, "ruff (BLE001, S112)."),
        (
            {"ruff": {"default": Cell(), "best": Cell(("A1", "A2", "A3", "A4"))}},
            "ruff with all rules (A1, A2, A3).",
        ),
        (
            {
                "python": {"default": Cell(("RuntimeWarning: never awaited",))},
                "-W error": {"default": Cell(("RuntimeWarning: never awaited",))},
            },
            'python and -W error ("RuntimeWarning: never awaited").',
        ),
        (
            {"pytest-timeout": {"default": Cell(), "forced": Cell(("return 0",))}},
            (
                "pytest-timeout by its thread method, once the order is forced, whose stacks show"
                " `return 0`."
            ),
        ),
        (
            {"ruff": {"default": Cell(("B1",))}, "bandit": {"default": Cell(("B2",))}},
            "ruff (B1); bandit (B2).",
        ),
        ({"a test": TESTED}, "none known. A test of the result fails."),
        (
            {"ruff": {"default": Cell(("B1",))}, "frontrun": TESTED},
            "ruff (B1). With a test of the result: frontrun.",
        ),
        ({"conlab explore": TESTED, "conlab's judge": TESTED}, "none known."),
    ],
)
def test_detect_names_who_finds_it_and_by_what(
    pair: Pitfall, rows: dict[str, Row], sentence: str
) -> None:
    assert words.detected(board(pair, rows), pair) == sentence


def test_a_story_s_paragraph_is_replaced_and_nothing_else(pair: Pitfall) -> None:
    source = pair.path.read_text()
    found = board(pair, {"ruff": {"default": Cell(("BLE001",))}})
    told = words.told_in(source, found, pair)
    assert told == source.replace("Detect: some text.", "Detect: ruff (BLE001).")
    assert words.told_in(told, found, pair) == told
    assert words.told_in(source, Scoreboard(), pair) == source


def test_the_catalogue_has_a_row_for_each_with_who_finds_it(pair: Pitfall) -> None:
    found = board(pair, {"ruff": {"default": Cell(("B1",))}, "a test": TESTED})
    said = replace(pair, title="Made by __init__: text.", story={"Symptom": "`a|b` or a|*b*."})
    head, _, sentence, *_, row = words.catalogue(found, [said], FAMILIES).splitlines()
    assert (head, sentence) == ("## Races", r"Read, then \*write\*.")
    link = r"[Made by \_\_init\_\_](../pitfalls/races/made.py)"
    assert row == rf"| {link} | `a\|b` or a\|\*b\*. | judged | ruff |"
    assert words.catalogue(board(pair, {}), [pair], FAMILIES).endswith("| none known |")
    assert words.catalogue(Scoreboard(), [pair], FAMILIES).endswith("| not tried yet |")


def test_a_tool_s_row_counts_what_it_found_where_and_its_false_alarms(
    pair: Pitfall, tmp_path: Path
) -> None:
    other = made(tmp_path, "return 0", "return 1", name="other")
    row: Row = {"default": Cell(), "best": Cell(("B1",), ("B2",)), "forced": Cell(("B1",))}
    found = board(pair, {"flake8-async": row})
    rows = {each[0]: each[1:] for each in words.tool_rows(found, [pair, other])}
    assert rows["flake8-async"] == ("1.0", "1", "0", "1", "1", "100%", "1", "found")
    assert rows["ruff"] == ("1.0", "2", "0", "0", "0", "0%", "0", "found")
    del found.versions["ruff"]
    rows = {each[0]: each[1:] for each in words.tool_rows(found, [pair, other])}
    assert rows["ruff"][0] == "absent"


def test_what_a_tool_finds_out_of_its_scope_widens_its_scope(pair: Pitfall) -> None:
    found = board(pair, {"faulthandler": {"default": Cell(("return 0",))}})
    assert not tool("faulthandler").scope(pair)
    assert words.in_scope(found, tool("faulthandler"), [pair]) == [pair]


def test_a_control_that_was_missed_is_said(pair: Pitfall) -> None:
    found = board(pair, {})
    assert words.control(found, tool("ruff")) == "found"
    found.controls["ruff"] = found.records["ruff"]["races/made"]
    assert words.control(found, tool("ruff")) == "MISSED"
    del found.controls["ruff"]
    assert words.control(found, tool("ruff")) == "not tried"


def test_the_scoreboard_has_ours_below_a_line_and_a_matrix_of_all(pair: Pitfall) -> None:
    row: Row = {"default": Cell(), "best": Cell(("B1",), ("B2",))}
    lines = words.scoreboard(board(pair, {"ruff": row}), [pair]).splitlines()
    first = [line.split(" | ")[0].strip("| ") for line in lines if line.startswith("| ")]
    line = next(n for n, name in enumerate(first) if name.startswith("*below"))
    assert first[1:line] == [each.name for each in TOOLS if not each.ours]
    assert first[line + 1 : line + 3] == [each.name for each in TOOLS if each.ours]
    (marks,) = [each for each in lines if each.startswith("| [Made]")]
    assert marks.count("|") == len(TOOLS) + 2
    assert marks.split(" | ")[1] == "b!"
    columns = {each.count("|") for each in lines if each.startswith("| ") and "[Made]" not in each}
    assert columns == {10, len(TOOLS) + 2}

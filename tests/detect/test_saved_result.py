"""The saved result is of pitfalls and tools as they are, and the documents are as it says."""

from pathlib import Path

import pytest

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import Pitfall
from conlab.commands import readme
from conlab.detect import saved, words
from conlab.detect.scoreboard import is_current
from conlab.detect.tools import TOOLS, Tool

BOARD = saved.read(saved.IN_CLONE)
PITFALLS = pitfall.collect()
AGAIN = "run `conlab detect`, then `conlab readme --write`"

every_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


@every_tool
def test_every_tool_was_tried_on_every_pitfall_as_it_is(tool: Tool) -> None:
    stale = [
        str(each)
        for each in PITFALLS
        if not is_current(BOARD.record(tool.name, str(each)), each, tool)
    ]
    assert not stale, AGAIN


@every_tool
def test_every_tool_found_its_control_so_that_its_silence_means_something(tool: Tool) -> None:
    assert words.control(BOARD, tool) == "found"


@every_tool
def test_every_tool_s_version_is_recorded(tool: Tool) -> None:
    assert BOARD.versions[tool.name]


def test_nothing_is_saved_of_pitfalls_that_are_no_more() -> None:
    names = {str(each) for each in PITFALLS}
    assert {name for rows in BOARD.records.values() for name in rows} == names, AGAIN


@pytest.mark.parametrize("each", PITFALLS, ids=str)
def test_each_story_s_detect_is_what_was_found(each: Pitfall) -> None:
    source = each.path.read_text("utf-8")
    assert words.told_in(source, BOARD, each) == source, "run `conlab readme --write`"
    assert each.story["Detect"] == words.detected(BOARD, each)


def test_the_catalogue_is_what_was_found() -> None:
    text = readme.CATALOGUE.read_text("utf-8")
    assert readme.updated(text) == text, "run `conlab readme --write`"


def test_every_hang_of_the_family_deadlocks_is_caught_by_a_time_limit() -> None:
    (timeout,) = [each for each in TOOLS if each.name == "pytest-timeout"]
    hangs = [each for each in PITFALLS if each.family == "deadlocks" and each.shows == "hung"]
    assert [str(each) for each in hangs if not words.found_in(BOARD, timeout, each)] == []


def is_harmless(each: Pitfall) -> bool:
    """Whether the broken side does no harm on the Python of which the result is."""
    build = ".".join(BOARD.python.split(".")[:2])
    changes = [
        change for condition, change in each.versions.items() if pitfall.applies(condition, build)
    ]
    return any(change.get("HARMLESS") for change in changes)


def test_ours_found_what_was_proved_by_them() -> None:
    explorer, judge = [each for each in TOOLS if each.ours]
    proved = {"explored": explorer, "judged": judge}
    missed = [
        str(each)
        for each in PITFALLS
        if each.evidence in proved
        and not is_harmless(each)
        and not words.found_in(BOARD, proved[each.evidence], each)
    ]
    assert missed == []


def test_every_row_of_the_catalogue_leads_to_a_file() -> None:
    folder = readme.CATALOGUE.parent
    rows = [row for row in readme.part("pitfalls").splitlines() if row.startswith("| [")]
    links = [row.partition("](")[2].partition(")")[0] for row in rows]
    assert [Path(folder, link).resolve() for link in links] == [each.path for each in PITFALLS]

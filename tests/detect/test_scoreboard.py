"""What is saved and still holds is not asked again; what is new or has changed is."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from conlab.catalogue.pitfall import Pitfall
from conlab.detect import scoreboard
from conlab.detect.cells import Cell, Row
from conlab.detect.saved import Scoreboard
from conlab.detect.scoreboard import bring_up_to_date, forget, is_current
from conlab.detect.tools import Tool
from conlab.errors import UserError
from tests.detect.made import made, tool

Answer = Callable[[Tool, Sequence[Pitfall]], dict[str, Row]]
LINTER, WATCHER = tool("ruff"), tool("blockbuster")
VERSIONS = {LINTER: "1.0", WATCHER: "2.0"}


def nothing(_: object) -> None:
    """Neither say nor save anything."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[str, ...]]]:
    """What was asked of which tool; each finds everything."""
    calls: list[tuple[str, tuple[str, ...]]] = []

    def answer(of: Tool, pitfalls: Sequence[Pitfall]) -> dict[str, Row]:
        calls.append((of.name, tuple(map(str, pitfalls))))
        return {str(each): {"default": Cell(("it",))} for each in pitfalls}

    monkeypatch.setattr(scoreboard, "rows_of", answer)
    return calls


def update(
    board: Scoreboard, pitfalls: Sequence[Pitfall], versions: Mapping[Tool, str] = VERSIONS
) -> list[str]:
    return bring_up_to_date(board, pitfalls, versions, at_once=1, say=nothing, save=nothing)


@pytest.fixture
def two(tmp_path: Path) -> list[Pitfall]:
    return [made(tmp_path, "return 0", "return 1", name=name) for name in ("one", "two")]


def test_a_linter_reads_all_files_at_once_and_another_tool_watches_one_at_a_time(
    two: list[Pitfall], asked: list[tuple[str, tuple[str, ...]]]
) -> None:
    board = Scoreboard()
    assert update(board, two) == []
    control = "controls/control_blocking_sleep"
    assert sorted(asked) == [
        ("blockbuster", (control,)),
        ("blockbuster", ("races/one",)),
        ("blockbuster", ("races/two",)),
        ("ruff", (control, "races/one", "races/two")),
    ]
    assert board.versions == {"ruff": "1.0", "blockbuster": "2.0"}
    assert set(board.controls) == {"ruff", "blockbuster"}
    assert board.date


def test_what_holds_is_not_asked_again(
    two: list[Pitfall], asked: list[tuple[str, tuple[str, ...]]]
) -> None:
    board = Scoreboard()
    update(board, two)
    asked.clear()
    update(board, two)
    assert asked == []


def test_a_pitfall_that_changed_is_asked_again_alone(
    two: list[Pitfall], asked: list[tuple[str, tuple[str, ...]]]
) -> None:
    board = Scoreboard()
    update(board, two)
    asked.clear()
    two[1].path.write_text(two[1].path.read_text().replace("return 0", "return 2"))
    update(board, two)
    assert sorted(asked) == [("blockbuster", ("races/two",)), ("ruff", ("races/two",))]


def test_a_tool_of_another_version_is_asked_again_and_so_is_its_control(
    two: list[Pitfall], asked: list[tuple[str, tuple[str, ...]]]
) -> None:
    board = Scoreboard()
    update(board, two)
    asked.clear()
    update(board, two, {LINTER: "1.1", WATCHER: "2.0"})
    assert asked == [("ruff", ("controls/control_blocking_sleep", "races/one", "races/two"))]
    assert board.versions["ruff"] == "1.1"


def test_other_settings_are_another_question(two: list[Pitfall]) -> None:
    board = Scoreboard()
    update(board, two[:1], {tool("conlab's judge"): "1.0"})
    record = board.record("conlab's judge", "races/one")
    assert is_current(record, two[0], tool("conlab's judge"))
    assert not is_current(record, two[0], LINTER)
    assert not is_current(None, two[0], LINTER)


def test_a_tool_that_does_not_run_is_said_and_costs_the_others_nothing(
    two: list[Pitfall], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(of: Tool, pitfalls: Sequence[Pitfall]) -> dict[str, Row]:
        if of is LINTER:
            raise UserError("ruff did not run: no such option")
        return {str(each): {"default": Cell()} for each in pitfalls}

    monkeypatch.setattr(scoreboard, "rows_of", answer)
    board = Scoreboard()
    assert update(board, two) == ["ruff on 3 files at once: ruff did not run: no such option"]
    assert set(board.records) == {"blockbuster"}
    assert "ruff" not in board.versions


def test_a_run_that_is_interrupted_has_saved_what_was_done(
    two: list[Pitfall], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_: Tool, pitfalls: Sequence[Pitfall]) -> dict[str, Row]:
        if pitfalls[0].name == "two":
            raise KeyboardInterrupt
        return {str(each): {"default": Cell()} for each in pitfalls}

    monkeypatch.setattr(scoreboard, "rows_of", answer)
    kept: list[set[str]] = []
    board = Scoreboard()
    with pytest.raises(KeyboardInterrupt):
        bring_up_to_date(
            board,
            two,
            {WATCHER: "2.0"},
            at_once=1,
            say=nothing,
            save=lambda board: kept.append(set(board.records.get("blockbuster", ()))),
        )
    assert kept == [{"races/one"}]


def test_what_is_saved_of_a_pitfall_that_is_no_more_is_forgotten(
    two: list[Pitfall], asked: list[tuple[str, tuple[str, ...]]]
) -> None:
    board = Scoreboard()
    update(board, two)
    forget(board, two[:1])
    assert {name: set(rows) for name, rows in board.records.items()} == {
        "ruff": {"races/one"},
        "blockbuster": {"races/one"},
    }
    assert asked

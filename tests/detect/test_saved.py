"""The saved result is read as it was written, whole or not at all."""

from pathlib import Path

import pytest

from conlab.detect import saved
from conlab.detect.cells import Cell, Row, cell_of
from conlab.errors import UserError
from tests.detect.made import board, made


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    row: Row = {"default": Cell(("B001",)), "forced": Cell((), ("ünïcödé",))}
    before = board(made(tmp_path, "return 0", "return 1"), {"ruff": row})
    saved.write(before, tmp_path / "detect.json")
    assert saved.read(tmp_path / "detect.json") == before


def test_a_line_is_a_tool_on_a_pitfall_so_that_a_diff_can_be_read(tmp_path: Path) -> None:
    before = board(made(tmp_path, "return 0", "return 1"), {"ruff": {"default": Cell(("B001",))}})
    saved.write(before, tmp_path / "detect.json")
    lines = (tmp_path / "detect.json").read_text().splitlines()
    (line,) = [each for each in lines if "B001" in each]
    assert line.strip().startswith('"races/made": {')


def test_nothing_saved_is_an_empty_board(tmp_path: Path) -> None:
    assert saved.read(tmp_path / "none.json") == saved.Scoreboard()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 99}', '{"format": 1}'])
def test_any_other_file_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "detect.json").write_text(text)
    with pytest.raises(UserError, match=r"detect\.json is no saved result of conlab detect"):
        saved.read(tmp_path / "detect.json")


def test_a_folder_that_may_not_be_written_is_said_and_the_old_result_stays(tmp_path: Path) -> None:
    before = board(made(tmp_path, "return 0", "return 1"), {})
    (tmp_path / "detect.json.new").mkdir()
    (tmp_path / "detect.json").write_text("old")
    with pytest.raises(UserError, match="the result cannot be saved"):
        saved.write(before, tmp_path / "detect.json")
    assert (tmp_path / "detect.json").read_text() == "old"


def test_a_column_that_was_not_asked_is_the_one_before_it() -> None:
    row: Row = {"default": Cell(("a",)), "forced": Cell(("b",))}
    assert [cell_of(row, column).found for column in ("default", "best", "forced")] == [
        ("a",),
        ("a",),
        ("b",),
    ]
    assert cell_of({}, "forced") == Cell()

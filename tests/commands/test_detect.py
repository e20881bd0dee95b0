"""`conlab detect`: what it prints, what it refuses, and that absent tools are named."""

import json
from pathlib import Path

import pytest

from conlab import cli
from conlab.detect import environment, saved
from conlab.detect.cells import Cell, Row
from conlab.detect.tools import TOOLS
from tests.detect.made import board, made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "detect.json"
    row: Row = {"default": Cell(("B001",))}
    saved.write(board(made(tmp_path, "return 0", "return 1"), {"ruff": row}), path)
    return path


@pytest.fixture
def _no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "FOLDER", tmp_path / "detectors")


@pytest.mark.usefixtures("_no_tools")
def test_what_is_saved_is_shown_and_absent_tools_are_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.obey(["detect", "--show", "--saved", str(file)]) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert lines[0].split()[:2] == ["tool", "version"]
    below = lines.index("the lab itself, by which the pitfalls were proved:")
    assert lines[below + 1].startswith("conlab explore")
    assert "ruff is absent: not installed: `conlab detect --install`" in lines
    assert "conlab explore is absent" not in printed


@pytest.mark.usefixtures("_no_tools")
def test_json_is_all_that_is_saved(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.obey(["detect", "--show", "--json", "--saved", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["records"]["ruff"]["races/made"]["default"] == {"found": ["B001"]}
    assert set(told["records"]) == {tool.name for tool in TOOLS}


@pytest.mark.usefixtures("_no_tools")
def test_one_tool_alone_is_shown_when_it_is_asked_for(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.obey(["detect", "--show", "--tool", "ruff", "--saved", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:2]] == ["ruff"]
    assert not [line for line in lines if line.startswith("mypy")]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tool", "rufff"], "--tool 'rufff': known are ruff, flake8-async"),
        (["--at-once", "0"], "--at-once 0: say 1 to 16"),
        (["lost_updat"], "there is no pitfall or family 'lost_updat'"),
    ],
)
def test_a_mistake_gets_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.obey(["detect", "--show", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"conlab: {sentence}")
    assert said.count("\n") == 1


@pytest.mark.usefixtures("_no_tools")
def test_a_result_of_another_python_is_not_mixed_with_this_one(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(file.read_text().replace('"3.14.0"', '"3.9.1"'))
    assert cli.obey(["detect", "--saved", str(file)]) == 2
    assert "was made with Python 3.9.1, and this is " in capsys.readouterr().err

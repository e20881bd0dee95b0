"""`conlab calibrate`: its tables, its progress, and what it refuses."""

import argparse
import json
import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.calibration import evaluation, rates, recording, tables
from conlab.calibration.recording import (
    STREAMS,
    Stream,
    this_machine,
)
from conlab.commands import calibrate as command
from conlab.errors import UserError
from conlab.extras import how_to_install
from conlab.versus.rule import missing_library
from tests.calibration.made_pairs import counted_once, records

pytest.importorskip("scipy", reason=f"{missing_library()}")

RULE = evaluation.RULE
TENTH = Stream("count_letters-serial", 0.1)


@pytest.fixture
def counted() -> evaluation.OfLoad:
    return counted_once()


def call(seconds: float = 0.0, busy: bool = False) -> int:
    return command.run(argparse.Namespace(seconds=seconds, busy=busy, quick=False))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: evaluation.OfLoad) -> Path:
    monkeypatch.setattr(recording, "FOLDER", tmp_path)
    monkeypatch.setattr(evaluation, "SUMMARY", tmp_path / "summary.json")
    monkeypatch.setattr(evaluation, "of_load", lambda _load, pairs: counted if len(pairs) else None)
    return tmp_path


def test_the_tables_name_every_judge_and_every_stream(
    folder: Path, capsys: pytest.CaptureFixture[str], counted: evaluation.OfLoad
) -> None:
    lines = [record.to_json() for record in records(TENTH, 3, this_machine())]
    (folder / "busy.jsonl").write_text("\n".join([*lines, "torn"]))
    assert call() == 0
    said = capsys.readouterr().out
    for judge, rate in counted.runs.items():
        assert f"{judge} " in said
        assert str(rate) in said
    for stream in STREAMS:
        shown = f"{stream.cell} +{stream.slowdown:.0%}" if stream.slowdown else stream.cell
        assert f"\n{shown} " in said
    assert this_machine() in said
    assert "busy.jsonl: 1 damaged lines are passed over" in said
    assert json.loads((folder / "summary.json").read_text())["loads"][0]["pairs"] == counted.pairs


@pytest.mark.parametrize(("columns", "tables_of_streams"), [(80, 2), (126, 1)])
def test_the_tables_of_streams_are_cut_in_two_where_they_do_not_fit(
    columns: int,
    tables_of_streams: int,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = [record.to_json() for record in records(TENTH, 3, this_machine())]
    (folder / "busy.jsonl").write_text("\n".join(lines))
    assert call() == 0
    said = capsys.readouterr().out.partition("The coin: ")[2].splitlines()
    assert max(map(len, said[:-1])) <= columns
    assert sum(line.startswith(TENTH.id) for line in said) == tables_of_streams


def test_of_no_runs_there_is_no_share() -> None:
    assert tables.per_cent(rates.rate([])) == "-"
    assert tables.per_cent(rates.rate([True, False])) == "50%"


def test_ctrl_c_shows_what_there_is(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(file: Path, *_arguments: Any) -> None:
        file.write_text("".join(f"{one.to_json()}\n" for one in records(TENTH, 3, this_machine())))
        raise KeyboardInterrupt

    monkeypatch.setattr(recording, "record", interrupted)
    assert call(60.0, busy=True) == 130
    assert "unchanged code: who judged it" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {"busy.jsonl", "summary.json"}


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_seconds_that_are_none_are_refused(seconds: float) -> None:
    with pytest.raises(UserError, match="it should be a number, 0 or more"):
        call(seconds)


@pytest.mark.usefixtures("folder")
def test_before_the_first_run_there_is_a_sentence() -> None:
    with pytest.raises(UserError, match="no run is complete yet"):
        call()


def test_without_scipy_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(
        UserError, match=re.escape(f"calibrate needs scipy: {how_to_install('versus')}")
    ):
        call()


def test_progress_is_one_line_on_a_terminal_and_only_news_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command.progress("3 runs complete; 50 s to go")
    command.progress("a cell is left out: no reason")
    assert capsys.readouterr().err == "a cell is left out: no reason\n"
    terminal = SimpleNamespace(isatty=lambda: True, write=lambda _: None, flush=lambda: None)
    written: list[str] = []
    terminal.write = written.append
    monkeypatch.setattr(sys, "stderr", terminal)
    command.progress("3 runs complete; 50 s to go")
    assert "".join(written).endswith("3 runs complete; 50 s to go")

"""What was found here is quoted below a comparison, and nothing else is."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.calibration import evaluation, quotation
from conlab.versus.plugin import COMPARISON
from conlab.versus.rule import missing_library
from conlab.versus.sequential_test import SequentialTest
from tests.bench.made import cell
from tests.calibration.made_pairs import counted_once

pytest.importorskip("scipy", reason=f"{missing_library()}")

RULE = evaluation.RULE


@pytest.fixture
def counted() -> evaluation.OfLoad:
    return counted_once()


def test_what_was_found_here_is_quoted(tmp_path: Path, counted: evaluation.OfLoad) -> None:
    path = tmp_path / "summary.json"
    evaluation.save([counted], path)
    quoted = str(quotation.quoted(path))
    assert "alpha 0.01 over 6 cells" in quoted
    alarms = counted.runs["this rule"]
    assert f"idle, 2026-01-01 to 2026-01-03: an alarm in {alarms} runs" in quoted
    tenths = sum(one.verdicts["slower"].of for one in counted.streams if one.slowdown == 0.1)
    assert f"slower by a tenth was found in {tenths} of {tenths} (" in quoted
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_the_summary_of_a_comparison_quotes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotation, "quoted", lambda: "Calibrated here: never wrong")
    written: list[str] = []
    reporter = SimpleNamespace(write_line=written.append)
    for tests in ([], [SequentialTest(cell("serial", "a_job"), RULE)]):
        stash = {COMPARISON: SimpleNamespace(tests=tests)}
        config: Any = SimpleNamespace(stash=stash)
        quotation.pytest_terminal_summary(reporter, config)
    assert written == ["Calibrated here: never wrong"]


def test_what_was_found_elsewhere_or_not_at_all_is_not_quoted(
    tmp_path: Path, counted: evaluation.OfLoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quotation.quoted(tmp_path / "summary.json") is None
    evaluation.save([counted], tmp_path / "summary.json")
    monkeypatch.setattr(quotation, "this_machine", lambda: "another")
    assert quotation.quoted(tmp_path / "summary.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"machine": 1', json.dumps({"loads": []})])
def test_a_damaged_summary_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "summary.json"
    path.write_text(text)
    assert str(quotation.quoted(path)).startswith(f"{path} cannot be read")

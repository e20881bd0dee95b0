"""The comparison told: marks, findings and standing, in 80 columns, as Markdown and as data."""

import json
from typing import Any

import pytest

from conlab.atlas import comparison, report
from conlab.atlas.asked import all_rows
from conlab.atlas.comparison import Build, Compared, Finding
from conlab.atlas.guarantee import Guarantee, Promise
from conlab.atlas.idioms import Idiom
from conlab.cli import obey


def compared(promise: Promise, **changes: Any) -> Compared:
    guarantee = Guarantee("op()", promise, Idiom("op()", "", ""))
    usual: dict[str, Any] = {
        "binds": True, "gil": False, "bytecode": False, "acts": 1_000, "rounds": 1
    }  # fmt: skip
    return Compared("list", guarantee, **usual | changes)


def told(row: Compared) -> str:
    return f"{row.guarantee.promise.name} {row.wrong} {row.ended}".strip()


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        (compared(Promise.ATOMIC, wrong=1), Finding.BROKEN),
        (compared(Promise.SAFE, ended="crash"), Finding.BROKEN),
        (compared(Promise.ATOMIC), Finding.HELD),
        (compared(Promise.SAFE, bytecode=True), Finding.HELD),
        (compared(Promise.MIX, ended="hung"), Finding.CRASHED),
        (compared(Promise.MIX, wrong=1), Finding.AS_SAID),
        (compared(Promise.NOT_ATOMIC, bytecode=True), Finding.EXPLORED),
        (compared(Promise.NOT_ATOMIC), Finding.UNSEEN),
        (compared(Promise.SILENT, wrong=3), Finding.SILENT_WRONG),
        (compared(Promise.SILENT, bytecode=True), Finding.SILENT_HELD),
        (compared(Promise.SILENT, ended="crash"), Finding.CRASHED),
    ],
    ids=lambda value: value.name if isinstance(value, Finding) else told(value),
)
def test_a_row_comes_to_a_finding(row: Compared, finding: Finding) -> None:
    assert row.finding is finding


@pytest.mark.parametrize(
    ("version", "gil", "said"),
    [
        ((3, 13, 5), False, "the manual of 3.13 has no page of guarantees: this is measured by"),
        ((3, 11, 7), True, "the manual of 3.11 has no page of guarantees: this is measured by"),
        ((3, 14, 1), True, "the page of guarantees speaks of builds without the GIL"),
        ((3, 15, 2), False, "the page of guarantees of 3.15 speaks of this build"),
    ],
)
def test_what_the_manual_of_that_version_promises_is_said(
    version: tuple[int, int, int], gil: bool, said: str
) -> None:
    assert report.standing(Build(version, gil)).startswith(said)


def widest(version: tuple[int, int, int], gil: bool, **changes: Any) -> Build:
    """Every row, with the widest that can be said of it."""
    usual: dict[str, Any] = {
        "wrong": 123_456_789,
        "acts": 987_654_321,
        "example": "RuntimeError()" * 20,
    }
    rows = [
        Compared("list", row, True, *(gil or None, True), **usual | changes) for row in all_rows()
    ]
    return Build(version, gil, rows)


def test_the_text_fits_80_columns_and_has_each_row_for_each_build() -> None:
    builds = [widest((3, 13, 50), False), widest((3, 14, 10), True), widest((3, 15, 2), True)]
    lines = list(report.text(builds, 80))
    assert max(map(len, lines)) <= 80
    for row in all_rows():
        assert len([line for line in lines if line.startswith(f"{row.operation} ")]) >= 2
    assert "3.13.50t" in lines[0]
    assert "3.15.2" not in lines[0]


def test_what_is_broken_is_marked_and_listed_with_what_was_seen() -> None:
    rows = [
        compared(Promise.ATOMIC, wrong=2, example="RuntimeError(7)"),
        compared(Promise.SILENT, wrong=3),
        compared(Promise.SAFE, acts=5_000),
        compared(Promise.ATOMIC, acts=70_000),
    ]
    text = "\n".join(report.text([Build((3, 14, 1), False, rows)], 120))
    assert "Promised, and broken here: 1" in text
    assert "  list: op() (atomic): 2 of 1,000 acts, such as RuntimeError(7)" in text
    assert "Nothing said, and seen to go wrong: 1" in text
    assert "never seen broken: 2, each tried 5k to 70k times. That proves nothing" in text
    marks = [line[-1] for line in text.splitlines() if line.startswith("op() ")]
    assert marks == ["!", "?", "0", "0"]


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0"), (999, "999"), (1_000, "1k"), (12_345, "12.3k"), (999_499, "999k"), (999_500, "1M")],
)
def test_a_count_is_written_in_five_characters(number: int, written: str) -> None:
    assert report.short(number) == written


def test_markdown_has_a_line_for_each_row_and_a_column_for_each_build() -> None:
    builds = [widest((3, 13, 5), False), widest((3, 14, 10), True)]
    head, rule, *lines = report.markdown(builds)
    assert len(lines) == len(all_rows())
    columns = {len(line.replace("\\|", "").split("|")) for line in (head, rule, *lines)}
    assert len(columns) == 1


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Build]:
    """What the command is told of the interpreters, in turn."""
    builds: list[Build] = []
    waiting = iter(builds)
    monkeypatch.setattr(comparison, "compare", lambda *_: next(waiting))
    return builds


@pytest.mark.parametrize(("binds", "status"), [(True, 1), (False, 0)])
def test_the_command_fails_where_a_promise_to_this_build_is_broken(
    binds: bool, status: int, found: list[Build], capsys: pytest.CaptureFixture[str]
) -> None:
    found.append(Build((3, 14, 1), False, [compared(Promise.ATOMIC, wrong=1, binds=binds)]))
    assert obey(["atomics", "--guarantees"]) == status
    assert "Promised, and broken here: 1" in capsys.readouterr().out


def test_the_command_gives_all_of_it_as_json(
    found: list[Build], capsys: pytest.CaptureFixture[str]
) -> None:
    found.append(Build((3, 14, 1), False, [compared(Promise.SILENT, wrong=1)]))
    assert obey(["atomics", "--guarantees", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["build"], row["promised"], row["wrong"]) == ("3.14.1t", "-", 1)
    assert row["finding"] == Finding.SILENT_WRONG


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--guarantees", "--acts", "3"], "--acts is for the idioms"),
        (["--guarantees", "--seconds", "0"], "--seconds 0 makes no sense"),
        (["--guarantees", "--seconds", "nan"], "--seconds nan makes no sense"),
        (["--seconds", "3"], "--seconds and --markdown are for --guarantees"),
        (["--markdown"], "--seconds and --markdown are for --guarantees"),
        (["--guarantees", "--python", "/nowhere/python"], "there is no such interpreter"),
        (["--guarantees", "--python", __file__], "is no Python that answers"),
    ],
)
def test_the_command_says_what_cannot_be(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert obey(["atomics", *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1

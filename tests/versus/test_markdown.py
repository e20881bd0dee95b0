"""The report in Markdown: the worst first, what did not change folded, no text that breaks it."""

from pathlib import Path

import pytest

from conlab.versus import markdown
from conlab.versus.clocks import Clock
from conlab.versus.rule import Judgement, Verdict
from tests.versus.test_report import ALL, after_pairs, comparison, judgement


def report(*tests: object, **options: object) -> str:
    return markdown.report(comparison(*tests, **options))  # type: ignore[arg-type]


def test_the_title_says_it_all() -> None:
    first = report(*ALL).partition("\n")[0]
    assert first == "### ❌ 1 failed, 🔴 1 of 4 cells slower: 3 of 4 cells decided"


@pytest.mark.parametrize(
    ("wall", "title"),
    [
        (judgement(Verdict.SAME, 0.001), "✅ none slower: 1 of 1 cell decided"),
        (judgement(Verdict.UNSURE, 0.02), "⚪ nothing decided: 0 of 1 cell decided"),
        (None, "⚪ nothing decided: 0 of 1 cell decided"),
    ],
)
def test_nothing_decided_is_not_green(wall: Judgement | None, title: str) -> None:
    assert report(after_pairs("job", wall)).startswith(f"### {title}\n")


def test_the_worst_come_first_and_the_unchanged_are_folded() -> None:
    worse = after_pairs("worse_job", judgement(Verdict.SLOWER, 0.4))
    text = report(*ALL, worse)
    shown, _, folded = text.partition("<details>")
    places = [
        shown.index(name) for name in ("worse\\_job", "slow\\_job", "wild\\_job", "fast\\_job")
    ]
    assert places == sorted(places)
    assert "same\\_job" not in shown
    assert "1 cell with no change that matters" in folded
    assert "same\\_job" in folded
    assert "gone\\_job-serial: main (1a2b3c) has no gone\\_job" in folded
    assert "sick\\_job-serial**: main (1a2b3c): every job failed" in shown


def test_a_row_has_the_change_and_its_interval_and_the_pairs() -> None:
    row = "| 🔴 | slow\\_job-serial | **slower** (wall)<br>**slower** (cpu) | +8.3%<br>+8.1% |"
    assert f"{row} +6.3% … +10.3%<br>+6.1% … +10.1% | 20 |" in report(*ALL)


def test_a_cell_that_takes_more_memory_says_so() -> None:
    test = after_pairs("job", judgement(Verdict.SAME, 0.0))
    test.others = {Clock.MEMORY: judgement(Verdict.SLOWER, 0.3)}
    assert "**slower** (memory) | +30.0% |" in report(test)


def test_no_name_breaks_the_table() -> None:
    text = report(after_pairs("a|b`<b>*\x1b[31m", judgement(Verdict.SLOWER, 0.1)))
    row = next(line for line in text.splitlines() if line.startswith("| 🔴"))
    assert "a\\|b\\`&lt;b&gt;\\*" in row
    assert "\x1b" not in row


def test_it_is_written_whole_and_added_to_the_summary_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("of another step\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    made = comparison(*ALL, report_md=tmp_path / "report.md")
    assert markdown.write(made) == [tmp_path / "report.md", summary]
    assert (tmp_path / "report.md").read_text("utf-8") == markdown.report(made)
    assert summary.read_text("utf-8") == f"of another step\n{markdown.report(made)}\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["report.md", "summary.md"]


def test_more_cells_than_anybody_reads_are_counted() -> None:
    many = [after_pairs(f"job{n}", judgement(Verdict.SLOWER, 0.1)) for n in range(60)]
    assert "… and 10 more" in report(*many)

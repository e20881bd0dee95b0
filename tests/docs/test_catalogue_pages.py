"""The catalogue's pages say what the files of the pairs say, whatever stands in these."""

from dataclasses import replace

import pytest

from conlab import content
from conlab.catalogue import pitfall
from docs.book import catalogue, evidence
from docs.book.evidence import Evidence
from docs.book.markdown import fenced, markdown

PAIRS = pitfall.collect()
LOST_UPDATE = pitfall.find("lost_update")
SEEN = Evidence(
    "broken fails in 3 of 4 schedules",
    "fixed passes",
    "",
    "| x = 1 |",
    {"schedule": "an order."},
)


def test_there_is_a_page_for_each_pair_and_each_family() -> None:
    families = pitfall.families()
    made = catalogue.pages(PAIRS, families, {})
    assert len(made) == len(PAIRS) + len(families)
    for pair in PAIRS:
        assert f"({pair.family}/{pair.name}.md)" in made[f"catalogue/{pair.family}.md"]


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_page_begins_with_what_one_sees_and_shows_what_mends_it(pair: pitfall.Pitfall) -> None:
    title, symptom, *rest = catalogue.page(pair, None).split("\n\n")
    assert title.startswith("# ")
    assert symptom.startswith("**What one sees.**")
    changed = [line for line in catalogue.difference(pair).splitlines() if line[:1] in "+-"]
    assert changed, "the two sides do not differ"
    assert all(line in "\n".join(rest) for line in changed)


def test_a_page_says_what_was_proved_and_explains_its_words() -> None:
    page = catalogue.page(LOST_UPDATE, SEEN)
    assert "- broken fails in 3 of 4 schedules\n- fixed passes" in page
    assert "```text\n| x = 1 |\n```" in page
    assert "- **schedule**: an order." in page
    assert "What was proved" not in catalogue.page(LOST_UPDATE, None)
    drawn = catalogue.page(LOST_UPDATE, replace(SEEN, drawing="<svg>\n\n</svg>"))
    assert '```{raw} html\n<div class="drawn"><svg>\n\n</svg></div>\n```' in drawn


def test_what_stands_in_a_story_is_no_markup() -> None:
    assert markdown("*args of `f(*a)` in __init__, <b> at https://a.test/x_y.") == (
        r"\*args of `f(*a)` in \_\_init\_\_, \<b\> at <https://a.test/x_y>."
    )
    assert fenced("a ``` b") == "````text\na ``` b\n````"
    hostile = replace(LOST_UPDATE, story={**LOST_UPDATE.story, "Symptom": "<script>x</script>"})
    assert "<script>" not in catalogue.page(hostile, None).replace("\\<script", "")


def test_what_came_of_a_pair_is_kept_until_it_or_the_lab_changes(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    monkeypatch.setattr(evidence, "KEPT", folder)
    ran = []

    def run(pair: pitfall.Pitfall) -> Evidence:
        ran.append(pair.name)
        return SEEN

    monkeypatch.setattr(evidence, "in_a_process_of_its_own", run)
    for state in ("one", "one", "other"):
        monkeypatch.setattr(evidence, "state_of_conlab", lambda state=state: state)
        assert list(evidence.gathered([LOST_UPDATE])) == [SEEN]
    assert ran == ["lost_update", "lost_update"]
    (kept,) = folder.iterdir()
    kept.write_text("{ damaged")
    assert list(evidence.gathered([LOST_UPDATE])) == [SEEN]
    assert len(ran) == 3


def test_both_sides_are_really_run() -> None:
    found = evidence.in_a_process_of_its_own(LOST_UPDATE)
    assert found.broken.startswith("broken fails in ")
    assert found.fixed.startswith("fixed passes every schedule")
    assert "balance" in found.exhibit
    assert "balance" in found.drawing
    assert "data-schedule" in found.drawing
    assert "schedule" in found.terms


def test_the_tables_that_are_laid_out_in_their_own_way_are_those_of_the_catalogue() -> None:
    pytest.importorskip("sphinx", reason="the extra docs is not installed here")
    from docutils.core import publish_doctree

    from docs.book import extension

    heads = ["the mistake", "pitfall", "tool"]
    rule = f"{'=' * 11} ="
    tables = [f"{rule}\n{head:11} b\n{rule}\nc{' ' * 11}d\n{rule}\n" for head in heads]
    document = publish_doctree("\n".join(tables))
    extension.mark_tables(None, document)
    classes = [each["classes"] for each in document.findall() if each.tagname == "table"]
    assert classes == [["mistakes"], ["matrix"], []]
    css = (content.ROOT / "docs" / "static" / "book.css").read_text("utf-8")
    assert all(f"table.{each}" in css for each in extension.KINDS_OF_TABLE.values())
    table = (content.ROOT / "docs" / "catalogue.md").read_text("utf-8")
    assert all(f"\n| {head} | " in table for head in heads)

"""What is printed is explained: each term in the output, and every one of them in the glossary."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conlab.bench import summary
from conlab.explorer.verdict import Exploration
from conlab.terms import TERMS, explained
from conlab.versus.rule import Verdict

GUIDES = Path(__file__).parent.parent / "docs"
GLOSSARY = (GUIDES / "glossary.md").read_text("utf-8")
TERMS_THERE = {
    term.strip()
    for row in re.findall(r"^\| ([^|]+) \|", GLOSSARY, re.MULTILINE)
    for term in row.split(",")
}
MOST_LINES = 70  # a page


def test_the_glossary_is_a_page() -> None:
    assert len(GLOSSARY.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("term", TERMS)
def test_a_term_that_is_explained_where_it_is_printed_stands_in_the_glossary(term: str) -> None:
    assert term in TERMS_THERE


@pytest.mark.parametrize("page", ["glossary.md", "choose.md", "measuring.md"])
def test_the_floor_is_on_every_page_what_it_is_below_the_table(page: str) -> None:
    meaning = "the least time that is possible here"
    for name in ("floor", "bound"):  # a table has one of the two
        assert summary.LEGEND[name].startswith(f"{name}: {meaning} / the time")
    text = " ".join((GUIDES / page).read_text("utf-8").split())
    assert meaning in text.lower()
    assert "the floor / the" in text or f"{meaning} / the time" in text


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdicts_of_a_comparison_stand_there(verdict: Verdict) -> None:
    (row,) = re.findall(r"^\| verdict \| ([^|]+) \|", GLOSSARY, re.MULTILINE)
    assert verdict in row


def said(**changes: Any) -> str:
    usual = Exploration(9, 0, exhausted=True, bound=2, reading="gil", stepped=(), witness=None)
    return str(replace(usual, **changes))


@pytest.mark.parametrize(
    ("printed", "terms"),
    [
        (said(), ["schedule", "preemption", "reading gil"]),
        (
            said(reading="bytecode", counted="departure", exhausted=False),
            ["schedule", "departure", "reading bytecode", "not exhausted"],
        ),
        ("passes (up to 2 preemptions, reading\n  gil)", ["preemption", "reading gil"]),
        ("broken returned 2000", []),
        ("* races for balance", ["races for"]),
    ],
)
def test_the_terms_of_an_output_are_explained_once_and_no_others(
    printed: str, terms: list[str]
) -> None:
    lines = list(explained(printed, 80))
    assert max(map(len, lines), default=0) <= 80
    assert [line.partition(":")[0] for line in lines if not line.startswith(" ")] == terms

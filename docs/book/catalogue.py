"""Writes the catalogue's pages: one for each pair and one for each family, as Markdown."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from conlab.catalogue.pitfall import Pitfall
from docs.book.evidence import Evidence
from docs.book.markdown import fenced, markdown

FOLDER = PurePosixPath("catalogue")
HOW = {
    "explored": "Every schedule that differs was run.",
    "judged": "It was run in a child process under a time limit; if the failure needs an order, the"
    " order was forced from outside.",
    "measured": "Both sides were measured in one run.",
}


def pages(
    pairs: Sequence[Pitfall], families: Mapping[str, str], evidence: Mapping[str, Evidence]
) -> dict[str, str]:
    """The text of each page by its path below docs/. ``evidence`` is by a pair's full name."""
    made = {f"{FOLDER}/{pair}.md": page(pair, evidence.get(str(pair))) for pair in pairs}
    for family, sentence in families.items():
        own = [pair for pair in pairs if pair.family == family]
        made[f"{FOLDER}/{family}.md"] = family_page(family, sentence, own)
    return made


def contents(families: Mapping[str, str]) -> str:
    """What is put below the table of the catalogue, so that its pages are in the sidebar."""
    return toctree([f"{FOLDER}/{family}" for family in families])


def family_page(family: str, sentence: str, pairs: Sequence[Pitfall]) -> str:
    """The page of a family: its pairs in reading order, by what one sees."""
    name = family.replace("_", " ").capitalize()
    rows = [
        f"| [{heading(pair)}]({family}/{pair.name}.md) | {_cell(pair.story['Symptom'])} |"
        for pair in pairs
    ]
    table = "\n".join(["| the mistake | what one sees |", "|---|---|", *rows])
    names = toctree([f"{family}/{pair.name}" for pair in pairs])
    return f"# {name}\n\n**{markdown(sentence)}**\n\n{table}\n\n{names}\n"


def page(pair: Pitfall, evidence: Evidence | None) -> str:
    """The page of a pair: what one sees, the difference that mends it, and what was proved."""
    story = {section: markdown(text) for section, text in pair.story.items()}
    summary = pair.title.partition(": ")[2]
    parts = [
        f"# {heading(pair)}",
        f"**What one sees.** {story['Symptom']}",
        f"**What goes wrong.** {markdown(summary[:1].upper() + summary[1:])}",
        f"{fenced(difference(pair), 'diff')}",
        f"**Must hold:** {markdown(pair.must_hold)}",
        *(proof(pair, evidence) if evidence else ()),
        "## Why",
        story["Why"],
        "## The fix",
        story["Fix"],
        "## How to detect it",
        story["Detect"],
        "## Try it",
        fenced(
            f"conlab study {pair.name}\npython3 pitfalls/{pair}.py broken  # it runs alone, too",
            "sh",
        ),
        "## The whole file",
        f"```{{literalinclude}} ../../../pitfalls/{pair}.py\n:language: python\n```",
        "## Source",
        story["Source"],
    ]
    return "\n\n".join(parts) + "\n"


def proof(pair: Pitfall, evidence: Evidence) -> list[str]:
    """What was run for the page, and what came of it."""
    parts = [
        "## What was proved",
        HOW[pair.evidence],
        f"- {markdown(evidence.broken)}\n- {markdown(evidence.fixed)}",
    ]
    if evidence.drawing:
        parts += [fenced(f'<div class="drawn">{evidence.drawing}</div>', "{raw} html")]
        parts += ["<details><summary>The same as text</summary>", fenced(evidence.exhibit)]
        parts += ["</details>"]
    elif evidence.exhibit.strip():
        parts += [fenced(evidence.exhibit)]
    if evidence.terms:
        rows = [f"- **{term}**: {markdown(meaning)}" for term, meaning in evidence.terms.items()]
        words = "\n".join(rows)
        parts += ["<details><summary>The words in it</summary>", words, "</details>"]
    return parts


def difference(pair: Pitfall) -> str:
    """From the broken side to the fixed one, with all lines of both."""
    broken, fixed = pair.broken.splitlines(), pair.fixed.splitlines()
    whole = max(len(broken), len(fixed))
    lines = list(difflib.unified_diff(broken, fixed, lineterm="", n=whole))[3:]
    return "\n".join(lines or broken)


def heading(pair: Pitfall) -> str:
    """The name of the mistake in words, as its title begins."""
    return markdown(pair.title.partition(": ")[0])


def toctree(names: Sequence[str]) -> str:
    """What puts pages into the sidebar."""
    return "\n".join(["```{toctree}", ":hidden:", "", *names, "```"])


def _cell(text: str) -> str:
    """Markdown that stands in a table."""
    return markdown(text)

"""A comparison as Markdown: what a reviewer reads in ten seconds, the worst first.

For ``--report-md``, and for the summary of a GitHub job, whose file stands in the environment.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from conlab.terminal import plain
from conlab.versus.clocks import Clock
from conlab.versus.comparison import Comparison
from conlab.versus.rule import Judgement, Verdict
from conlab.versus.sequential_test import SequentialTest

SUMMARY = "GITHUB_STEP_SUMMARY"  # the variable that names the file
SIGNS = {Verdict.SLOWER: "🔴", Verdict.FASTER: "🟢", Verdict.UNSURE: "⚪", Verdict.SAME: "✅"}
ORDER = (Verdict.SLOWER, Verdict.UNSURE, Verdict.FASTER, Verdict.SAME)
FAILED = "❌"
MOST = 50  # rows that are shown: the platform cuts what is longer than a mebibyte
HEAD = ("", "cell", "verdict", "change", "from … to", "pairs")


def write(comparison: Comparison) -> list[Path]:
    """Write the report where it is asked for; the files written to.

    The summary of a job may hold what other steps wrote: it is added to.
    """
    text = report(comparison)
    written = []
    if file := comparison.options.report_md:
        unfinished = file.with_name(f"{file.name}.part")
        unfinished.write_text(text, "utf-8")
        unfinished.replace(file)
        written.append(file)
    if summary := os.environ.get(SUMMARY):
        with Path(summary).open("a", encoding="utf-8") as there:
            there.write(f"{text}\n")
        written.append(Path(summary))
    return written


def report(comparison: Comparison) -> str:
    """The whole report."""
    return "\n".join(lines(comparison)) + "\n"


def lines(comparison: Comparison) -> Iterator[str]:
    """A title that says it all, what is to be looked at, and the rest folded."""
    compared = [test for test in comparison.tests if not (test.absent or test.failure)]
    failed = [test for test in comparison.tests if test.failure]
    absent = [test for test in comparison.tests if test.absent]
    shown = sorted(compared, key=urgency)
    folded = [test for test in shown if test.verdict is Verdict.SAME]
    open_ones = [test for test in shown if test.verdict is not Verdict.SAME]
    yield f"### {title(comparison)}"
    yield ""
    names = [survey.side.name for survey in comparison.surveys or ()]
    if names:
        yield f"{cell(names[1])} against {cell(names[0])}."
        yield ""
    for test in failed:
        yield f"- {FAILED} **{cell(test.cell.id)}**: {cell(test.failure or '')}"
    if failed:
        yield ""
    if open_ones:
        yield from table(open_ones)
    if folded:
        yield from details(f"{number(len(folded), 'cell')} with no change that matters", folded)
    if absent:
        yield f"<details><summary>{number(len(absent), 'cell')} not compared</summary>"
        yield ""
        for test in absent:
            yield f"- {cell(test.cell.id)}: {cell(test.absent or '')}"
        yield ""
        yield "</details>"
        yield ""
    for note in comparison.notes:
        yield f"- Note: {cell(note)}."
    yield ""
    yield f"<sub>{legend(comparison)}</sub>"


def title(comparison: Comparison) -> str:
    """What came out, in a line."""
    tests = comparison.tests
    compared = [test for test in tests if not (test.absent or test.failure)]
    decided = [test for test in compared if test.verdict is not Verdict.UNSURE]
    slower = sum(test.verdict is Verdict.SLOWER for test in compared)
    failed = sum(bool(test.failure) for test in tests)
    said = []
    if failed:
        said.append(f"{FAILED} {failed} failed")
    if slower:
        said.append(f"{SIGNS[Verdict.SLOWER]} {slower} of {number(len(compared), 'cell')} slower")
    if not said and not decided:
        said.append(f"{SIGNS[Verdict.UNSURE]} nothing decided")
    if not said:
        said.append(f"{SIGNS[Verdict.SAME]} none slower")
    return f"{', '.join(said)}: {len(decided)} of {number(len(compared), 'cell')} decided"


def urgency(test: SequentialTest) -> tuple[int, float]:
    """The worst first: by verdict, then by the size of the change."""
    judged = test.decisive
    return ORDER.index(test.verdict), -judged.estimate if judged else 0.0


def table(tests: Sequence[SequentialTest]) -> Iterator[str]:
    """A row for each cell, with a line for each clock that says something else."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|---|---|---|--:|---|--:|"
    for test in tests[:MOST]:
        clocks = test.slower_by or list(test.by_clock)[:1]
        judged = [test.by_clock[clock] for clock in clocks]
        columns = (
            SIGNS[test.verdict],
            cell(test.cell.id),
            verdict(test, clocks),
            "<br>".join(f"{each.estimate:+.1%}" for each in judged) or "not known",
            "<br>".join(map(span, judged)),
            str(len(test.pairs)),
        )
        yield f"| {' | '.join(columns)} |"
    if len(tests) > MOST:
        yield f"\n… and {len(tests) - MOST} more"
    yield ""


def verdict(test: SequentialTest, clocks: Sequence[Clock]) -> str:
    """The verdict, by which clocks where it is not wall time alone."""
    if test.verdict is Verdict.SLOWER:
        return "<br>".join(f"**slower** ({clock})" for clock in clocks)
    return f"{test.verdict}{' (cpu)' if test.by_cpu else ''}"


def span(judged: Judgement) -> str:
    """The interval."""
    return f"{judged.low:+.1%} … {judged.high:+.1%}"


def details(summary: str, tests: Sequence[SequentialTest]) -> Iterator[str]:
    """A table that is folded."""
    yield f"<details><summary>{summary}</summary>"
    yield ""
    yield from table(tests)
    yield "</details>"
    yield ""


def legend(comparison: Comparison) -> str:
    """How far it can be trusted."""
    options = comparison.options
    return (
        f"Any false alarm in a run has a probability of at most {options.alpha:g}; a change matters"
        f" from {options.matters:.1%} on. Seed {options.seed}, {options.budget:.0f} s."
    )


def number(count: int, what: str) -> str:
    """So many of them."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def cell(text: str) -> str:
    """A text that ends no cell of a table, and starts no markup of its own."""
    escaped = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in "\\`*_|[]~#":
        escaped = escaped.replace(sign, f"\\{sign}")
    return escaped

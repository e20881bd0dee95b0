"""Tells one pitfall: its story, the difference between its sides, and what each did here."""

import difflib
from collections.abc import Iterator

from conlab import terminal, terms
from conlab.catalogue.law import HARMLESS, Finding, examine
from conlab.catalogue.pitfall import SECTIONS, Pitfall
from conlab.explorer import Witness
from conlab.study.printing import exhibited, paragraph, show


def tell(studied: Pitfall) -> list[Finding]:
    """Print the story, run both sides, and give what they did."""
    show(story(studied))
    findings = []
    for side in ("broken", "fixed"):
        show(_announcement(studied, side))
        findings.append(examine(studied, side))
        show(_found(findings[-1]))
    said = "\n".join([finding.sentence for finding in findings] + _exhibit(findings[0]))
    if explained := list(terms.explained(said, terminal.text_width())):
        show([*explained, ""])
    show(paragraph(_in_short(studied, findings), first="In short: ", rest="  "))
    return findings


def against_the_law(findings: list[Finding]) -> int:
    """The exit status: 1 if what was run is against the law of the pitfalls."""
    return int(any(finding.against_the_law for finding in findings))


def story(studied: Pitfall) -> Iterator[str]:
    """The paragraphs of its file, and the diff from broken to fixed."""
    yield f"# {studied}"
    yield from paragraph(studied.title)
    if studied.builds_on:
        yield from paragraph(f"Builds on {', '.join(studied.builds_on)}.")
    for section in SECTIONS:
        yield ""
        yield from paragraph(studied.story[section], first=f"{section}: ", rest="  ")
    yield ""
    yield from paragraph(studied.must_hold, first="Must hold: ", rest="  ")
    yield ""
    yield "# From broken to fixed"
    broken, fixed = studied.broken.splitlines(), studied.fixed.splitlines()
    whole = max(len(broken), len(fixed))  # lines of context: the sides are short
    yield from list(difflib.unified_diff(broken, fixed, lineterm="", n=whole))[3:]
    yield ""


def forced_from_outside(studied: Pitfall) -> Iterator[str]:
    """The order that a file asks for, in sentences."""
    for where, number in studied.meet.items():
        yield f"{number} threads at once come to: {where}"
    if studied.order:
        yield f"in this order: {', then '.join(studied.order)}"
    for where in studied.at_rest:
        yield f"when all others sleep: {where}"


def _in_short(studied: Pitfall, findings: list[Finding]) -> str:
    if against_the_law(findings):
        return f"{studied.name} did not do what its file declares: see AGAINST THE LAW above."
    if studied.harmless:
        return f"{HARMLESS}, and fixed is right."
    where = " in every schedule that was run" if studied.evidence == "explored" else ""
    return f"broken goes wrong, as its file declares, and fixed is right{where}."


def _announcement(studied: Pitfall, side: str) -> Iterator[str]:
    yield f"# Running the {side} side, here and now"
    if studied.evidence != "explored":
        for order in forced_from_outside(studied):
            yield from paragraph(order, first="Forced from outside: ", rest="  ")


def _found(finding: Finding) -> Iterator[str]:
    if finding.exhibit:
        yield from _exhibit(finding)
        yield ""
    yield from paragraph(finding.sentence)
    if finding.meaning:
        yield from paragraph(finding.meaning, first="That is: ", rest="  ")
    for objection in finding.against_the_law:
        yield from paragraph(objection, first="AGAINST THE LAW: ", rest="  ")
    yield ""


def _exhibit(finding: Finding) -> list[str]:
    """What shows a finding: a schedule in the terminal's whole width, or text."""
    if isinstance(finding.exhibit, Witness):
        return list(finding.exhibit.lines(terminal.width()))
    return exhibited(finding.exhibit)

"""Study the pitfalls: list them in reading order, or tell one and run both of its sides."""

import argparse
import difflib
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from conlab import terminal, terms
from conlab.catalogue import pitfall
from conlab.catalogue.law import Finding, examine
from conlab.catalogue.pitfall import SECTIONS, Pitfall
from conlab.commands import report as pages
from conlab.errors import UserError
from conlab.explorer import Witness

MARKS = {"-": "\033[31m", "+": "\033[32m", "#": "\033[1m"}  # removed, added, heading
PLAIN = "\033[0m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow ``conlab study``."""
    parser.add_argument(
        "name", nargs="?", help="a pitfall, such as lost_update; left out, all are listed"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write a page as well: the story, the sides beside each other, the schedule drawn",
    )


def run(options: argparse.Namespace) -> int:
    """Print, and return 1 if what was run here is against the law of the pitfalls."""
    if options.report is not None:
        if options.name is None:
            raise UserError("--report FILE.html needs the NAME of a pitfall beside it")
        pages.check(options.report)
    if options.name is None:
        _show(_listing())
        return 0
    studied = pitfall.find(options.name)
    _show(_story(studied))
    findings = []
    for side in ("broken", "fixed"):
        _show(_announcement(studied, side))
        findings.append(examine(studied, side))
        _show(_found(findings[-1]))
    said = "\n".join([finding.sentence for finding in findings] + _exhibited(findings[0]))
    _show(terms.explained(said, terminal.text_width()))
    if options.report is not None:
        pages.of_pair(options.report, studied, findings)
    return int(any(finding.against_the_law for finding in findings))


def _listing() -> Iterator[str]:
    collected = pitfall.collect()
    for family, sentence in pitfall.families().items():
        yield f"# {family}"
        yield from _paragraph(sentence)
        yield ""
        for each in collected:
            if each.family == family:
                title = each.title.partition(": ")[2]
                yield from _paragraph(title, first=f"  {each.name}  ", rest=" " * 6)
        yield ""
    yield from _paragraph("conlab study NAME tells one of them, and runs both of its sides.")


def _story(studied: Pitfall) -> Iterator[str]:
    yield f"# {studied}"
    yield from _paragraph(studied.title)
    for section in SECTIONS:
        yield ""
        yield from _paragraph(studied.story[section], first=f"{section}: ", rest="  ")
    yield ""
    yield from _paragraph(studied.must_hold, first="Must hold: ", rest="  ")
    yield ""
    yield "# From broken to fixed"
    broken, fixed = studied.broken.splitlines(), studied.fixed.splitlines()
    whole = max(len(broken), len(fixed))  # lines of context: the sides are short
    yield from list(difflib.unified_diff(broken, fixed, lineterm="", n=whole))[3:]
    yield ""


def _announcement(studied: Pitfall, side: str) -> Iterator[str]:
    yield f"# Running the {side} side, here and now"
    forced = [
        *(f"{number} threads at once come to: {where}" for where, number in studied.meet.items()),
        *([f"in this order: {', then '.join(studied.order)}"] if studied.order else []),
        *(f"when all others sleep: {where}" for where in studied.at_rest),
    ]
    if studied.evidence != "explored":
        for order in forced:
            yield from _paragraph(order, first="Forced from outside: ", rest="  ")


def _found(finding: Finding) -> Iterator[str]:
    if finding.exhibit:
        yield from _exhibited(finding)
        yield ""
    yield from _paragraph(finding.sentence)
    for objection in finding.against_the_law:
        yield from _paragraph(objection, first="AGAINST THE LAW: ", rest="  ")
    yield ""


def _exhibited(finding: Finding) -> list[str]:
    """What shows a finding: a schedule in the terminal's whole width, or text."""
    if isinstance(finding.exhibit, Witness):
        return list(finding.exhibit.lines(terminal.width()))
    width = terminal.text_width()
    text = re.sub(r'File ".*/', 'File "', finding.exhibit).rstrip()
    return [
        part
        for line in text.splitlines()
        for part in textwrap.wrap(line, width, subsequent_indent=" " * 8) or [""]
    ]


def _paragraph(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        terminal.text_width(),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _show(lines: "Iterator[str] | list[str]") -> None:
    """Print as the lines come: marked by colour on a terminal, and by their first character."""
    colour = terminal.takes_colour(sys.stdout)
    for line in lines:
        mark = MARKS.get(line[:1]) if colour else None
        text = terminal.plain(line)
        print(f"{mark}{text}{PLAIN}" if mark else text, flush=True)

"""Tells the manual's promises beside what was seen: as text, as Markdown, as JSON."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from conlab.atlas.comparison import Build, Compared, Finding
from conlab.atlas.guarantee import Promise
from conlab.atlas.manual import SECTIONS
from conlab.atlas.trial import THREADS

LABEL = 37  # characters: the longest operation has 36
PROMISED = 12
CELL = 15
A_ROW = 2  # builds beside each other in 80 columns
EXAMPLE = 60  # characters of what was seen
HEAD = f"{'gil':<4}{'byte':<5}{'seen':>5}"
LEGEND = {
    "promised": "by the manual: atomic (others see all of it or nothing), safe (nothing is lost or"
    " corrupted), may mix (it may see what is half done), not atomic, or nothing (-)",
    "gil, byte": "explored in these readings, whether some order of steps goes wrong. A call into C"
    " counts as one step: so no says that what is seen comes out of the operation itself",
    "seen": f"how many acts went wrong on {THREADS} real threads, which start at once, round after"
    " round; none proves nothing",
    "!": "against the promise",
    "?": "nothing is promised, and it went wrong",
}


def text(builds: Sequence[Build], width: int) -> Iterator[str]:
    """Yield the lines of the table, of its legend and of what was found on each build."""
    for at in range(0, len(builds), A_ROW):
        yield from _table(builds[at : at + A_ROW])
    for term, meaning in LEGEND.items():
        yield from _wrapped(f"{term:<10}{meaning}", width, 10)
    for build in builds:
        yield ""
        yield from _wrapped(f"# {build.name}: {standing(build)}", width, 2)
        yield from _findings(build, width)


def standing(build: Build) -> str:
    """Say in a sentence what the manual of that version promises to that build."""
    version = "{}.{}".format(*build.version)
    if not build.has_the_page:
        since = "{}.{}".format(*SECTIONS[0].since)
        said = f"the manual of {version} has no page of guarantees: this is measured by {since}'s"
    elif build.gil:
        said = (
            "the page of guarantees speaks of builds without the GIL; with it, it says, most"
            " operations are serialized"
        )
    else:
        said = f"the page of guarantees of {version} speaks of this build"
    return said + ("" if build.gil else ". The FAQ speaks of builds with the GIL") + "."


def markdown(builds: Sequence[Build]) -> Iterator[str]:
    """Yield a table with a row for each operation and a column for each build."""
    names = [build.name for build in builds]
    yield f"| | operation | promised | {' | '.join(names)} |"
    yield "|---" * (3 + len(names)) + "|"
    for rows in zip(*(build.rows for build in builds), strict=True):
        guarantee = rows[0].guarantee
        operation = guarantee.operation.replace("|", "\\|")
        cells = " | ".join(_markdown_cell(row) for row in rows)
        yield f"| {rows[0].section} | `{operation}` | {guarantee.promise} | {cells} |"


def data(builds: Sequence[Build]) -> Iterator[dict[str, Any]]:
    """Yield an object for each row of each build."""
    for build in builds:
        for row in build.rows:
            told = asdict(row)
            guarantee = told.pop("guarantee")
            yield {
                "build": build.name,
                "section": told.pop("section"),
                "operation": guarantee["operation"],
                "promised": guarantee["promise"],
                **told,
                "finding": str(row.finding),
                "known": guarantee["known"],
            }


def _table(builds: Sequence[Build]) -> Iterator[str]:
    start = LABEL + PROMISED
    yield " " * start + " ".join(f"{build.name:<{CELL}}" for build in builds).rstrip()
    heads = " ".join(f"{HEAD:<{CELL}}" for _ in builds)
    yield f"{'':<{LABEL}}{'promised':<{PROMISED}}{heads}".rstrip()
    section = ""
    for rows in zip(*(build.rows for build in builds), strict=True):
        if rows[0].section != section:
            section = rows[0].section
            yield f"# {section}"
        guarantee = rows[0].guarantee
        cells = " ".join(f"{_cell(row):<{CELL}}" for row in rows)
        yield f"{guarantee.operation:<{LABEL}}{guarantee.promise:<{PROMISED}}{cells}".rstrip()
    yield ""


def _cell(row: Compared) -> str:
    seen = row.ended or short(row.wrong)
    return f"{_yes(row.gil):<4}{_yes(row.bytecode):<5}{seen:>5}{_mark(row)}"


def _markdown_cell(row: Compared) -> str:
    seen = row.ended or f"{short(row.wrong)} of {short(row.acts)}"
    return f"{seen}{' **!**' if _mark(row) == '!' else ' ?' if _mark(row) else ''}"


def _mark(row: Compared) -> str:
    match row.finding:
        case Finding.BROKEN | Finding.CRASHED:
            return "!"
        case Finding.SILENT_WRONG:
            return "?"
    return ""


def _yes(answer: bool | None) -> str:
    return {True: "yes", False: "no", None: "-"}[answer]


def short(number: int) -> str:
    """Write a count in at most five characters, of three figures from a thousand on."""
    if number < 1_000:
        return str(number)
    for unit in ("k", "M"):
        number_in_it = number / (1_000 if unit == "k" else 1_000_000)
        if number_in_it < 999.5:
            return f"{number_in_it:.3g}{unit}"
    return ">1G"


def _findings(build: Build, width: int) -> Iterator[str]:
    for finding in (Finding.BROKEN, Finding.CRASHED, Finding.SILENT_WRONG):
        if rows := build.found(finding):
            yield f"{str(finding).capitalize()}: {len(rows)}"
            for row in rows:
                yield from _wrapped(f"  {_told(row)}", width, 6)
    for finding in (Finding.AS_SAID, Finding.EXPLORED, Finding.UNSEEN, Finding.SILENT_HELD):
        if rows := build.found(finding):
            names = "; ".join(row.guarantee.operation for row in rows)
            yield from _wrapped(f"{str(finding).capitalize()}: {len(rows)} ({names})", width, 2)
    if rows := build.found(Finding.HELD):
        tried = [row.acts for row in rows]
        yield from _wrapped(
            f"{str(Finding.HELD).capitalize()}: {len(rows)}, each tried {short(min(tried))} to"
            f" {short(max(tried))} times. That proves nothing: it was not seen, that is all.",
            width,
            2,
        )


def _told(row: Compared) -> str:
    guarantee = row.guarantee
    promised = "" if guarantee.promise is Promise.SILENT else f" ({guarantee.promise})"
    told = f"{row.section}: {guarantee.operation}{promised}: "
    told += row.ended or f"{row.wrong:,} of {row.acts:,} acts"
    if row.example:
        told += f", such as {textwrap.shorten(row.example, EXAMPLE, placeholder=' ...')}"
    return told + (f"; reported as {guarantee.known}" if guarantee.known else "")


def _wrapped(sentence: str, width: int, indent: int) -> list[str]:
    return textwrap.wrap(sentence, width, subsequent_indent=" " * indent, break_on_hyphens=False)

"""A pair of the catalogue as a page shows it: its story, its sides beside each other, what ran."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from conlab.catalogue.law import Finding
from conlab.catalogue.pitfall import SECTIONS, Pitfall
from conlab.explorer import Witness
from conlab.report import highlighting, words
from conlab.report.schedule import Drawing, drawing


@dataclass(frozen=True, slots=True)
class Found:
    """What a side did, where that is against the law of the pitfalls, and a text that shows it."""

    side: str
    sentence: str
    objections: tuple[str, ...]
    exhibit: str


@dataclass(frozen=True, slots=True)
class Studied:
    """A pair with what its sides did here."""

    name: str
    key: str
    title: str
    story: tuple[tuple[str, str], ...]
    must_hold: str
    rows: tuple[highlighting.Pair, ...]
    found: tuple[Found, ...]
    schedule: Drawing | None

    @property
    def unified(self) -> Iterator[tuple[str, int, Markup]]:
        """The diff in one column: "same", "removed" or "added", the line's number, the line."""
        for same, rows in groupby(self.rows, key=lambda row: row.kind == "same"):
            lines = list(rows)
            if not same:
                yield from (("removed", *row.old) for row in lines if row.old is not None)
            kind = "same" if same else "added"
            yield from ((kind, *row.new) for row in lines if row.new is not None)


def studied(pitfall: Pitfall, findings: list[Finding]) -> Studied:
    """A pair and the findings of its sides, the broken one first."""
    shown = [each.exhibit for each in findings if isinstance(each.exhibit, Witness)]
    key = f"pair-{words.slug(pitfall.name)}"
    return Studied(
        name=str(pitfall),
        key=key,
        title=pitfall.title,
        story=tuple((section, pitfall.story[section]) for section in SECTIONS),
        must_hold=pitfall.must_hold,
        rows=tuple(highlighting.side_by_side(pitfall.broken, pitfall.fixed)),
        found=tuple(_found(each) for each in findings),
        schedule=drawing(shown[0], f"{key}-schedule") if shown else None,
    )


def _found(finding: Finding) -> Found:
    exhibit = finding.exhibit if isinstance(finding.exhibit, str) else ""
    return Found(
        finding.side,
        finding.sentence,
        finding.against_the_law,
        re.sub(r'File ".*/', 'File "', exhibit).strip(),
    )

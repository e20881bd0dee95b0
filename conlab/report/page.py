"""Puts the parts together: one file of HTML, which asks for nothing and lets nothing else run."""

import base64
import datetime
import gzip
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from textwrap import shorten as cut
from typing import Any

from markupsafe import Markup

from conlab import __version__
from conlab.errors import UserError
from conlab.outputs import Output, check_output
from conlab.report import environment, rendering
from conlab.report.comparisons import Comparison, comparison_of
from conlab.report.documents import Document
from conlab.report.growing import Growth, growths_of
from conlab.report.histories import History, histories_of
from conlab.report.pairs import Studied
from conlab.report.runs import Run, run_of
from conlab.report.schedule import Drawing, drawing
from conlab.report.scoreboards import Scoreboard, scoreboard_of
from conlab.terms import TERMS

LARGEST = 3 * 10**6  # bytes of a page
SUFFIXES = (".html", ".htm")  # what else has one is no page, and may be wanted as it is
NOTHING = "nothing was measured"
HEADING = 160  # characters of a name in the title, beyond which it is cut at a word
LARGEST_DATA = 10**6  # bytes of its figures, from which they are packed


@dataclass(frozen=True, slots=True)
class Explored:
    """What an exploration said: in a heading, and in sentences; and whether something fails."""

    title: str
    sentences: tuple[str, ...]
    fails: bool


@dataclass(slots=True)
class Parts:
    """What a page shows, in this order.

    ``environments`` are of what has none of its own: what was run for the page, saved witnesses.
    """

    runs: list[Run] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)
    studied: list[Studied] = field(default_factory=list)
    schedules: list[Drawing] = field(default_factory=list)
    explored: list[Explored] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    scoreboards: list[Scoreboard] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    environments: list[Sequence[tuple[str, str]]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)

    @property
    def terms(self) -> list[tuple[str, str]]:
        """The terms that the page uses, each with its meaning."""
        said = [sentence for each in self.explored for sentence in each.sentences]
        said += [*(one.sentence for each in self.studied for one in each.found)]
        words = " ".join(" ".join(said).split())
        return [
            (term, meaning) for term, meaning in TERMS.items() if re.search(rf"\b{term}s?\b", words)
        ]

    @property
    def headline(self) -> str:
        """What the page is about, for its title."""
        names = [one.name for run in self.runs for one in run.answered]
        if any(run.fixes and not run.workloads for run in self.runs):
            names.append("what the fixes cost")
        names += [str(one.name) for one in self.studied]
        names += [
            cut(one.title, HEADING, placeholder=" …") for one in self.explored or self.schedules
        ]
        names += ["what changed"] if self.comparisons or self.histories else []
        names += ["which tool would have caught it"] if self.scoreboards else []
        if not names and any(run.pools for run in self.runs):
            names.append("when a pool is worth it")
        between = "; " if any(", " in name for name in names) else ", "
        shown = between.join(names[:4]) + (" and more" if len(names) > 4 else "")
        return shown or NOTHING

    @property
    def of_programs(self) -> str:
        """The heading above what programs did, which is empty where none was run."""
        if self.explored and not self.studied and not any(one.fails for one in self.explored):
            return "The verdict"
        return "What goes wrong" if self.studied or self.schedules or self.explored else ""


def of_documents(documents: Sequence[Document]) -> Parts:
    """The parts that a page of these files has; raises UserError where one is damaged."""
    parts = Parts(documents=list(documents))
    for at, document in enumerate(documents):
        try:
            _add(parts, document, at)
        except (
            AttributeError,
            IndexError,
            KeyError,
            OverflowError,
            TypeError,
            ValueError,
        ) as error:
            what = f"{type(error).__name__}: {error}"[:160]
            raise UserError(
                f"{document.name}: it is damaged: what it should hold of a {document.kind} cannot"
                f" be read ({what})"
            ) from None
    return parts


def _add(parts: Parts, document: Document, at: int) -> None:
    data = document.data
    match document.kind:
        case "run":
            run = run_of(document.name, data, prefix=f"{at + 1}-" if at else "")
            parts.runs.append(run)
            parts.growths += growths_of(run.growth)
        case "comparison":
            parts.comparisons.append(comparison_of(data))
        case "history":
            parts.histories += histories_of(data)
        case "scoreboard":
            parts.scoreboards.append(scoreboard_of(data))
        case "witness":
            from conlab.explorer import Witness

            witness = Witness.restored(data, document.name)
            parts.schedules.append(drawing(witness, f"w{at}"))
            parts.environments.append(tuple(environment.of_witness(witness)))


def html(parts: Parts) -> str:
    """The page; raises UserError where it would be larger than a page may be."""
    for data in _packed(parts.documents):
        page = _html(parts, data)
        if len(page.encode()) <= LARGEST:
            return page
    raise UserError(
        f"the page would be larger than {LARGEST / 1e6:g} MB: give it fewer files, or a run of"
        " fewer workloads"
    )


def _html(parts: Parts, data: dict[str, str]) -> str:
    style, script = rendering.styles(), rendering.script()
    return rendering.template("page.html.j2").render(
        parts=parts,
        policy="; ".join(
            [
                "default-src 'none'",
                f"style-src '{_hash(style)}'",
                f"script-src '{_hash(script)}'",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
            ]
        ),
        style=Markup(style),
        script=Markup(script),
        data=data,
        version=__version__,
        now=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"


def _packed(documents: Sequence[Document]) -> Iterable[dict[str, Any]]:
    """The figures behind the page, to be taken out of it: whole, packed, or left out."""
    if not documents:
        yield {"form": "none", "text": ""}
        return
    whole = documents[0].data if len(documents) == 1 else [each.data for each in documents]
    text = json.dumps(whole, separators=(",", ":"), default=str)
    if len(text) <= LARGEST_DATA:
        # What ends a script element, or begins a comment in it, cannot be in a text without "<".
        escaped = text.replace("<", "\\u003c").replace("\u2028", "\\u2028")
        yield {"form": "json", "text": Markup(escaped)}
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    yield {"form": "gzip", "text": packed}
    yield {"form": "left out", "text": ""}


def write(parts: Parts, path: Path) -> None:
    """Write the page, which appears under its name as a whole; raises UserError."""
    text = html(parts)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UserError(f"{path}: the page cannot be written: {error.strerror}") from None


def check_writable(option: str, path: Path) -> None:
    """Raise UserError where no page can be written: to find that out afterwards costs the run."""
    if path.suffix.lower() not in SUFFIXES and not path.is_dir():
        raise UserError(f"{option} {path}: the page is HTML; give it a name that ends in .html")
    check_output(option, path, Output.PAGE)

"""What the manual promises and what a build was seen to do, side by side."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from conlab.atlas.asked import all_rows
from conlab.atlas.asking import ask_each, child_env
from conlab.atlas.guarantee import Guarantee, Promise, Section
from conlab.atlas.manual import SECTIONS
from conlab.errors import UserError

START_PATIENCE = 60.0  # seconds for an interpreter to say who it is
PATIENCE = {"explored": 120.0, "tried": 30.0}  # seconds for a row, many times what it takes
WHO = (
    "import json, sys; print(json.dumps([*sys.version_info[:3],"
    " bool(getattr(sys, '_is_gil_enabled', lambda: True)())]))"
)


class Finding(StrEnum):
    """What a comparison comes to."""

    BROKEN = "promised, and broken here"
    CRASHED = "it crashed or hung the interpreter, which no wording allows"
    HELD = "promised, and never seen broken"
    AS_SAID = "said to go wrong, and seen to"
    EXPLORED = "said to go wrong, seen by exploring alone"
    UNSEEN = "said to go wrong, and never seen to"
    SILENT_WRONG = "nothing said, and seen to go wrong"
    SILENT_HELD = "nothing said, and never seen to go wrong"


@dataclass(frozen=True, slots=True)
class Compared:
    """One row on one build.

    ``gil`` and ``bytecode`` say whether some explored schedule goes wrong; None: not explored, as
    this build has no GIL, or the interpreter ended. ``wrong`` of ``acts`` acts went wrong on real
    threads, in so many rounds; ``ended`` is "crash" or "hung" where the interpreter did.
    """

    section: str
    guarantee: Guarantee
    binds: bool
    gil: bool | None = None
    bytecode: bool | None = None
    wrong: int = 0
    acts: int = 0
    rounds: int = 0
    example: str = ""
    ended: str = ""

    @property
    def finding(self) -> Finding:
        """What it comes to."""
        promise, wrong = self.guarantee.promise, self.wrong > 0
        if promise.forbids and (wrong or self.ended):
            return Finding.BROKEN
        if self.ended:
            return Finding.CRASHED
        if promise.forbids:
            return Finding.HELD
        if promise is Promise.SILENT:
            return Finding.SILENT_WRONG if wrong else Finding.SILENT_HELD
        if wrong:
            return Finding.AS_SAID
        return Finding.EXPLORED if self.bytecode else Finding.UNSEEN


@dataclass(frozen=True, slots=True)
class Build:
    """What was found out of one interpreter."""

    version: tuple[int, int, int]
    gil: bool
    rows: list[Compared] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As it is called: 3.13.5t without the GIL."""
        return ".".join(map(str, self.version)) + ("" if self.gil else "t")

    def found(self, finding: Finding) -> list[Compared]:
        """The rows that come to that."""
        return [row for row in self.rows if row.finding is finding]

    @property
    def has_the_page(self) -> bool:
        """Whether the manual of this version has the page of guarantees."""
        return self.version[:2] >= SECTIONS[0].since


def compare(python: str, seconds: float, progress: Callable[[str], None] = lambda _: None) -> Build:
    """Explore each row on an interpreter, and try them for ``seconds`` together on real threads."""
    *version, gil = _who(python)
    build = Build((version[0], version[1], version[2]), bool(gil))
    rows = all_rows()
    answers: list[dict[str, object]] = [{} for _ in rows]
    for what in (["explored"], ["tried", str(seconds / len(rows))]):
        command = ["-m", "conlab.atlas.asked", *what]
        for number, said in ask_each(python, command, len(rows), PATIENCE[what[0]]):
            answers[number] |= said if what[0] == "tried" or "ended" not in said else {}
            progress(f"{build.name}: {what[0]} {number + 1} of {len(rows)} operations")
    for (section, row), answer in zip(_in_sections(), answers, strict=True):
        binds = section.binds(build.version[:2], build.gil)
        build.rows.append(Compared(section.name, row, binds, **answer))  # type: ignore[arg-type]
    return build


def _in_sections() -> Iterator[tuple[Section, Guarantee]]:
    for section in SECTIONS:
        for row in section.rows:
            yield section, row


def _who(python: str) -> list[int]:
    if not Path(python).is_file():
        raise UserError(f"--python {python}: there is no such interpreter")
    try:
        done = subprocess.run(
            [python, "-c", WHO],
            capture_output=True,
            text=True,
            timeout=START_PATIENCE,
            check=False,
            env=child_env(),
        )
        found: list[int] = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise UserError(f"--python {python} is no Python that answers: {error}") from None
    return found

"""Pitfalls made for a test, and boards on which something is saved of them."""

from pathlib import Path
from textwrap import dedent, indent

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import SECTIONS, Pitfall
from conlab.detect.cells import Cell, Row
from conlab.detect.places import fingerprint
from conlab.detect.saved import Record, Scoreboard
from conlab.detect.scoreboard import asked
from conlab.detect.tools import TOOLS, Tool

SILENT: Row = {"default": Cell()}


def made(
    folder: Path, broken: str, fixed: str, *, name: str = "made", top: str = "", more: str = ""
) -> Pitfall:
    """A pitfall of those two bodies, in a family of its own."""
    story = "\n\n".join(f"{section}: some text." for section in SECTIONS)
    sides = [
        f"def {side}() -> int:\n{indent(dedent(body).strip(), '    ')}\n"
        for side, body in (("broken", broken), ("fixed", fixed))
    ]
    source = f'"""Made: for a test.\n\n{story}\n"""\n{top}\n'
    source += 'FAILURE = "wrong result"\nSHOWS = "returned 0"\nEVIDENCE = "judged"\n'
    source += f"{more}\n\n\n" + "\n\n".join(sides)
    source += '\n\ndef holds(value: int) -> bool:\n    """It is 1."""\n    return value == 1\n'
    path = folder / "races" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(source)
    return pitfall.read(path)


def tool(name: str) -> Tool:
    """A tool of the table."""
    return next(each for each in TOOLS if each.name == name)


def board(of: Pitfall, rows: dict[str, Row]) -> Scoreboard:
    """A board on which every tool was tried on a pitfall; those in ``rows`` said something."""
    made = Scoreboard(python="3.14.0", system="linux", date="2026-11-30")
    for each in TOOLS:
        made.versions[each.name] = "1.0"
        record = Record(fingerprint(of.path), asked(each, "1.0"), rows.get(each.name, SILENT))
        made.records[each.name] = {str(of): record}
        made.controls[each.name] = Record("", asked(each, "1.0"), {"default": Cell(("it",))})
    return made

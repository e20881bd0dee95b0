"""Asks the tools that watch a program run: each side in processes of its own, in limited time."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conlab.catalogue.law import Side
from conlab.catalogue.pitfall import Pitfall
from conlab.detect.cells import Cell
from conlab.detect.messages import Says
from conlab.judge import judge_command
from conlab.scratch import scratch_folder

DRIVER = Path(__file__).with_name("driver.py")
LIMIT = 20.0  # seconds for a side; one that hangs is ended when it stands where it is declared
HANGS_AFTER = 4  # seconds after which the tools that have a time limit speak

# A test that calls the side and asserts nothing, and one that asks the oracle.
CALLS = "def test_side():\n    pair.{side}()\n"
ASKS = "def test_side():\n    assert pair.holds(pair.{side}())\n"
HEAD = "import sys\nsys.path.insert(0, {folder!r})\nimport {name} as pair\n\n"


@dataclass(frozen=True)
class Run:
    """How a side is run under a tool, and what of the output is the tool's word."""

    how: str  # what the reader would type or write
    says: Says
    options: tuple[str, ...] = ()  # of Python
    drive: str = "plain"  # a mode of driver.py
    test: str = ""  # or the text of a test, run by pytest
    pytest: tuple[str, ...] = ()  # options of pytest
    environment: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False  # the tool itself ends what hangs: it is awaited
    takes_an_order: bool = True  # the trace gate can force an order under this tool

    def __str__(self) -> str:
        """What the reader would type or write."""
        return self.how


def observe(python: Path, how: Run, pitfall: Pitfall, *, forced: bool = False) -> Cell:
    """What a tool says of both sides; ``forced``: in the order that the pitfall declares."""
    broken = _said(python, how, pitfall, "broken", forced)
    fixed = _said(python, how, pitfall, "fixed", forced)
    return Cell(tuple(each for each in broken if each not in fixed), tuple(fixed))


def has_an_order(pitfall: Pitfall) -> bool:
    """Whether the pitfall declares an order that can be forced from outside."""
    return bool(pitfall.meet or pitfall.order or pitfall.at_rest)


def _said(python: Path, how: Run, pitfall: Pitfall, side: Side, forced: bool) -> list[str]:
    with scratch_folder() as folder:
        judgement = judge_command(
            _command(python, how, pitfall, side, folder),
            file=pitfall.path,
            limit=LIMIT,
            stuck_at=() if how.waits else pitfall.stuck_at,
            meet=pitfall.meet if forced else None,
            order=pitfall.order if forced else (),
            at_rest=pitfall.at_rest if forced else (),
        )
        dumped = [
            each.read_text("utf-8", "replace")
            for each in sorted(folder.glob("*.*"))
            if each.suffix != ".py"
        ]
    return how.says("\n".join([judgement.stdout, judgement.stderr, *dumped]), pitfall)


def _command(python: Path, how: Run, pitfall: Pitfall, side: Side, folder: Path) -> list[str]:
    settings = {
        "DETECT_FOLDER": str(folder),
        "DETECT_HANGS_AFTER": str(HANGS_AFTER),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **how.environment,
    }
    start = ["env", *(f"{name}={value}" for name, value in settings.items())]
    start += [str(python), *how.options]
    if not how.test:
        return [*start, str(DRIVER), how.drive, str(pitfall.path), side]
    test = folder / "test_side.py"
    head = HEAD.format(folder=str(pitfall.path.parent), name=pitfall.name)
    test.write_text(head + how.test.format(side=side), "utf-8")
    quiet = ("-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={folder}")
    return [*start, "-m", "pytest", *quiet, *how.pytest, str(test)]

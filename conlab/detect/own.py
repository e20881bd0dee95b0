"""Asks the lab itself: the explorer on any side, within a time, and the judge on any side.

The pitfalls were proved by these two, so that their rows are no competition: they show how far each
of them reaches alone.

    python -m conlab.detect.own HOW FILE SIDE

prints, in a process of its own that may be ended, what the explorer says of a side.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from conlab.catalogue import pitfall as catalogue
from conlab.catalogue.law import Side, load
from conlab.catalogue.pitfall import ORACLE, Pitfall
from conlab.detect.cells import Cell
from conlab.detect.messages import plainly
from conlab.errors import UserError
from conlab.explorer import Diverged, Uncontrolled, explore
from conlab.judge import Returned, judge, judge_command

LIMIT = 60.0  # seconds for a process that explores
SECONDS = 20.0  # of search
JUDGED = 20.0  # seconds for a side


@dataclass(frozen=True)
class Own:
    """How the lab is asked."""

    how: str  # what the reader would type
    mode: str  # "explore", "explore as declared" or "judge"

    def __str__(self) -> str:
        """What the reader would type."""
        return self.how


def ask(how: Own, pitfall: Pitfall, *, forced: bool = False) -> Cell:
    """What the lab says of both sides; ``forced``, for the judge: in the order that is declared."""
    said = _judged if how.mode == "judge" else _explored
    return Cell(said(how, pitfall, "broken", forced), said(how, pitfall, "fixed", forced))


def _judged(_: Own, pitfall: Pitfall, side: Side, forced: bool) -> tuple[str, ...]:
    judgement = judge(
        pitfall.path,
        side,
        oracle=ORACLE,
        limit=JUDGED,
        stuck_at=pitfall.stuck_at,
        meet=pitfall.meet if forced else None,
        order=pitfall.order if forced else (),
        at_rest=pitfall.at_rest if forced else (),
    )
    match judgement.outcome:
        case Returned(right=True) if not (judgement.lost or judgement.left):
            return ()
    return (plainly(str(judgement)),)


def _explored(how: Own, pitfall: Pitfall, side: Side, _: bool) -> tuple[str, ...]:
    command = [sys.executable, "-m", "conlab.detect.own", how.mode, str(pitfall.path), side]
    judgement = judge_command(command, file=os.devnull, limit=LIMIT)
    lines = judgement.stdout.strip().splitlines()
    said = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return (plainly(said["fails"]),) if said.get("fails") else ()


def main(mode: str, file: str, side: Side) -> None:
    """Explore the side, print what came of it, and leave without waiting for anything."""
    pitfall = catalogue.read(Path(file))
    cancellations = pitfall.cancellations if mode == "explore as declared" else 0
    try:
        verdict = explore(
            load(pitfall, side),
            check=load(pitfall, ORACLE),
            cancellations=cancellations,
            seconds=SECONDS,
            count_on=0,
        )
        said = {"fails": str(verdict) if verdict.failing else "", "verdict": str(verdict)}
    except (UserError, Uncontrolled, Diverged) as refusal:
        said = {"refused": str(refusal)}
    print(json.dumps(said), flush=True)
    os._exit(0)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [mode, file, "broken" | "fixed" as side]:
            main(mode, file, side)
        case _:
            sys.exit(__doc__)

"""Runs one side alone, for real, in the order that makes the broken one fail."""

import subprocess
import sys
from collections.abc import Iterator

from conlab.catalogue.law import Side, forced_by_declaration, meaning, witness_of
from conlab.catalogue.pitfall import Pitfall
from conlab.explorer.witnesses.script import write_script
from conlab.judge import Hung, Judgement, Raised, Returned
from conlab.scratch import scratch_folder
from conlab.study.printing import exhibited, paragraph, show
from conlab.study.story import forced_from_outside

SCRIPT_LIMIT = 60.0  # seconds; a script ends by itself


def run_side(studied: Pitfall, side: Side) -> int:
    """Run a side and print what it did; 1 if that is wrong, which the broken side always is."""
    if studied.evidence == "explored" and side == "broken":
        return _by_its_witness(studied)
    for order in forced_from_outside(studied):
        show(paragraph(order, first="Forced from outside: ", rest="  "))
    judgement = forced_by_declaration(studied, side)
    show(_told(side, judgement))
    right = isinstance(judgement.outcome, Returned) and judgement.outcome.right
    wrong = not right or bool(judgement.lost) or bool(judgement.left)
    show(_in_words(studied, judgement.outcome, wrong=wrong))
    return int(wrong)


def _told(side: str, judgement: Judgement) -> Iterator[str]:
    match judgement.outcome:
        case Hung(stacks=text) | Raised(traceback=text):
            yield from exhibited(text)
            yield ""
    yield from paragraph(f"{side} {judgement}")


def _in_words(studied: Pitfall, outcome: object, *, wrong: bool) -> Iterator[str]:
    """What an outcome means, what would be right, and what has gone wrong if something has."""
    if said := meaning(studied, outcome):
        yield from paragraph(said, first="That is: ", rest="  ")
    yield from paragraph(studied.must_hold, first="Must hold: ", rest="  ")
    if wrong:
        yield from paragraph(studied.title, first="What went wrong: ", rest="  ")


def _by_its_witness(studied: Pitfall) -> int:
    """Force the schedule that the explorer finds, on real threads and a real event loop."""
    show(
        paragraph(
            "The explorer found a schedule in which it fails; that is forced now, on real"
            " threads and asyncio's own event loop, without the explorer."
        )
    )
    program, check, witness = witness_of(studied)
    with scratch_folder() as folder:
        script = folder / f"{studied.name}.py"
        write_script(script, witness, program, check)
        done = subprocess.run(
            [sys.executable, str(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SCRIPT_LIMIT,
            check=False,
        )
    show([*exhibited(done.stdout), ""])
    wrong = done.returncode == 1
    show(_in_words(studied, witness.outcome if wrong else None, wrong=wrong))
    return done.returncode

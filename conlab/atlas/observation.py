"""The atlas of atomicity: for each idiom, whether another thread gets in on this build.

Three answers a build: explored in both readings, and tried untraced on real threads with the
shortest switch interval. `python -m conlab.atlas` prints them as JSON.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conlab.atlas.asking import child_env
from conlab.atlas.idioms import IDIOMS, Idiom
from conlab.atlas.program import IdiomProgram
from conlab.atlas.trial import THREADS, trial
from conlab.explorer.exploration import explore
from conlab.scratch import scratch_folder

ACTS = 2  # of each of two threads, when explored
TRIAL_ACTS = 150_000  # of each thread, when tried
TRIAL_SECONDS = 60.0  # the longest that a trial in a child process may take
Answer = Literal["no", "cold", "yes"]


@dataclass(frozen=True, slots=True)
class Row:
    """One idiom on one build; ``seen`` of ``tried`` acts went wrong on real threads.

    ``gil`` is None on a build without the GIL; "cold" says: only before a call is specialised.
    ``seen`` is None where the interpreter crashed.
    """

    idiom: str
    gil: Answer | None
    bytecode: Answer
    seen: int | None
    tried: int


def rows(idioms: Sequence[Idiom] = IDIOMS, acts: int = TRIAL_ACTS) -> Iterator[Row]:
    """Yield what this build does with each idiom."""
    with scratch_folder() as folder:
        for number, idiom in enumerate(idioms):
            file = folder / f"idiom{number}.py"
            seen = trial(idiom, acts) if has_gil() else _trial_in_child(idiom, acts)
            yield Row(
                idiom.name,
                gil_answer(idiom, file) if has_gil() else None,
                "yes" if gets_in(idiom, file, "bytecode") else "no",
                seen,
                acts * THREADS,
            )


def has_gil() -> bool:
    """Whether this build runs one thread at a time."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def gil_answer(idiom: Idiom, file: Path) -> Answer:
    """Explore an idiom in the reading ``gil``, specialised calls first."""
    if gets_in(idiom, file, "gil", specialised=True):
        return "yes"
    return "cold" if gets_in(idiom, file, "gil") else "no"


def gets_in(
    idiom: Idiom,
    file: Path,
    reading: Literal["gil", "bytecode"],
    *,
    specialised: bool = False,
    acts: int = ACTS,
) -> bool:
    """Explore an idiom on two threads: whether some schedule goes wrong."""
    program = IdiomProgram(idiom, file)
    exploration = explore(
        lambda: program.run(2, acts),
        check=lambda names: program.wrong_acts(names) == 0,
        reading=reading,
        bound=2,
        stepped=[file],
        specialised=specialised,
        count_on=0,
        reduction=False,  # of so few schedules, with so few switches, there are fewer than traces
    )
    return exploration.failing > 0


def _trial_in_child(idiom: Idiom, acts: int) -> int | None:
    """Try an idiom where it may bring the interpreter down: several do without the GIL."""
    command = [sys.executable, "-m", "conlab.atlas", str(acts), idiom.name]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False, env=child_env()
    )
    if done.returncode < 0:
        return None
    if done.returncode:
        raise RuntimeError(f"the trial of {idiom.name!r} failed: {done.stderr}")
    return int(done.stdout)

"""Runs `conlab explore` as a stranger would, in a process of its own, and says its verdict.

The programs may do anything: set a policy for every event loop, leave threads behind, crash the
interpreter. So each is explored in a child, which is forked from a server that has conlab imported
already: what a new interpreter takes to start would be most of the time.
"""

import multiprocessing
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conlab import cli
from conlab.explorer import Deadlocked, Raised, Unfinished, Witness
from tests.patience import patience

if sys.platform == "win32":
    CONTEXT = multiprocessing.get_context("spawn")
else:
    CONTEXT = multiprocessing.get_context("forkserver")
LONGEST = 40.0  # seconds of an exploration on an idle machine: an outer net
# Of schedules, never of seconds: the verdict is the same on every machine.
BUDGET = ("--processes", "1", "--seconds", "0", "--schedules")

DEADLOCK = "deadlock"
NO_END = "no end"
WRONG_VALUE = "wrong value"


@dataclass(frozen=True)
class Verdict:
    """What the command said: its exit status, how the witness fails, both streams."""

    status: int | None  # None: it did not exit; -N: it died of signal N
    fails_by: frozenset[str]
    said: str
    refusal: str

    def __str__(self) -> str:
        """Say all of it, for the report of a failing test."""
        how = ", ".join(sorted(self.fails_by)) or "no witness"
        return f"status {self.status}, {how}\n{self.said}\n{self.refusal}"


def explored(folder: Path, target: str, options: Sequence[str], scratch: Path) -> Verdict:
    """Explore a target in its folder; ``scratch`` is an empty folder for what is written."""
    witness, said, refusal = (scratch / name for name in ("witness.json", "said", "refusal"))
    arguments = ["explore", target, *options, "--save", str(witness)]
    CONTEXT.set_forkserver_preload(["conlab.commands.explore", __name__])
    child = CONTEXT.Process(target=obey, args=(folder, arguments, said, refusal))
    child.start()
    child.join(patience(LONGEST))
    if child.is_alive():
        child.kill()
        child.join()
        status = None
    else:
        status = child.exitcode
    fails_by = _ways(Witness.load(witness)) if witness.exists() else frozenset()
    texts = [path.read_text() if path.exists() else "" for path in (said, refusal)]
    return Verdict(status, fails_by, *texts)


def obey(folder: Path, arguments: list[str], said: Path, refusal: Path) -> None:
    """Be the command, in a process that nobody else uses, and exit with its status.

    Nothing is on the standard input: multiprocessing has put the null device there.
    """
    for stream, path in ((1, said), (2, refusal)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream)
    multiprocessing.set_start_method(None, force=True)  # a program may start processes as ever
    sys.argv = ["conlab", *arguments]
    sys.path[:] = [entry for entry in sys.path if entry]  # not the folder of the tests
    os.chdir(folder)
    os.environ["no_proxy"] = "*"
    raise SystemExit(cli.main())


def _ways(witness: Witness) -> frozenset[str]:
    """Name each thing that goes wrong in the witness."""
    ways = {failure.type for failure in witness.died}
    match witness.outcome:
        case Deadlocked():
            ways.add(DEADLOCK)
        case Unfinished():
            ways.add(NO_END)
        case Raised(type=kind):
            ways.add(kind)
        case _ if not ways:
            ways.add(WRONG_VALUE)
    return frozenset(ways)

"""Print for some idioms whether another thread can get in between, on this build and others.

Each idiom is explored in both readings, and tried untraced on real threads.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from conlab import terminal
from conlab.atlas.idioms import IDIOMS
from conlab.atlas.observation import THREADS, TRIAL_ACTS, Row, child_env
from conlab.errors import UserError

PATIENCE = 600.0  # seconds for one interpreter
LABEL = 2 + max(len(idiom.name) for idiom in IDIOMS)
CELL = 20  # characters
NAME_OF_BUILD = (
    "import sys; v = sys.version_info; g = getattr(sys, '_is_gil_enabled', lambda: True)();"
    "print(f'{v.major}.{v.minor}.{v.micro}' + ('' if g else 't'))"
)
LEGEND = (
    "gil   a switch only where this version was seen to switch; cold: only before",
    "      the call is specialised",
    "byte  a switch before every bytecode that touches shared state",
    "seen  how many of {tried:,} acts went wrong on {threads} real threads, untraced",
    "!     seen although no reading has it: here that operation is not one step",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which interpreters, and how long a trial."""
    parser.add_argument(
        "--python",
        action="append",
        metavar="PATH",
        help="an interpreter to ask, one column each; may be repeated (this one)",
    )
    parser.add_argument(
        "--acts",
        type=int,
        default=TRIAL_ACTS,
        metavar="N",
        help=f"how often each of {THREADS} real threads does the act ({TRIAL_ACTS:,})",
    )


def run(options: argparse.Namespace) -> int:
    """Print the table; return 1 when a trial saw what the reading of its build rules out."""
    if options.acts < 1:
        raise UserError(f"--acts {options.acts} tries nothing: say 1 or more")
    columns = {}
    live = terminal.LiveLine()
    for python in options.python or [sys.executable]:
        name = _ask(python, ["-c", NAME_OF_BUILD]).strip()
        live.show(f"asking {name} ...")
        lines = _ask(python, ["-m", "conlab.atlas", str(options.acts)]).splitlines()
        columns[name] = [Row(**json.loads(line)) for line in lines]
    live.clear()
    for line in _table(columns):
        print(terminal.plain(line))
    return int(any(_contradicts(row) for rows in columns.values() for row in rows))


def _ask(python: str, arguments: Sequence[str]) -> str:
    if not Path(python).is_file():
        raise UserError(f"--python {python}: there is no such interpreter")
    try:
        done = subprocess.run(
            [python, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env=child_env(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"--python {python} did not answer: {error}") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise UserError(f"--python {python} cannot run the atlas: {last[0]}")
    return done.stdout


def _table(columns: dict[str, list[Row]]) -> Iterator[str]:
    names = list(columns)
    for start in range(0, len(names), 2):
        shown = names[start : start + 2]
        yield f"{'':<{LABEL}}" + "".join(f"{name:<{CELL}}" for name in shown).rstrip()
        head = f"{'gil':<5}{'byte':<5}{'seen':>8}"
        yield f"{'':<{LABEL}}" + "".join(f"{head:<{CELL}}" for _ in shown).rstrip()
        for rows in zip(*(columns[name] for name in shown), strict=True):
            yield (
                f"{rows[0].idiom:<{LABEL}}"
                + "".join(f"{_cell(row):<{CELL}}" for row in rows).rstrip()
            )
        yield ""
    tried = next(iter(columns.values()))[0].tried
    yield from (line.format(tried=tried, threads=THREADS) for line in LEGEND)


def _cell(row: Row) -> str:
    seen = "crash" if row.seen is None else f"{row.seen:,}"
    bytecode = row.bytecode
    mark = "!" if row.seen and "yes" not in (row.gil, bytecode) and row.gil != "cold" else ""
    return f"{row.gil or '-':<5}{bytecode:<5}{seen:>8}{mark}"


def _contradicts(row: Row) -> bool:
    """Whether the trial saw a switch that the reading of a build with the GIL does not have."""
    return row.gil == "no" and bool(row.seen)

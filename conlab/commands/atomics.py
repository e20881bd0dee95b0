"""Print for some idioms whether another thread can get in between, on this build and others.

Each idiom is explored in both readings, and tried untraced on real threads. With --guarantees the
idioms are those of which CPython's manual says whether they are atomic: what it promises, and what
was seen, side by side.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from conlab import terminal
from conlab.atlas import comparison, report
from conlab.atlas.asked import all_rows
from conlab.atlas.asking import child_env
from conlab.atlas.comparison import Finding
from conlab.atlas.idioms import IDIOMS
from conlab.atlas.observation import TRIAL_ACTS, Row
from conlab.atlas.trial import THREADS
from conlab.errors import UserError

PATIENCE = 600.0  # seconds for one interpreter
GUARANTEE_SECONDS = 30.0  # on real threads, for all of an interpreter's rows together
LABEL = 2 + max(len(idiom.name) for idiom in IDIOMS)
CELL = 20  # characters
NAME_OF_BUILD = (
    "import sys; v = sys.version_info; g = getattr(sys, '_is_gil_enabled', lambda: True)();"
    "print(f'{v.major}.{v.minor}.{v.micro}' + ('' if g else 't'))"
)
LEGEND = (
    "{idioms} idioms:",
    "gil   a switch only where this version was seen to switch; cold: only before",
    "      the call is specialised",
    "byte  a switch before every bytecode that touches shared state",
    "seen  how many of {tried:,} acts went wrong on {threads} real threads, untraced",
    "!     seen although no reading has it: here that operation is not one step",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which interpreters, what of them, and how long a trial."""
    parser.add_argument(
        "--python",
        action="append",
        metavar="PATH",
        help="an interpreter to ask, one column each; may be repeated (this one)",
    )
    parser.add_argument(
        "--acts",
        type=int,
        metavar="N",
        help=f"how often each of {THREADS} real threads does the act ({TRIAL_ACTS:,})",
    )
    parser.add_argument(
        "--guarantees",
        action="store_true",
        help=f"what CPython's manual promises of {len(all_rows())} operations, and what was seen",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="N",
        help="with --guarantees: how long an interpreter is on real threads, all operations"
        f" together ({GUARANTEE_SECONDS:g}); to explore them takes as long again",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="an object for each row, one a line")
    form.add_argument(
        "--markdown", action="store_true", help="with --guarantees: the table alone, as Markdown"
    )


def run(options: argparse.Namespace) -> int:
    """Print the table; return 1 when a trial saw what should not be.

    That is what the reading of its build rules out, or a promise that the manual of this version
    makes to this build.
    """
    pythons = options.python or [sys.executable]
    if options.guarantees:
        return _guarantees(options, pythons)
    if options.seconds is not None or options.markdown:
        raise UserError("--seconds and --markdown are for --guarantees")
    acts = TRIAL_ACTS if options.acts is None else options.acts
    if acts < 1:
        raise UserError(f"--acts {acts} tries nothing: say 1 or more")
    columns = {}
    live = terminal.LiveLine()
    for python in pythons:
        name = _ask(python, ["-c", NAME_OF_BUILD]).strip()
        live.show(f"asking {name} ...")
        lines = _ask(python, ["-m", "conlab.atlas", str(acts)]).splitlines()
        columns[name] = [Row(**json.loads(line)) for line in lines]
    live.clear()
    if options.json:
        told = [{"build": name, **asdict(row)} for name, rows in columns.items() for row in rows]
        _print(json.dumps(told, indent=1).splitlines())
    else:
        _print(_table(columns))
    return int(any(_contradicts(row) for rows in columns.values() for row in rows))


def _guarantees(options: argparse.Namespace, pythons: Sequence[str]) -> int:
    if options.acts is not None:
        raise UserError("--acts is for the idioms: with --guarantees say --seconds")
    seconds = GUARANTEE_SECONDS if options.seconds is None else options.seconds
    if not 0 < seconds < PATIENCE:
        raise UserError(
            f"--seconds {seconds:g} makes no sense: say more than 0, below {PATIENCE:g}"
        )
    live = terminal.LiveLine()
    try:
        builds = [comparison.compare(python, seconds, live.show) for python in pythons]
    finally:
        live.clear()
    if options.json:
        told = {"date": datetime.now(UTC).date().isoformat(), "rows": list(report.data(builds))}
        _print(json.dumps(told, indent=1).splitlines())
    else:
        _print(
            report.markdown(builds)
            if options.markdown
            else report.text(builds, terminal.text_width())
        )
    broken = [row for build in builds for row in build.found(Finding.BROKEN)]
    return int(any(row.binds for row in broken))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(terminal.plain(line))


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
    named = {"idioms": len(IDIOMS), "tried": tried, "threads": THREADS}
    yield from (line.format(**named) for line in LEGEND)


def _cell(row: Row) -> str:
    seen = "crash" if row.seen is None else f"{row.seen:,}"
    bytecode = row.bytecode
    mark = "!" if row.seen and "yes" not in (row.gil, bytecode) and row.gil != "cold" else ""
    return f"{row.gil or '-':<5}{bytecode:<5}{seen:>8}{mark}"


def _contradicts(row: Row) -> bool:
    """Whether the trial saw a switch that the reading of a build with the GIL does not have."""
    return row.gil == "no" and bool(row.seen)

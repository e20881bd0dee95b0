"""Run a program under every schedule of its threads and tasks, and show one that breaks it.

FILE alone is run as a script each time; FILE:FUNCTION or package.module:FUNCTION calls a function,
or runs an async function, without arguments, and what it returns is judged by the module's function
`holds`, if it has one, or by --check: by what that returns, or by its asserts.

A switch is possible in every file of the project that the program imports: the project is where
the file lies, up to the nearest pyproject.toml, setup.py or .git. Nothing that is installed belongs
to it, unless --step names it.

Exit status: 0 where every schedule passes (with --sample: none of those that were drawn fails,
which proves nothing); 1 where one fails; 2 where there is no verdict: by a mistake in what was
given, because the program is not the same each time or does what is not controlled, or because the
search had no end within its budget and found nothing.
"""

import argparse
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from conlab import terminal, terms
from conlab.bench.settings import usable_cores
from conlab.errors import UserError
from conlab.explorer import Exploration, Witness, explore, replay, target
from conlab.explorer.threads.engines import ENGINES

FAILS = 1
NO_VERDICT = 2
MOST_NAMED = 6  # files in a list


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to explore and how far."""
    parser.add_argument(
        "target", metavar="FILE[:FUNCTION]", help="the program; or package.module:FUNCTION"
    )
    parser.add_argument(
        "--check", metavar="NAME", help="the function of FILE that says whether a result is right"
    )
    parser.add_argument(
        "--step",
        action="append",
        default=[],
        metavar="NAME",
        help="step this as well: a module, a package or a file, such as httpcore or ./lib.py; may"
        " be repeated",
    )
    parser.add_argument(
        "--step-only",
        action="append",
        metavar="NAME",
        help="step this and, of the project, nothing else; may be repeated",
    )
    parser.add_argument(
        "--reading",
        choices=["gil", "bytecode"],
        default="bytecode",
        help="where a switch is possible: where this build of CPython was seen to switch, or"
        " before every bytecode that touches shared state (the default)",
    )
    parser.add_argument(
        "--bound",
        type=int,
        default=2,
        metavar="N",
        help="most preemptions of a schedule, or departures from asyncio's ordinary order (2)",
    )
    parser.add_argument(
        "--cancellations",
        type=int,
        default=0,
        metavar="N",
        help="cancel a task from outside so many times at most, at each of its awaits (0)",
    )
    parser.add_argument(
        "--schedules",
        type=int,
        default=100_000,
        metavar="N",
        help="most schedules (100,000): the same verdict on every machine, as in CI",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=60,
        metavar="S",
        help="most seconds (60): how far that comes depends on the machine; 0 is no limit. A third"
        " of either limit is kept for schedules drawn by chance, where a search comes to no end",
    )
    parser.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="draw N schedules by chance, with any number of preemptions, and search none: status 0"
        " when none of them fails, which proves nothing",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="what schedules are drawn from (0)"
    )
    parser.add_argument(
        "--plain",
        action="store_true",
        help="run every schedule, also those that differ in the order of independent steps only",
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="threads",
        help="run threads on real threads (the default) or, on trial, on greenlets: faster, and"
        " each failing schedule is executed again on real threads",
    )
    parser.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="share a search among so many processes (on Linux the usable cores)",
    )
    parser.add_argument("--save", type=Path, metavar="JSON", help="write the witness there")
    parser.add_argument(
        "--replay", type=Path, metavar="JSON", help="run the schedule of this witness only"
    )


def run(options: argparse.Namespace) -> int:
    """Explore or replay; return 1 when a schedule fails, and 2 when there is no verdict."""
    if options.save is not None and not options.save.absolute().parent.is_dir():
        raise UserError(f"--save {options.save}: there is no such folder to write into")
    found = target.find(options.target, options.check)
    program, check = found.program, found.check
    if options.replay is not None:
        witness = Witness.load(options.replay)
        outcome = replay(witness, program, check=check)
        print(terminal.plain(f"{witness.program} {outcome}"))
        return int(str(outcome) == str(witness.outcome))
    line = terminal.LiveLine()
    shown: list[Witness] = []

    def show(witness: Witness) -> None:
        line.clear()
        fewer = f", with fewer {witness.counted}s than before" if shown else ""
        shown.append(witness)
        _print([f"found{fewer}:", *witness.lines(terminal.width()), ""])

    began = time.perf_counter()
    exploration = explore(
        program,
        check=check,
        reading=options.reading,
        bound=options.bound,
        schedules=options.schedules,
        seconds=options.seconds or None,
        sample=options.sample,
        seed=options.seed,
        cancellations=options.cancellations,
        reduction=not options.plain,
        engine=options.engine,
        processes=_processes() if options.processes is None else options.processes,
        stepped=options.step_only,
        step=options.step,
        found=show,
        progress=lambda count: line.show(
            f"{count:,} executions, {count / (time.perf_counter() - began):,.0f} a second"
        ),
    )
    seconds = time.perf_counter() - began
    line.clear()
    _insist_on_concurrency(options.target, exploration)
    _report(options.target, exploration, seconds)
    if exploration.witness is not None and options.save is not None:
        try:
            exploration.witness.save(options.save)
        except OSError as error:
            raise UserError(f"--save {options.save}: {error.strerror}") from None
        written = f"written to {options.save}: repeat it with --replay {options.save}"
        print(f"\n{terminal.plain(written)}")
    if exploration.failing:
        return FAILS
    return 0 if exploration.exhausted or options.sample is not None else NO_VERDICT


def _insist_on_concurrency(name: str, exploration: Exploration) -> None:
    """Refuse a script that starts nothing: it may only define what was to be explored."""
    path = Path(name)
    if not exploration.alone or exploration.failing or not path.is_file():
        return
    functions = target.functions_of(path)
    hint = f": name a function of it, as {name}:{functions[0]}" if functions else ""
    raise UserError(
        f"{name} runs to its end and starts no thread and no event loop, so nothing was"
        f" explored{hint}"
    )


def _report(name: str, exploration: Exploration, seconds: float) -> None:
    width = terminal.text_width()
    said = [
        *textwrap.wrap(f"{name} {exploration}", width, subsequent_indent="  "),
        *textwrap.wrap(f"stepped: {_files(exploration.stepped)}", width, subsequent_indent="  "),
    ]
    if exploration.unstepped:
        files = _files(exploration.unstepped)
        left = f"imported and not stepped, so no switch is seen there: {files}"
        said += textwrap.wrap(left, width, subsequent_indent="  ")
    said += [
        f"{exploration.executions:,} executions, {exploration.executions / seconds:,.0f} a second",
    ]
    if exploration.unknown:
        unknown = ", ".join(exploration.unknown)
        said += textwrap.wrap(f"taken to depend on everything: {unknown}", terminal.text_width())
    for each in exploration.predicted():
        said += textwrap.wrap(each, terminal.text_width(), subsequent_indent="  ")
    witness = [] if exploration.witness is None else exploration.witness.lines(terminal.width())
    explained = terms.explained("\n".join([*said, *witness]), terminal.text_width())
    _print([*said, "", *explained])


def _print(lines: Iterable[str]) -> None:
    print("\n".join(map(terminal.plain, lines)), flush=True)


def _files(files: Sequence[str]) -> str:
    """Name files, or the first of many."""
    more = f" and {len(files) - MOST_NAMED} more" if len(files) > MOST_NAMED else ""
    return f"{', '.join(map(_shown, files[:MOST_NAMED]))}{more}"


def _shown(file: str) -> str:
    """A path as it is seen from here, if it lies here; of what is installed, from its package."""
    here, path = Path.cwd(), Path(file)
    if "site-packages" in path.parts:
        return file.rpartition("site-packages")[2][1:]
    return str(path.relative_to(here)) if path.is_relative_to(here) else file


def _processes() -> int:
    """Say how many processes share a search where nobody has said it: where any program can be."""
    return usable_cores() if sys.platform == "linux" else 1

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
from conlab.commands import report as pages
from conlab.errors import UserError
from conlab.explorer import Exploration, Witness, explore, replay
from conlab.explorer.programs import bytecode, target
from conlab.explorer.programs.making import find_maker
from conlab.explorer.serial.drivers import read_operations
from conlab.explorer.serial.linearizability import check_linearizability
from conlab.explorer.threads.engines import ENGINES
from conlab.explorer.witnesses.script import write_script
from conlab.explorer.wording import from_here
from conlab.outputs import Output, check_output

FAILS = 1
NO_VERDICT = 2
MOST_NAMED = 6  # files in a list
NOT_OF_DRIVERS = (
    "check", "step", "step_only", "cancellations", "cancel", "sample", "script", "save", "replay",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to explore and how far."""
    parser.add_argument(
        "target",
        nargs="?",
        metavar="FILE[:FUNCTION]",
        help="the program; or package.module:FUNCTION",
    )
    parser.add_argument(
        "--serial",
        metavar="MODULE:CLASS",
        help="in place of a program: have two threads call the --operations of such an object, up"
        " to three each, in every combination, and compare with the serial orders of the calls",
    )
    parser.add_argument(
        "--operations",
        metavar="NAMES",
        help="what they call: put,get or put(1),get(); what nobody gives is a small number",
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
        help="cancel tasks that the program makes from outside so many times at most, at any turn"
        " of the loop (0)",
    )
    parser.add_argument(
        "--cancel",
        action="append",
        default=[],
        metavar="NAME",
        help="cancel the tasks of this name instead, or of a coroutine of this name",
    )
    parser.add_argument(
        "--no-timeouts",
        dest="timeouts",
        action="store_false",
        help="let no timeout come, and no deadline pass, while somebody can go on: where a wait of"
        " a minute is only to be safe",
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
    parser.add_argument(
        "--script",
        type=Path,
        metavar="PY",
        help="write the witness there as a plain program that forces it, for a bug report",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write a page with the verdict, and the schedule drawn",
    )
    parser.add_argument("--save", type=Path, metavar="JSON", help="write the witness there")
    parser.add_argument(
        "--replay", type=Path, metavar="JSON", help="run the schedule of this witness only"
    )


@bytecode.none_kept()
def run(options: argparse.Namespace) -> int:
    """Explore or replay; return 1 when a schedule fails, and 2 when there is no verdict."""
    if options.save is not None:
        check_output("--save", options.save, Output.WITNESS)
    if options.script is not None:
        check_output("--script", options.script, Output.SCRIPT)
    if options.report is not None:
        pages.check(options.report)
    if options.serial is not None:
        return _serial(options)
    if options.target is None:
        raise UserError("say what to explore: FILE.py, FILE.py:FUNCTION, or --serial MODULE:CLASS")
    found = target.find(options.target, options.check)
    program, check = found.program, found.check
    if options.replay is not None:
        witness = Witness.load(options.replay)
        outcome = replay(witness, program, check=check)
        again = str(outcome) == str(witness.outcome)
        if options.script is not None:
            write_script(options.script, witness, program, check)
        print(terminal.plain(f"{witness.program} {outcome}"))
        if options.report is not None:
            headline = f"{witness.program} {outcome}"
            told = [f"{headline}."]
            if not again:
                told += [f"The schedule below is the saved one, in which it {witness.outcome}."]
            pages.of_exploration(options.report, headline, told, witness, fails=again)
        return int(again)
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
        cancel=options.cancel,
        timeouts=options.timeouts,
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
    if exploration.witness is not None and options.script is not None:
        accident = _accident(exploration)
        write_script(options.script, exploration.witness, program, check, accident)
        print(f"\n{terminal.plain(f'the schedule as a program: {options.script}')}")
    if options.report is not None:
        told = [f"{options.target} {exploration}.", *exploration.predicted()]
        headline = f"{Path(options.target).name} {exploration.headline}"
        fails = exploration.failing > 0
        pages.of_exploration(options.report, headline, told, exploration.witness, fails=fails)
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


def _accident(exploration: Exploration) -> str:
    """Say what CPython with its GIL does instead, of a witness that it would not come to."""
    if not exploration.safe_by_accident:
        return ""
    return (
        "CPython with its GIL does not do this by itself: where threads switch only where this"
        f" version was seen to let another in, the program {exploration.under_gil}. It is safe by"
        " accident: what follows can happen without the GIL, or in another version."
    )


def _serial(options: argparse.Namespace) -> int:
    """Explore the drivers of an object."""
    if options.target is not None or options.operations is None:
        raise UserError("--serial MODULE:CLASS needs --operations put,get and no program beside it")
    for name in NOT_OF_DRIVERS:
        if getattr(options, name):
            option = f"--{name.replace('_', '-')}"
            raise UserError(f"{option} is not for the drivers that --serial makes: leave it out")
    maker = find_maker(options.serial)
    operations = read_operations(options.operations, maker.make())
    line = terminal.LiveLine()
    began = time.perf_counter()
    found = check_linearizability(
        maker.make,
        options.serial,
        operations,
        stepped=maker.files,
        reading=options.reading,
        bound=options.bound,
        schedules=options.schedules,
        seconds=options.seconds or None,
        reduction=not options.plain,
        progress=lambda count: line.show(f"{count:,} drivers explored"),
    )
    line.clear()
    width = terminal.text_width()
    lines = [*textwrap.wrap(str(found), width, subsequent_indent="  ")]
    if found.exploration is not None and found.exploration.witness is not None:
        lines += ["", "The serial orders of these calls give only:"]
        for each in found.exploration.serial_outcomes:
            lines += textwrap.wrap(f"- {each}", width, subsequent_indent="  ")
        lines += ["", *found.exploration.witness.lines(terminal.width())]
    lines += ["", f"stepped: {', '.join(map(from_here, maker.files))}"]
    lines += [f"{time.perf_counter() - began:.1f} s"]
    _print(lines)
    if options.report is not None:
        witness = found.exploration.witness if found.exploration is not None else None
        fails = found.failing is not None
        pages.of_exploration(options.report, str(found), [str(found)], witness, fails=fails)
    if found.failing is not None:
        return FAILS
    return 0 if found.exhausted else NO_VERDICT


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
    return f"{', '.join(map(from_here, files[:MOST_NAMED]))}{more}"


def _processes() -> int:
    """Say how many processes share a search where nobody has said it: where any program can be."""
    return usable_cores() if sys.platform == "linux" else 1

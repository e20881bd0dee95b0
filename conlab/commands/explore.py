"""Run a program under every schedule of its threads and tasks, and show one that breaks it.

FILE alone is run as a script each time; FILE:FUNCTION calls a function, or runs an async function,
without arguments, and what it returns is judged by the file's function `holds`, if it has one, or
by --check.
"""

import argparse
import importlib.util
import sys
import textwrap
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from conlab import terminal, terms
from conlab.bench.settings import usable_cores
from conlab.errors import UserError
from conlab.explorer import Exploration, Witness, explore, replay
from conlab.explorer.script import write_script
from conlab.explorer.threads.engines import ENGINES

SECONDS_OF_THE_OTHER_READING = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to explore and how far."""
    parser.add_argument("target", metavar="FILE[:FUNCTION]", help="the program")
    parser.add_argument(
        "--check", metavar="NAME", help="the function of FILE that says whether a result is right"
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
    parser.add_argument(
        "--script",
        type=Path,
        metavar="PY",
        help="write the witness there as a plain program that forces it, for a bug report",
    )
    parser.add_argument("--save", type=Path, metavar="JSON", help="write the witness there")
    parser.add_argument(
        "--replay", type=Path, metavar="JSON", help="run the schedule of this witness only"
    )


def run(options: argparse.Namespace) -> int:
    """Explore or replay; return 1 when a schedule fails or not every one could be run."""
    for option, file in (("--save", options.save), ("--script", options.script)):
        if file is not None and not file.absolute().parent.is_dir():
            raise UserError(f"{option} {file}: there is no such folder to write into")
    program, check, stepped = _program(options.target, options.check)
    if options.replay is not None:
        witness = Witness.load(options.replay)
        outcome = replay(witness, program, check=check)
        if options.script is not None:
            write_script(options.script, witness, program, check)
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
        stepped=[stepped],
        found=show,
        progress=lambda count: line.show(
            f"{count:,} executions, {count / (time.perf_counter() - began):,.0f} a second"
        ),
    )
    seconds = time.perf_counter() - began
    line.clear()
    _report(options.target, exploration, seconds)
    if exploration.witness is not None and options.save is not None:
        try:
            exploration.witness.save(options.save)
        except OSError as error:
            raise UserError(f"--save {options.save}: {error.strerror}") from None
        written = f"written to {options.save}: repeat it with --replay {options.save}"
        print(f"\n{terminal.plain(written)}")
    if exploration.witness is not None and options.script is not None:
        accident = _accident(program, check, exploration)
        write_script(options.script, exploration.witness, program, check, accident)
        print(f"\n{terminal.plain(f'the schedule as a program: {options.script}')}")
    drawn = options.sample is not None
    return int(bool(exploration.failing) or not (exploration.exhausted or drawn))


def _accident(
    program: Callable[[], Any], check: Callable[[Any], bool] | None, exploration: Exploration
) -> str:
    """Say what CPython with its GIL does instead, of a witness that it would not come to."""
    witness = exploration.witness
    if witness is None or witness.reading == "gil" or witness.python.endswith("t"):
        return ""
    if len({turn.thread for turn in witness.turns}) < 2:
        return ""  # one thread switches at an await only, in every reading
    again = explore(
        program, check=check, stepped=exploration.stepped, seconds=SECONDS_OF_THE_OTHER_READING
    )
    if again.failing:
        return ""
    return (
        "CPython with its GIL does not do this by itself: where threads switch only where this"
        f" version was seen to let another in, the program {again}. It is safe by accident: what"
        " follows can happen without the GIL, or in another version."
    )


def _report(target: str, exploration: Exploration, seconds: float) -> None:
    said = [
        *textwrap.wrap(f"{target} {exploration}", terminal.text_width(), subsequent_indent="  "),
        f"stepped: {', '.join(map(_shown, exploration.stepped))}",
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


def _shown(file: str) -> str:
    """A path as it is seen from here, if it lies here."""
    here = Path.cwd()
    return str(Path(file).relative_to(here)) if Path(file).is_relative_to(here) else file


def _processes() -> int:
    """Say how many processes share a search where nobody has said it: where any program can be."""
    return usable_cores() if sys.platform == "linux" else 1


def _program(
    target: str, check: str | None
) -> tuple[Callable[[], Any], Callable[[Any], bool] | None, str]:
    name, colon, function = target.rpartition(":")
    if not colon or not name.endswith(".py"):
        name, function = target, ""
    path = Path(name).resolve()
    if not path.is_file():
        raise UserError(f"there is no file {name}: say FILE.py or FILE.py:FUNCTION")
    if not function:
        if check is not None:
            raise UserError("--check needs a result to judge: say FILE.py:FUNCTION")
        return Script(path).run, None, str(path)
    module = _module(path)
    found = _function(module, function, path)
    if check is None and hasattr(module, "holds"):
        check = "holds"
    return found, _function(module, check, path) if check is not None else None, str(path)


class Script:
    """A file that is run as a script; pickled by its name, and compiled once in each process."""

    def __init__(self, path: Path) -> None:
        """Compile the file. Raises UserError if that cannot be done."""
        self.path = path
        try:
            self.code = compile(path.read_bytes(), str(path), "exec")
        except SyntaxError as error:
            raise UserError(f"{path} is no Python: {error}") from None

    def __reduce__(self) -> tuple[type["Script"], tuple[Path]]:
        """Be made anew in another process."""
        return Script, (self.path,)

    def run(self) -> None:
        """Run it."""
        names = {"__name__": "__main__", "__file__": str(self.path), "__builtins__": __builtins__}
        exec(self.code, names)


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(
            f"importing {path} raised {type(error).__name__}: {error}; it must import cleanly"
        ) from error
    return module


def _function(module: Any, name: str, path: Path) -> Callable[..., Any]:
    found = getattr(module, name, None)
    if not callable(found):
        raise UserError(f"{path.name} has no function {name!r}")
    result: Callable[..., Any] = found
    return result

"""Ask every tool about every pitfall: which of them would have caught it.

Each tool is run on the broken and on the fixed side, in its default and in its best settings, and
with the order forced where the pitfall declares one. What is saved and still holds is not asked
again; Ctrl-C ends a run, and the next one goes on. `conlab readme --write` puts the result into
docs/catalogue.md and into the stories.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from conlab import content, terminal
from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import Pitfall
from conlab.detect import environment, saved, scoreboard, words
from conlab.detect.tools import TOOLS, Tool
from conlab.errors import UserError

MOST_AT_ONCE = 16
AT_ONCE = 2  # the tools of a machine with two cores must not make each other slow
HEADINGS = ("tool", "version", "scope", "default", "best", "forced", "share", "alarms", "control")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow ``conlab detect``."""
    parser.add_argument("names", nargs="*", help="pitfalls, such as lost_update; left out, all")
    parser.add_argument(
        "--tool", action="append", metavar="NAME", help="a tool to ask; may be repeated (all)"
    )
    parser.add_argument(
        "--install", action="store_true", help="install the tools into an environment of their own"
    )
    parser.add_argument("--json", action="store_true", help="print all that is saved, as JSON")
    parser.add_argument(
        "--show", action="store_true", help="print what is saved, and ask no tool anything"
    )
    parser.add_argument(
        "--again", action="store_true", help="ask again what is saved and still holds, too"
    )
    parser.add_argument(
        "--at-once",
        type=int,
        default=AT_ONCE,
        metavar="N",
        help=f"how many runs of tools at a time ({AT_ONCE})",
    )
    parser.add_argument(
        "--saved",
        type=Path,
        default=saved.IN_CLONE if content.IN_CLONE else saved.ELSEWHERE,
        metavar="FILE",
        help="where the result is saved (in a clone docs/detect.json)",
    )


def run(options: argparse.Namespace) -> int:
    """Bring the scoreboard up to date and print it; 1 if a tool did not run or found no control."""
    if not 1 <= options.at_once <= MOST_AT_ONCE:
        raise UserError(f"--at-once {options.at_once}: say 1 to {MOST_AT_ONCE}")
    collected = pitfall.collect()
    chosen = [pitfall.find(name) for name in options.names] or collected
    tools = _tools(options.tool or [])
    live = terminal.LiveLine()
    troubles = []
    if options.install:
        troubles += [f"{tool}: {why}" for tool, why in environment.install(live.show).items()]
        live.clear()
    board = saved.read(options.saved)
    if not options.show:
        if board.python and not options.again:
            _must_be_the_same_python(board, options.saved)
        troubles += _ask(board, chosen, collected, tools, options, live)
    if options.json:
        print(json.dumps(board.as_json(), indent=1, ensure_ascii=False))
    else:
        _print(board, collected, tools, troubles, options.saved)
    missed = [tool for tool in tools if words.control(board, tool) == "MISSED"]
    return int(bool(troubles or missed))


def _tools(names: Sequence[str]) -> list[Tool]:
    if unknown := set(names) - {tool.name for tool in TOOLS}:
        known = ", ".join(tool.name for tool in TOOLS)
        raise UserError(f"--tool {unknown.pop()!r}: known are {known}")
    return [tool for tool in TOOLS if not names or tool.name in names]


def _must_be_the_same_python(board: saved.Scoreboard, path: Path) -> None:
    build = pitfall.this_build()
    made = ".".join(board.python.split(".")[:2])
    if made != build.rstrip("t"):
        raise UserError(
            f"{path} was made with Python {board.python}, and this is {build}: run it with that"
            " one, name another file by --saved, or say --again to begin anew"
        )


def _ask(
    board: saved.Scoreboard,
    chosen: Sequence[Pitfall],
    collected: Sequence[Pitfall],
    tools: Sequence[Tool],
    options: argparse.Namespace,
    live: terminal.LiveLine,
) -> list[str]:
    there = environment.versions()
    scoreboard.forget(board, collected)
    if options.again:
        for tool in tools:
            board.controls.pop(tool.name, None)
            for each in chosen:
                board.records.get(tool.name, {}).pop(str(each), None)
    try:
        return scoreboard.bring_up_to_date(
            board,
            chosen,
            {tool: there[tool.name] for tool in tools if tool.name in there},
            at_once=options.at_once,
            say=live.show,
            save=lambda board: saved.write(board, options.saved),
        )
    finally:
        live.clear()


def _print(
    board: saved.Scoreboard,
    collected: Sequence[Pitfall],
    tools: Sequence[Tool],
    troubles: Sequence[str],
    path: Path,
) -> None:
    asked = {tool.name for tool in tools}
    rows = [HEADINGS, *(row for row in words.tool_rows(board, collected) if row[0] in asked)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ours = {tool.name for tool in TOOLS if tool.ours}
    told = False
    for row in rows:
        if row[0] in ours and not told:
            print("the lab itself, by which the pitfalls were proved:")
            told = True
        cells = [
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print(terminal.plain("  ".join(cells).rstrip()))
    print()
    for tool, why in environment.absent().items():
        if tool in asked:
            print(f"{tool} is absent: {why}")
    for trouble in troubles:
        print(terminal.plain(trouble))
    print(f"Saved in {path}; `conlab readme --write` takes it over.")

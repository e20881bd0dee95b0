"""What is saved, in words: the paragraph *Detect* of a story, and the tables of the catalogue."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from conlab.catalogue.pitfall import Pitfall
from conlab.detect.cells import COLUMNS, Cell, Column, Row, cell_of
from conlab.detect.saved import Scoreboard
from conlab.detect.tools import TOOLS, Tool

WIDTH = 100  # columns of a pitfall's file
MOST_CODES = 3  # of a linter, that a story names
NOBODY = "none known"
A_TEST = "a test"  # the tool that is a test and nothing else
LONGEST = 60  # characters of a message, in a story
HEADINGS = (
    "tool",
    "version",
    "in scope",
    "found, default",
    "found, best",
    "order forced",
    "share",
    "false alarms",
    "control",
)
PARAGRAPH = re.compile(r"^Detect: .*?(?=\n\n)", re.MULTILINE | re.DOTALL)
ONLY: dict[Column, str] = {"default": "", "best": "", "forced": ", once the order is forced"}


def found_in(board: Scoreboard, tool: Tool, pitfall: Pitfall) -> Column | None:
    """The first column in which the tool finds the pitfall; None if it does not."""
    record = board.record(tool.name, str(pitfall))
    return _first(record.row) if record else None


def alarms(board: Scoreboard, tool: Tool, pitfall: Pitfall) -> bool:
    """Whether the tool said something of the fixed side, in any of its settings."""
    record = board.record(tool.name, str(pitfall))
    return record is not None and any(cell.false_alarms for cell in record.row.values())


def is_tried(board: Scoreboard, pitfall: Pitfall) -> bool:
    """Whether anything is saved of the pitfall."""
    return any(str(pitfall) in rows for rows in board.records.values())


def finders(board: Scoreboard, pitfall: Pitfall) -> list[str]:
    """The tools of others that find the pitfall by themselves, without a test of its result."""
    return [
        _called(tool, column)
        for tool in TOOLS
        if not tool.ours and not tool.asks and (column := found_in(board, tool, pitfall))
    ]


def told_in(source: str, board: Scoreboard, pitfall: Pitfall) -> str:
    """The source of a pitfall's file with its paragraph Detect as the scoreboard has it."""
    if not is_tried(board, pitfall):
        return source
    told = textwrap.fill(
        f"Detect: {detected(board, pitfall)}",
        WIDTH,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return PARAGRAPH.sub(lambda _: told, source, count=1)


def detected(board: Scoreboard, pitfall: Pitfall) -> str:
    """Who finds the pitfall, in a sentence; what they say is named where it is short."""
    alone = [tool for tool in TOOLS if not tool.ours and not tool.asks]
    asking = [tool for tool in TOOLS if not tool.ours and tool.asks]
    said = [
        (_called(tool, column) + ONLY[column], _quoted(board, tool, pitfall, column))
        for tool in alone
        if (column := found_in(board, tool, pitfall))
    ]
    groups = [
        _joined([name for name, _ in group]) + quoted
        for quoted, group in groupby(said, key=lambda each: each[1])
    ]
    by_themselves = "; ".join(groups) or NOBODY
    tested = {tool.name: column for tool in asking if (column := found_in(board, tool, pitfall))}
    if column := tested.get(A_TEST):
        return f"{by_themselves}. A test of the result fails{ONLY[column]}."
    if tested:
        called = [_called(tool, tested[tool.name]) for tool in asking if tool.name in tested]
        return f"{by_themselves}. With a test of the result: {_joined(called)}."
    return f"{by_themselves}."


def catalogue(board: Scoreboard, pitfalls: Sequence[Pitfall], families: Mapping[str, str]) -> str:
    """The pitfalls in Markdown: a table for each family, with a row for each, in reading order.

    ``families`` has a sentence for each.
    """
    parts = []
    for family, sentence in families.items():
        own = [_row(board, each) for each in pitfalls if each.family == family]
        head = ["| the mistake | what one sees | evidence | found by |", "|---|---|---|---|"]
        if own:
            name = family.replace("_", " ").capitalize()
            parts += [f"## {name}", _literal(sentence), "\n".join([*head, *own])]
    return "\n\n".join(parts)


def _row(board: Scoreboard, pitfall: Pitfall) -> str:
    by = ", ".join(finders(board, pitfall)) or NOBODY
    by = by if is_tried(board, pitfall) else "not tried yet"
    symptom = _literal(pitfall.story["Symptom"])
    return f"| {_linked(pitfall)} | {symptom} | {pitfall.evidence} | {by} |"


def _linked(pitfall: Pitfall) -> str:
    """The name of the mistake in words, as its title begins, as a link to its file."""
    return f"[{_literal(pitfall.title.partition(': ')[0])}](../pitfalls/{pitfall}.py)"


def _literal(text: str) -> str:
    """The text in a cell of Markdown: nothing in it is markup, but what is in backticks is code."""
    code, markup = re.compile(r"(`[^`]+`)"), re.compile(r"([\\*_<|\[\]])")
    return "".join(
        part.replace("|", "\\|") if code.fullmatch(part) else markup.sub(r"\\\1", part)
        for part in code.split(text)
    )


def scoreboard(board: Scoreboard, pitfalls: Sequence[Pitfall]) -> str:
    """The tools as a table in Markdown, ours below a line; how they were asked; the matrix."""
    head = [
        f"{len(pitfalls)} pitfalls, CPython {board.python} on {board.system}, {board.date}.",
        "",
        f"| {' | '.join(HEADINGS)} |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    rows = [f"| {' | '.join(cells)} |" for cells in tool_rows(board, pitfalls)]
    theirs = [tool for tool in TOOLS if not tool.ours]
    rows.insert(
        len(theirs), "| *below: the lab itself, by which the pitfalls were proved* |" * 1 + " |" * 8
    )
    return "\n".join([*head, *rows, "", *_asked(), "", *_matrix(board, pitfalls)])


def tool_rows(board: Scoreboard, pitfalls: Sequence[Pitfall]) -> Iterator[tuple[str, ...]]:
    """Of each tool: name, version, in scope, found by default / at best / forced, share, alarms."""
    for tool in TOOLS:
        version = board.versions.get(tool.name)
        if version is None:
            yield (tool.name, "absent", *[""] * 7)
            continue
        counts = {
            column: sum(bool(_cell(board, tool, each, column).found) for each in pitfalls)
            for column in COLUMNS
        }
        found = sum(found_in(board, tool, each) is not None for each in pitfalls)
        scope = len(in_scope(board, tool, pitfalls))
        share = f"{found / scope:.0%}" if scope else ""
        wrong = sum(alarms(board, tool, each) for each in pitfalls)
        yield (
            tool.name, version, str(scope), *(str(counts[column]) for column in COLUMNS), share,
            str(wrong), control(board, tool),
        )  # fmt: skip


def in_scope(board: Scoreboard, tool: Tool, pitfalls: Sequence[Pitfall]) -> list[Pitfall]:
    """The pitfalls that the tool could speak of: those of its scope, and any that it has found."""
    return [each for each in pitfalls if tool.scope(each) or found_in(board, tool, each)]


def control(board: Scoreboard, tool: Tool) -> str:
    """Whether the tool found its control."""
    record = board.controls.get(tool.name)
    if record is None:
        return "not tried"
    return "found" if _first(record.row) else "MISSED"


def _first(row: Row) -> Column | None:
    return next((column for column in COLUMNS if column in row and row[column].found), None)


def _cell(board: Scoreboard, tool: Tool, pitfall: Pitfall, column: Column) -> Cell:
    record = board.record(tool.name, str(pitfall))
    return cell_of(record.row, column) if record else Cell()


def _called(tool: Tool, column: Column) -> str:
    return tool.name if column == "default" or not tool.best else tool.at_best


def _quoted(board: Scoreboard, tool: Tool, pitfall: Pitfall, column: Column) -> str:
    found = _cell(board, tool, pitfall, column).found
    match tool.says:
        case "codes":
            return f" ({', '.join(found[:MOST_CODES])})"
        case "stacks":
            return f", whose stacks show `{found[0]}`"
    short = found[0] if len(found[0]) <= LONGEST else f"{found[0][:LONGEST]}…"
    return f' ("{short}")'.replace("\\", "/").replace('"""', "'''")


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _asked() -> Iterator[str]:
    yield "How each was asked:"
    yield ""
    for tool in TOOLS:
        best = f"; at its best `{tool.best}`" if tool.best else ""
        yield f"- **{tool.name}**, about {tool.about}: `{tool.default}`{best}"


def _matrix(board: Scoreboard, pitfalls: Sequence[Pitfall]) -> Iterator[str]:
    tools = [tool for tool in TOOLS if tool.name in board.versions]
    yield (
        "Every pitfall and every tool: **d** found by default, **b** only at its best, **f** only "
        "once the order is forced, **·** silent, nothing where it is out of scope; **!** a false "
        "alarm."
    )
    yield ""
    yield f"| pitfall | {' | '.join(tool.name for tool in tools)} |"
    yield f"|---|{':-:|' * len(tools)}"
    for each in pitfalls:
        marks = [_mark(board, tool, each) for tool in tools]
        yield f"| {_linked(each)} | {' | '.join(marks)} |"


def _mark(board: Scoreboard, tool: Tool, pitfall: Pitfall) -> str:
    column = found_in(board, tool, pitfall)
    silent = "·" if tool.scope(pitfall) else ""
    return (column[0] if column else silent) + "!" * alarms(board, tool, pitfall)


def update_stories(board: Scoreboard, pitfalls: Sequence[Pitfall]) -> list[Path]:
    """Write each story's Detect as the scoreboard has it; the files that changed."""
    changed = []
    for each in pitfalls:
        source = each.path.read_text("utf-8")
        if (told := told_in(source, board, each)) != source:
            each.path.write_text(told, "utf-8")
            changed.append(each.path)
    return changed

"""A scoreboard as a page shows it: each pair, and what each tool said of its sides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLUMNS = ("default", "best", "forced")  # settings; one that is missing is as the one before


@dataclass(frozen=True, slots=True)
class Mark:
    """What a tool made of a pair, in a word and in a sentence."""

    word: str  # "finds", "false alarm", "finds, and a false alarm", "silent"
    said: str


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The tools with their versions and counts, and a row of marks for each pair."""

    tools: tuple[tuple[str, str, int, int], ...]  # name, version, found, false alarms
    rows: tuple[tuple[str, tuple[Mark, ...]], ...]
    about: tuple[str, ...]


def scoreboard_of(data: Mapping[str, Any]) -> Scoreboard:
    """The scoreboard in a document: at the best settings of each tool."""
    given = data.get("scoreboard", data)
    tools = {
        str(name): about if isinstance(about, dict) else {}
        for name, about in given["tools"].items()
    }
    cells = given.get("cells") or given.get("pairs") or {}
    rows = [
        (str(pair), tuple(_mark(found.get(tool)) for tool in tools))
        for pair, found in cells.items()
    ]
    told = []
    for at, (name, about) in enumerate(tools.items()):
        marks = [marks[at].word for _, marks in rows]
        told.append(
            (
                name,
                str(about.get("version") or about.get("absent") or ""),
                sum(word.startswith("finds") for word in marks),
                sum(word.endswith("false alarm") for word in marks),
            )
        )
    noted = [f"{name}: {given[name]}" for name in ("python", "measured", "date") if given.get(name)]
    return Scoreboard(tuple(told), tuple(rows), tuple(noted))


def _mark(columns: Any) -> Mark:
    known = [columns[one] for one in COLUMNS if one in columns] if isinstance(columns, dict) else []
    cell = known[-1] if known else {}
    found = [str(one) for one in cell.get("found") or ()]
    alarms = [str(one) for one in cell.get("false_alarms") or ()]
    if found and alarms:
        return Mark("finds, and a false alarm", "; ".join([*found, *alarms]))
    if found:
        return Mark("finds", "; ".join(found))
    if alarms:
        return Mark("false alarm", "; ".join(alarms))
    return Mark("silent", "")

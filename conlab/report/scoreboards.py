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
    """The scoreboard in a document, as conlab detect saves it: each tool at its best settings."""
    records = data["records"]
    versions = data["versions"]
    pairs = list(dict.fromkeys(pair for found in records.values() for pair in found))
    rows = tuple(
        (str(pair), tuple(_mark(found.get(pair)) for found in records.values())) for pair in pairs
    )
    told = []
    for at, name in enumerate(records):
        said = [marks[at].word for _, marks in rows]
        told.append(
            (
                str(name),
                str(versions.get(name, "")),
                sum(word.startswith("finds") for word in said),
                sum(word.endswith("false alarm") for word in said),
            )
        )
    about = [f"{name}: {data[name]}" for name in ("python", "system", "date") if data.get(name)]
    return Scoreboard(tuple(told), rows, tuple(about))


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

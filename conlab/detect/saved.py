"""The saved result: what every tool said of every pitfall, with versions and the date, as JSON.

A result holds as long as the pitfall's code, the tool's version and how it is asked are the same:
what is out of date is found by these three, and is asked again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conlab import content
from conlab.detect.cells import Cell, Row
from conlab.errors import UserError

FORMAT = 1
IN_CLONE = content.ROOT / "docs" / "detect.json"
ELSEWHERE = Path("conlab-detect.json")


@dataclass(frozen=True)
class Record:
    """One tool on one pitfall: of which code, by which version and settings; what came of it."""

    code: str
    asked: str
    row: Row


@dataclass
class Scoreboard:
    """All that is saved: by tool and then by pitfall. Each ``controls`` entry is a tool's."""

    python: str = ""
    system: str = ""
    date: str = ""  # of the latest run, as 2026-11-30
    versions: dict[str, str] = field(default_factory=dict)
    controls: dict[str, Record] = field(default_factory=dict)
    records: dict[str, dict[str, Record]] = field(default_factory=dict)

    def record(self, tool: str, pitfall: str) -> Record | None:
        """What is saved of a tool on a pitfall."""
        return self.records.get(tool, {}).get(pitfall)

    def as_json(self) -> dict[str, Any]:
        """Plain data, in an order that does not depend on which tool came first."""
        return {
            "format": FORMAT,
            "python": self.python,
            "system": self.system,
            "date": self.date,
            "versions": dict(sorted(self.versions.items())),
            "controls": {name: _plain(self.controls[name]) for name in sorted(self.controls)},
            "records": {
                tool: {name: _plain(rows[name]) for name in sorted(rows)}
                for tool, rows in sorted(self.records.items())
            },
        }


def read(path: Path) -> Scoreboard:
    """What is saved there; an empty one if there is no file. Raises UserError for any other."""
    if not path.exists():
        return Scoreboard()
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {data['format']}, not {FORMAT}")
        return Scoreboard(
            python=data["python"],
            system=data["system"],
            date=data["date"],
            versions=dict(data["versions"]),
            controls={name: _record(each) for name, each in data["controls"].items()},
            records={
                tool: {name: _record(each) for name, each in rows.items()}
                for tool, rows in data["records"].items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no saved result of conlab detect: {error!r}") from None


def write(scoreboard: Scoreboard, path: Path) -> None:
    """Save it, whole or not at all; a line for each tool on each pitfall."""
    data = scoreboard.as_json()
    lines = ["{"]
    head = ("format", "python", "system", "date", "versions")
    lines += [f" {_compact(name)}: {_compact(data[name])}," for name in head]
    lines += [' "controls": {', *_entries(data["controls"], "  "), " },", ' "records": {']
    for number, (tool, rows) in enumerate(data["records"].items(), 1):
        end = "" if number == len(data["records"]) else ","
        lines += [f"  {_compact(tool)}: {{", *_entries(rows, "   "), f"  }}{end}"]
    lines += [" }", "}", ""]
    new = path.with_name(f"{path.name}.new")
    try:
        new.write_text("\n".join(lines), "utf-8")
        new.replace(path)
    except OSError as error:
        raise UserError(f"the result cannot be saved: {path}: {error.strerror}") from None


def _entries(rows: Mapping[str, Any], margin: str) -> list[str]:
    last = len(rows)
    return [
        f"{margin}{_compact(name)}: {_compact(row)}{'' if number == last else ','}"
        for number, (name, row) in enumerate(rows.items(), 1)
    ]


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def _plain(record: Record) -> dict[str, Any]:
    cells = {str(column): cell.as_json() for column, cell in record.row.items()}
    return {"code": record.code, "asked": record.asked, **cells}


def _record(data: Mapping[str, Any]) -> Record:
    row: Row = {
        column: Cell.from_json(data[column])
        for column in ("default", "best", "forced")
        if column in data
    }
    return Record(data["code"], data["asked"], row)

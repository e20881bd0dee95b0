"""What came of a tool on a pitfall, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Column = Literal["default", "best", "forced"]
COLUMNS: tuple[Column, ...] = ("default", "best", "forced")


@dataclass(frozen=True)
class Cell:
    """What a tool said of the broken side alone, and what it said of the fixed side."""

    found: tuple[str, ...] = ()
    false_alarms: tuple[str, ...] = ()

    def as_json(self) -> dict[str, list[str]]:
        """Plain data, without what is empty."""
        said = {"found": self.found, "false_alarms": self.false_alarms}
        return {name: list(values) for name, values in said.items() if values}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Cell":
        """The cell of such data."""
        return cls(tuple(data.get("found", ())), tuple(data.get("false_alarms", ())))


Row = Mapping[Column, Cell]  # a column that is missing is the same as the one before it


def cell_of(row: Row, column: Column) -> Cell:
    """What a row has in a column, or in the nearest before it: silence if there is none."""
    upto = COLUMNS[: COLUMNS.index(column) + 1]
    return next((row[each] for each in reversed(upto) if each in row), Cell())

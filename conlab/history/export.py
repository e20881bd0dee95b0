"""A history as plain data: JSON, or CSV with a row for each value of a commit."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from conlab.history import changes
from conlab.history.series import History
from conlab.history.tables import Judged

COLUMNS = (
    "python", "cores", "cpu", "system", "host", "conditions", "kind", "of", "jobs", "commit",
    "dirty", "branch", "committed", "runs", "median", "low", "high", "changed_here", "level",
)  # fmt: skip


def as_json(shown: Sequence[tuple[History, Sequence[Judged]]]) -> str:
    """A list of histories, each with its series and their values."""
    told = [
        {
            **_machine(history),
            "series": [
                {
                    "kind": one.series.ratio.kind,
                    "of": one.series.ratio.of,
                    "jobs": one.series.ratio.jobs,
                    "values": list(_values(one)),
                }
                for one in judged
            ],
        }
        for history, judged in shown
    ]
    return json.dumps({"changes_are_marked": changes.available(), "histories": told}, indent=1)


def as_csv(shown: Sequence[tuple[History, Sequence[Judged]]]) -> str:
    """A row for each value, with a heading."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for history, judged in shown:
        for one in judged:
            ratio = one.series.ratio
            about = {"kind": ratio.kind, "of": ratio.of, "jobs": ratio.jobs}
            for value in _values(one):
                writer.writerow(_machine(history) | about | value)
    return file.getvalue()


def _machine(history: History) -> dict[str, Any]:
    machine = history.machine
    return {
        "python": machine.python,
        "cores": machine.cores or None,
        "cpu": machine.cpu,
        "system": machine.system,
        "host": " ".join(history.hosts),
        "conditions": history.conditions,
    }


def _values(judged: Judged) -> Iterator[dict[str, Any]]:
    series = judged.series
    levels = changes.levels(series.medians, judged.changes)
    level = 0
    for number, (commit, values) in enumerate(series.points):
        level += number in judged.changes
        first = commit.runs[0]
        yield {
            "commit": first.commit,
            "dirty": first.dirty,
            "branch": first.branch,
            "committed": commit.time.isoformat(),
            "runs": len(values),
            "median": series.medians[number],
            "low": values[0],
            "high": values[-1],
            "changed_here": number in judged.changes,
            "level": levels[level],
        }

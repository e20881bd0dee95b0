"""Whether a run ended before its time, and what was not measured by then: its figures say so."""

import signal
from typing import Any

import pytest

from conlab import ending
from conlab.bench.discovery import Cell

MOST = 50  # cells of a workload that are named


def broken_off(session: pytest.Session, finished: set[str]) -> dict[str, Any]:
    """Why the run ended early, and the cells and other benchmarks it left; empty if it did not.

    ``finished`` are the node ids of the items that came to an end, well or not.
    """
    if session.exitstatus == pytest.ExitCode.INTERRUPTED:
        why = signal.Signals(ending.heard[0]).name if ending.heard else "interrupted"
    else:
        why = str(session.shouldfail or session.shouldstop or "")
    left = [item for item in getattr(session, "items", ()) if item.nodeid not in finished]
    if not (why and left):
        return {}
    cells: dict[str, list[str]] = {}
    others = 0
    for item in left:
        cell = item.callspec.params.get("cell") if hasattr(item, "callspec") else None
        if isinstance(cell, Cell):
            cells.setdefault(cell.workload.name, []).append(cell.id.partition("-")[2] or cell.id)
        else:
            others += 1
    return {
        "why": why,
        "not_measured": {name: labels[:MOST] for name, labels in cells.items()},
        "others": others,
    }

"""Tries the tools on the kernels, one process a trial, and lays out what came of it."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from tests.explorer.kernels.table import Kernel
from tests.explorer.kernels.trial import Side, Tool
from tests.patience import patience

# What a claim is worth, by the side that it is made of.
WORTH: dict[tuple[Side, str], str] = {
    ("broken", "fails"): "found",
    ("broken", "safe"): "CALLED SAFE",
    ("broken", "safe within bound"): "CALLED SAFE",  # each fails with one preemption, or with none
    ("broken", "passes"): "missed",
    ("correct", "fails"): "ACCUSED",
    ("correct", "safe"): "safe",
    ("correct", "safe within bound"): "safe to 2",
    ("correct", "passes"): "nothing found",
}
COLUMNS = [*dict.fromkeys(WORTH.values()), "no verdict", "not ended", "error"]
STARTING = 20.0  # seconds that a process takes at most to start, and to wait without using a CPU
FRONTRUN_ACTIVE = {"FRONTRUN_ACTIVE": "1"}  # what its launcher says to a program without I/O


@dataclass(frozen=True)
class Trial:
    """What a tool made of a side: its worth, seconds of CPU, schedules, and what else it said."""

    tool: Tool
    kernel: Kernel
    side: Side
    worth: str
    seconds: float | None = None
    schedules: int | None = None
    detail: str = ""

    def cells(self) -> tuple[str, str, str]:
        """The worth, the seconds and the schedules, to be printed."""
        seconds = "" if self.seconds is None else f"{self.seconds:.2f}"
        schedules = "" if self.schedules is None else f"{self.schedules:,}"
        return self.worth, seconds, schedules


def tried(tool: Tool, kernel: Kernel, side: Side, seconds: float) -> Trial:
    """Try a tool on a side in a process of its own, for so many seconds of CPU at most."""
    arguments = [str(tool), kernel.name, side, str(seconds)]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.explorer.kernels.trial", *arguments],
            env=os.environ | FRONTRUN_ACTIVE,
            capture_output=True,
            text=True,
            timeout=patience(seconds + STARTING),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Trial(tool, kernel, side, "not ended")
    if done.returncode == -signal.SIGPROF:
        return Trial(tool, kernel, side, "not ended")
    if done.returncode:
        return Trial(tool, kernel, side, "error", detail=done.stderr[-2_000:])
    said = json.loads(done.stdout.splitlines()[-1])
    worth = WORTH.get((side, said["claim"]), said["claim"])
    return Trial(tool, kernel, side, worth, said["seconds"], said["schedules"], said["detail"])


def by_kernel(trials: Sequence[Trial], title: str) -> Table:
    """Lay the trials out by kernel, a row a tool."""
    table = Table(title=title, title_justify="left")
    table.add_column("kernel", no_wrap=True)
    table.add_column("tool, strategy", no_wrap=True)
    for side in ("broken", "correct"):
        table.add_column(side, no_wrap=True)
        table.add_column("CPU s", justify="right")
        table.add_column("schedules", justify="right")
    sides = {(trial.kernel.name, str(trial.tool), trial.side): trial for trial in trials}
    for kernel in dict.fromkeys(trial.kernel.name for trial in trials):
        name = kernel
        for tool in dict.fromkeys(str(trial.tool) for trial in trials):
            both = [sides.get((kernel, tool, side)) for side in ("broken", "correct")]
            if any(both):
                cells = [each.cells() if each else ("", "", "") for each in both]
                table.add_row(name, tool, *cells[0], *cells[1])
                name = ""
        table.add_section()
    return table


def by_tool(trials: Sequence[Trial], title: str) -> Table:
    """Lay out how often a tool came to what, a row a tool."""
    table = Table(title=title, title_justify="left")
    table.add_column("tool, strategy", no_wrap=True)
    for column in [*COLUMNS, "CPU s"]:
        table.add_column(column, justify="right")
    for tool in dict.fromkeys(str(trial.tool) for trial in trials):
        own = [trial for trial in trials if str(trial.tool) == tool]
        counts = Counter(trial.worth for trial in own)
        seconds = sum(trial.seconds or 0.0 for trial in own)
        table.add_row(tool, *[str(counts[each] or "") for each in COLUMNS], f"{seconds:.1f}")
    return table

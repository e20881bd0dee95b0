"""The tables of the summary, by rich."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conlab.bench.discovery import Cell
from conlab.bench.measured import Measured
from conlab.bench.report import Group
from conlab.bench.words import MEBI, duration, how_often

COLUMNS = (
    "time",
    "jobs/s",
    "speedup",
    "floor",
    "in flight",
    "cores",
    "ready",
    "CPU s",
    "+MiB",
    "slowest",
    "failed",
)
BOUND = "bound"  # stands in the place of the floor where that is an estimate
VOID = "void"
DISPENSABLE = ("slowest", "jobs/s", "+MiB", "CPU s", "floor")  # in a narrow terminal, in this order
UNLIMITED = 1_000  # columns, more than a table wants


def fitting_table(group: Group, console: Console) -> tuple[Table, list[str]]:
    """The table with as many columns as fit, and the names of those that are left out."""
    unlimited = console.options.update_width(UNLIMITED)
    left_out: list[str] = []
    table = workload_table(group)
    shown = [str(column.header).replace(BOUND, "floor") for column in table.columns]
    for name in filter(shown.__contains__, DISPENSABLE):
        if console.measure(table, options=unlimited).maximum <= console.width:
            break
        left_out.append(name)
        table = workload_table(group, left_out)
    return table, left_out


def workload_table(group: Group, left_out: Sequence[str] = ()) -> Table:
    """One row a cell, the fastest first; ``left_out`` names columns that it does without."""
    table = Table(
        title=f"{group.name}: {jobs_of(group)}{visits(group)}",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("model", no_wrap=True)
    http = any(measured.cell.client() for measured in group.cells)
    failed = any(measured.failed for measured in group.cells)
    bounded = any(group.limit_share(measured) for measured in group.rows)
    busy = any(measured.contention and measured.contention.is_busy for measured in group.cells)
    known = {"slowest": http, "failed": failed, "floor": bounded, "ready": busy}
    unknown = [name for name, there in known.items() if not there]
    names = [name for name in COLUMNS if name not in (*left_out, *unknown)]
    by_law = any(measured.floor is not None for measured in group.cells)
    for name in names:
        header = BOUND if name == "floor" and not by_law else name
        table.add_column(header, justify="right", no_wrap=True)
    leaders = [] if group.doubt or group.undecided else group.leaders
    for measured in group.rows:
        style = "bold green" if measured in leaders else ""
        figures = row(group, measured)
        label = measured.cell.label + pool_size(measured)
        table.add_row(label, *(figures[name] for name in names), style=style)
    return table


def row(group: Group, measured: Measured) -> dict[str, str]:
    """The figures of a cell as text, by their columns."""
    share, speedup = group.share(measured), group.speedup(measured)
    kind, slowest = measured.slowest
    figures = (
        duration(group.time(measured)) + spread(measured),
        f"{measured.jobs / group.time(measured):,.0f}",
        f"{speedup:.2f}x" if speedup else "",
        f"{share:.0%}" if share else VOID if group.void(measured) else "",
        f"{measured.in_flight:.1f}",
        f"{measured.cores_busy:.2f}",
        ready(measured),
        f"{measured.cpu:.3f}",
        f"{measured.memory_added / MEBI:.0f}",
        f"{kind} {duration(slowest)}",
        str(measured.failed),
    )
    return dict(zip(COLUMNS, figures, strict=True))


def jobs_of(group: Group) -> str:
    """How many jobs each of its cells did."""
    jobs = group.rows[0].jobs
    return "1 job" if jobs == 1 else f"{jobs:,} jobs"


def spread(measured: Measured) -> str:
    """What is put behind the time: of a single round, nothing is known."""
    if len(measured.rounds) < 2:
        return "  ?  "
    return f" ±{measured.spread / measured.median:3.0%}"


def ready(measured: Measured) -> str:
    """How many threads stood in the queue for a core on average, as far as the system tells."""
    seen = measured.contention
    if seen is None or seen.ready is None:
        return "?"
    return f"{seen.ready / seen.wall:.2f}"


def visits(group: Group) -> str:
    """How often each model was visited, where there are several."""
    if len(group.rows) < 2:
        return ""
    return f", each model visited {how_often(group.ranking.visits)}"


def pool_size(measured: Measured) -> str:
    """What the model was given: jobs in flight, workers, or both."""
    sizes = [
        str(measured.settings[name])
        for name in ("in_flight", "workers")
        if name in measured.settings
    ]
    return f" ({'+'.join(sizes)})" if sizes else ""


def absent_lines(absent: Iterable[tuple[Cell, str]], workload: str) -> list[Text]:
    """One line for each reason why cells of the workload are absent."""
    by_reason: dict[str, list[str]] = {}
    for cell, reason in absent:
        if cell.workload.name == workload:
            by_reason.setdefault(reason, []).append(cell.label)
    return [
        Text(f"absent: {', '.join(labels)}: {reason}", style="dim")
        for reason, labels in by_reason.items()
    ]


def void_lines(group: Group) -> list[Text]:
    """One line for each reason why a share of the floor or of the bound is not given."""
    by_reason: dict[str, list[str]] = {}
    for measured in group.rows:
        if reason := group.void(measured):
            by_reason.setdefault(reason, []).append(measured.cell.label)
    return [
        Text(f"{VOID}: {', '.join(labels)}: {reason}", style="dim")
        for reason, labels in by_reason.items()
    ]

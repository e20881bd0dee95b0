"""The table of the peers and that of the memory, for the summary."""

import statistics
from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conlab.bench.peers import Compared
from conlab.bench.peers.memory import GOAL, Grown
from conlab.bench.words import MEBI, duration


def tables(compared: Sequence[Compared], grown: Sequence[Grown]) -> Iterable[RenderableType]:
    """The tables and, below the first, what exactly was run."""
    if compared:
        yield peer_table(compared)
        runs = [f"{one.name} {one.version}: {one.command}\n  ({one.tuning})" for one in compared]
        yield Padding(Text("\n".join(dict.fromkeys(runs)), style="dim"), (0, 0, 0, 2))
    if grown:
        yield memory_table(grown)


def peer_table(compared: Iterable[Compared]) -> Table:
    """One row a cell and its peer."""
    table = titled("Peers: the same work by other programs, in pairs of rounds in random order")
    table.add_column("cell", no_wrap=True)
    table.add_column("peer", no_wrap=True)
    for name in ("jobs", "ours", "floor", "peer's", "ours / peer's", "goal"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in compared:
        met = one.ratio <= one.goal
        table.add_row(
            one.cell,
            one.name,
            f"{one.jobs:,}",
            duration(statistics.median(one.ours)),
            f"{one.floor_share:.0%}" if one.floor_share else "",
            duration(statistics.median(one.theirs)),
            f"{one.ratio:.2f} ±{one.spread:.2f} of {len(one.ours)}",
            Text(f"≤ {one.goal:g} {'met' if met else 'missed'}", style="green" if met else "red"),
        )
    return table


def memory_table(grown: Iterable[Grown]) -> Table:
    """One row a cell."""
    table = titled("Memory: the peak of a fresh process by the number of its jobs")
    table.add_column("cell", no_wrap=True)
    for name in ("jobs", "peak", "jobs", "peak", "more by", "goal"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in grown:
        table.add_row(
            one.cell,
            f"{one.few:,}",
            f"{one.few_peak / MEBI:.1f} MiB",
            f"{one.many:,}",
            f"{one.many_peak / MEBI:.1f} MiB",
            f"{one.growth / MEBI:.1f} MiB",
            f"≤ {GOAL // MEBI} MiB",
        )
    return table


def titled(title: str) -> Table:
    """An empty table that looks like those of the matrix."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )

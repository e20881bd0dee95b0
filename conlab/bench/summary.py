"""The summary that ends a run: tables, verdicts, what a pool costs, the rules of thumb."""

import io
from dataclasses import asdict
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conlab.bench import growth, guards, rules, settings, tables, verdicts
from conlab.bench.command_line import command_line
from conlab.bench.measured import Start
from conlab.bench.measuring import Matrix
from conlab.bench.peers import table as peer_tables
from conlab.bench.ratios import ratios
from conlab.bench.remarks import remarks
from conlab.bench.report import Group, groups
from conlab.bench.words import duration
from conlab.plain_console import PlainConsole

NARROWEST = 108  # columns: a narrower table would cut its figures off
NARROWEST_OF_ONE = 60  # the same where columns may be left out
MOST_KEPT = 1000  # jobs of a workload, whose times are written into the JSON
PRICED_JOBS = 1000  # jobs that share the cost of starting a pool


def text(matrix: Matrix, width: int, color: bool) -> str:
    """The summary as text of at most ``width`` columns, but no fewer than NARROWEST."""
    file = io.StringIO()
    console = console_on(file, width, color)
    found = groups(matrix.measured, settings.usable_cores())
    console.print()
    console.print(Text.assemble(("Concurrency Lab", "bold"), f": {conditions(matrix)}"))
    for part in peer_tables.tables(matrix.compared, matrix.grown):
        console.print()
        console.print(part)
    if not (matrix.measured or matrix.starts):
        return file.getvalue()
    for group in found:
        console.print()
        console.print(tables.workload_table(group))
        for line in tables.absent_lines(matrix.absent, group.name) + tables.void_lines(group):
            console.print(line)
        for sentence in (*verdicts.verdict(group), *remarks(matrix, group)):
            console.print(Padding(Text(sentence), (0, 0, 0, 2)))
    for name in sorted({cell.workload.name for cell, _ in matrix.absent} - {g.name for g in found}):
        console.print()
        console.print(Text.assemble((name, "bold"), ": every cell is absent"))
        for line in tables.absent_lines(matrix.absent, name):
            console.print(line)
    for part in growth.tables(growth.grown(matrix)):
        console.print(part)
    if matrix.starts:
        console.print()
        console.print(pool_table(matrix, found))
    console.print()
    busy = any(one.contention and one.contention.is_busy for one in matrix.measured)
    legend = [meaning for name, meaning in LEGEND.items() if name != "ready" or busy]
    console.print(Text(" ".join(legend), style="dim"))
    for warning in guards.of_run(matrix):
        console.print(Text(f"Warning: {warning}.", style="bold yellow"))
    if matrix.settings.rules or not matrix.is_own:
        console.print()
        console.print(rules_table(matrix, found))
    return file.getvalue()


def of_one(matrix: Matrix, width: int, color: bool, *, ended: bool = True) -> str:
    """The table and the verdict of a single workload, as text of ``width`` columns.

    Of a run that was not ``ended`` there is no verdict.
    """
    file = io.StringIO()
    console = console_on(file, width, color, narrowest=NARROWEST_OF_ONE)
    (group,) = groups(matrix.measured, settings.usable_cores())
    console.print(Text(conditions(matrix)))
    console.print()
    table, left_out = tables.fitting_table(group, console)
    console.print(table)
    for line in tables.absent_lines(matrix.absent, group.name) + tables.void_lines(group):
        console.print(line)
    for sentence in (*verdicts.verdict(group), *remarks(matrix, group)) if ended else ():
        console.print(Padding(Text(sentence), (0, 0, 0, 2)))
    for part in growth.tables(growth.grown(matrix)):
        console.print(part)
    console.print()
    if left_out:
        names = ", ".join(left_out)
        console.print(Text(f"Left out in {console.width} columns: {names}; --json has all.", "dim"))
    shown = {str(column.header) for column in table.columns}
    legend = [meaning for name, meaning in LEGEND.items() if name in shown]
    console.print(Text(" ".join(legend), style="dim"))
    for warning in guards.of_run(matrix):
        console.print(Text(f"Warning: {warning}.", style="bold yellow"))
    if matrix.settings.rules and ended:
        console.print()
        console.print(rules_table(matrix, [group]))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def console_on(
    file: io.StringIO, width: int, color: bool, narrowest: int = NARROWEST
) -> PlainConsole:
    """What prints tables into the file: ``width`` columns of them, but no fewer than the least."""
    return PlainConsole(
        file=file, width=max(width, narrowest), force_terminal=color, no_color=not color
    )


LEGEND = {  # by the column that it explains
    "time": "time: of a round, the geometric mean over the visits ± half the interquartile range;"
    " noise: a smaller lead may be chance, and in one run of twenty at most a larger one is.",
    "floor": "floor: the least time that is possible here / the time; it is what latencies and"
    " bytes take, or the CPU seconds / cores of the row with the fewest, if that is more.",
    "bound": "bound: the least time that is possible here / the time, estimated from how long"
    " serial's own jobs waited and computed.",
    "in flight": "in flight: sum of the jobs' own times / wall time.",
    "cores": "cores: CPU time / wall time.",
    "ready": "ready: threads in the queue for a core, on average; ? is not known.",
    "CPU s": "CPU s: of the whole process tree in a run of its own.",
    "+MiB": "+MiB: memory of that tree above what it had before the pool started, resident pages"
    " counted once for each process.",
    "slowest": "slowest: job, closed loop.",
    "model": "(n): jobs in flight, or workers, or both.",
}


def conditions(matrix: Matrix) -> str:
    """Under what the run was measured."""
    chosen = matrix.settings
    return (
        f"{settings.python_build()}, {settings.usable_cores()} usable cores,"
        f" {chosen.in_flight} in flight, {chosen.workers} workers ({chosen.start_method}),"
        f" event loop {chosen.loop}"
        f", seed {chosen.seed}"
        + (f", origin {chosen.latency * 1000:g} ms away" if matrix.inputs.origin else "")
    )


def pool_table(matrix: Matrix, found: list[Group]) -> Table:
    """What each model's pool costs, and from how long a job on it is worth that."""
    table = Table(
        title="What a pool costs, and how long a job must be to be worth one",
        title_justify="left",
        title_style="bold",
        box=None,
    )
    table.add_column("model")
    for name in ("start", "stop", "a job", f"worth it from (of {PRICED_JOBS:,} jobs)"):
        table.add_column(name, justify="right")
    table.add_column("that")
    for name, start in matrix.starts.items():
        cost = dispatch_cost(name, found)
        table.add_row(
            name,
            f"{duration(start.start)} ±{start.spread:3.0%}",
            duration(start.stop),
            duration(cost) if cost else "",
            *worth(start, cost, settings.usable_cores()),
        )
    return table


def dispatch_cost(model: str, found: list[Group]) -> float | None:
    """Seconds that a job which does nothing takes under the model, if that was measured."""
    dispatch = next((group for group in found if group.name == "dispatch_tasks"), None)
    cell = dispatch.named(model) if dispatch else None
    return dispatch.time(cell) / cell.jobs if dispatch and cell else None


def pools(matrix: Matrix, found: list[Group]) -> dict[str, Any]:
    """The same as plain data, in seconds, by model."""
    told = {}
    for name, start in matrix.starts.items():
        cost = dispatch_cost(name, found)
        length, jobs = break_even(start, cost, settings.usable_cores())
        told[name] = {
            "start": start.start,
            "spread": start.spread,
            "stop": start.stop,
            "job": cost,
            "worth_from": length,
            "worth_for": jobs,
        }
    return told


def worth(start: Start, cost: float | None, cores: int) -> tuple[str, str]:
    """The length of a job from which a pool is worth its cost, in words, and what the job does."""
    length, jobs = break_even(start, cost, cores)
    return duration(length) if length else "", jobs


def break_even(start: Start, cost: float | None, cores: int) -> tuple[float | None, str]:
    """The length of a job at which PRICED_JOBS of them take as long in the pool as in a loop.

    With t seconds a job, a loop takes n t, the pool start + n (cost + t / at once). And what such
    a job does: where a pool has no workers to compute, this is so for jobs that wait, alone.
    """
    at_once = min(start.at_once, cores) if start.computes else start.at_once
    if cost is None or at_once < 2:
        return None, ""
    length = (cost + start.start / PRICED_JOBS) / (1 - 1 / at_once)
    return length, "compute or wait" if start.computes else "wait"


def rules_table(matrix: Matrix, found: list[Group]) -> Table:
    """The rules of thumb and what this run shows about each."""
    table = Table(
        title="Rules of thumb, checked here", title_justify="left", title_style="bold", box=None
    )
    table.add_column("rule", ratio=4)
    table.add_column("in this run", ratio=2)
    table.add_column("because", ratio=5)
    for finding in rules.findings(found, matrix.starts):
        style = {rules.HOLDS: "green", rules.FAILS: "red", rules.UNMEASURED: "dim"}
        table.add_row(
            finding.rule,
            Text(finding.verdict, style=style.get(finding.verdict, "yellow")),
            finding.figures,
        )
    return table


def complete(output: dict[str, Any], matrix: Matrix) -> None:
    """Add to pytest-benchmark's JSON what only the whole run could tell."""
    found = groups(matrix.measured, settings.usable_cores())
    at_levels = [
        group
        for each in matrix.levels.values()
        for group in groups(each.measured, settings.usable_cores())
    ]
    for group in (*found, *at_levels):
        for measured in group.cells:
            name = f"bench_cell[{measured.cell.id}]"
            for benchmark in output["benchmarks"]:
                if benchmark["name"] == name:
                    benchmark["extra_info"] |= {
                        "speedup": group.speedup(measured),
                        "floor_share": group.floor_share(measured),
                        "bound_share": None if measured.floor else group.share(measured),
                        "work_law_seconds": group.work_law,
                        "noise": group.noise,
                        "leads": measured in group.leaders and not group.undecided,
                    }
    grown: dict[str, list[Any]] = {}
    for one in growth.grown(matrix):
        grown.setdefault(one.workload, []).append(one.figures())
    output["concurrency_lab"] = {
        "command": command_line(),
        "verdicts": {group.name: verdicts.verdict(group) for group in found},
        "remarks": {group.name: remarks(matrix, group) for group in found},
        "pools": pools(matrix, found),
        "growth": grown,
        "python": settings.python_build(),
        "gil": settings.gil_enabled(),
        "usable_cores": settings.usable_cores(),
        "in_flight": matrix.settings.in_flight,
        "workers": matrix.settings.workers,
        "start_method": matrix.settings.start_method,
        "loop": matrix.settings.loop,
        "cluster": matrix.settings.cluster,
        "seed": matrix.settings.seed,
        "cannot_tell": {group.name: group.undecided for group in found if group.undecided},
        "latency_seconds": matrix.settings.latency,
        "data": {
            name: str(given)
            for name in ("images", "texts", "site", "urls")
            if (given := getattr(matrix.settings, name))
        },
        "readings": {
            group.name: [{"kind": one.kind, "sentence": one.sentence} for one in group.readings]
            for group in found
        },
        "cases": {
            group.name: asdict(group.case) for group in found if group.case.job_count <= MOST_KEPT
        },
        "ratios": ratios(found, output["benchmarks"]),
        "loopback_bytes_per_second": matrix.bandwidth or None,
        "absent": {cell.id: reason for cell, reason in matrix.absent},
        "warnings": guards.of_run(matrix),
        "rules_of_thumb": {
            finding.rule: {"verdict": finding.verdict, "figures": finding.figures}
            for finding in rules.findings(found, matrix.starts)
        },
    }

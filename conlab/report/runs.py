"""A run as a page shows it: of each workload the verdict, its cells, and what there is not."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conlab.report import fixes, strips, words
from conlab.report.axes import Axis, from_zero
from conlab.report.fixes import Fix
from conlab.report.words import number

CHEAP = 0.6  # of what the fastest spends, up to which a second place is cheap
NEAR = 1.5  # times the fastest's time, up to which it is a second place
UNMEASURED = "not measured"  # what a run says of a rule of thumb on which it has no figures
MOST_TESTS = 400  # benchmarks of another project that are drawn


@dataclass(frozen=True, slots=True)
class Cell:
    """The figures of a cell: seconds of a round with its quartiles, CPU seconds, bytes of memory.

    What a file does not hold is None. ``pool`` says with how many workers, or how many in flight.
    """

    name: str
    seconds: float
    low: float
    high: float
    rounds: int
    speedup: float | None
    floor_share: float | None
    in_flight: float | None
    cores_busy: float | None
    cpu: float | None
    memory: float | None
    start: float | None
    failed: int
    pool: str
    leads: bool

    @property
    def label(self) -> str:
        """Its name with the size of its pool."""
        return f"{self.name} ({self.pool})" if self.pool else self.name


@dataclass(frozen=True, slots=True)
class Row:
    """A cell with its strips."""

    cell: Cell
    time: strips.Strip
    cpu: strips.Strip | None
    memory: strips.Strip | None


@dataclass(frozen=True, slots=True)
class Workload:
    """A part of the page: a workload of the suite, the reader's own, or a group of benchmarks."""

    name: str
    key: str
    jobs: int | None
    verdict: tuple[str, ...]
    answer: str
    remarks: tuple[str, ...]
    rows: tuple[Row, ...]
    absent: tuple[tuple[str, str], ...]  # labels and the reason
    lines: tuple[strips.Line, ...]
    ticks: tuple[strips.Tick, ...]
    logarithmic: bool
    measured: bool = True  # by models: else they are benchmarks of another kind
    left_out: int = 0

    @property
    def grounds(self) -> tuple[str, ...]:
        """What the verdict says beside its answer."""
        at = self.verdict.index(self.answer) if self.answer in self.verdict else len(self.verdict)
        return (*self.verdict[:at], *self.verdict[at + 1 :])


@dataclass(frozen=True, slots=True)
class Pool:
    """What a model's pool costs, and from how long a job on it is worth that; seconds."""

    model: str
    start: float
    spread: float | None
    stop: float | None
    job: float | None
    worth_from: float | None
    worth_for: str
    strip: strips.Strip | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of thumb, what this run says of it, and by which figures."""

    rule: str
    verdict: str
    because: str


@dataclass(frozen=True, slots=True)
class Run:
    """All that a page shows of a run."""

    name: str
    workloads: tuple[Workload, ...]
    pools: tuple[Pool, ...]
    pool_ticks: tuple[strips.Tick, ...]
    environment: tuple[tuple[str, str], ...]
    command: str
    warnings: tuple[str, ...]
    broken_off: tuple[str, ...] = ()  # sentences: that the run ended early, and what it lacks
    rules: tuple[Rule, ...] = ()
    fixes: tuple[Fix, ...] = ()
    growth: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fixes_summed_up(self) -> str:
        """What the fixes cost, in a sentence; nothing where no pair was timed."""
        return fixes.summed_up(self.fixes) if self.fixes else ""

    @property
    def answered(self) -> tuple[Workload, ...]:
        """Those that answer a question, by a verdict on models; all, if there are none."""
        return tuple(one for one in self.workloads if one.measured) or self.workloads


def run_of(name: str, data: Mapping[str, Any], prefix: str = "") -> Run:
    """The run in a document. What is missing in it is left out; what is no run raises."""
    ours = data.get("concurrency_lab")
    ours = ours if isinstance(ours, dict) else {}
    by_workload: dict[str, list[Mapping[str, Any]]] = {}
    other: dict[str, list[Mapping[str, Any]]] = {}
    found_fixes, of_fixes = fixes.fixes_of(data["benchmarks"])
    for benchmark in data["benchmarks"]:
        if id(benchmark) in of_fixes:
            continue
        extra = benchmark.get("extra_info") or {}
        if extra.get("level"):
            continue  # it is a point of a curve
        if extra.get("workload"):
            by_workload.setdefault(str(extra["workload"]), []).append(benchmark)
        elif benchmark.get("group") != "start" or not extra.get("model"):
            other.setdefault(str(benchmark.get("group") or ""), []).append(benchmark)
    absent = _absent(ours)
    taken: set[str] = set()

    def key(one: str) -> str:
        """An id of its own for a part, the same in each page of the run."""
        wanted = found = f"{prefix}workload-{words.slug(one)}"
        number_of = 2
        while found in taken:
            found, number_of = f"{wanted}-{number_of}", number_of + 1
        taken.add(found)
        return found

    workloads = [
        workload(one, key(one), cells, ours, absent.pop(one, ()))
        for one, cells in by_workload.items()
    ]
    workloads += [_nothing(one, key(one), reasons) for one, reasons in absent.items()]
    workloads += [
        benchmarks(group, key(group or "benchmarks"), cells) for group, cells in other.items()
    ]
    pools, pool_ticks = _pools(ours.get("pools"))
    return Run(
        name=name,
        workloads=tuple(workloads),
        pools=pools,
        pool_ticks=pool_ticks,
        environment=tuple(_environment(data, ours)),
        command=str(ours.get("command") or ""),
        warnings=tuple(f"{one}." for one in _strings(ours.get("warnings"))),
        broken_off=tuple(_broken_off(ours.get("broken_off"))),
        rules=tuple(_rules(ours.get("rules_of_thumb"))),
        growth=ours.get("growth") or {},
        fixes=found_fixes,
    )


def workload(
    name: str,
    key: str,
    benchmarks: Sequence[Mapping[str, Any]],
    ours: Mapping[str, Any],
    absent: Sequence[tuple[str, str]] = (),
) -> Workload:
    """A workload with its cells, the fastest first."""
    cells = sorted((_cell(each) for each in benchmarks), key=lambda cell: cell.seconds)
    extra = [each.get("extra_info") or {} for each in benchmarks]
    floors = [number(one.get("floor_seconds")) for one in extra]
    laws = [number(one.get("work_law_seconds")) for one in extra]
    floor = max((value for value in floors if value), default=0.0)
    law = max((value for value in laws if value), default=0.0)
    kept = (ours.get("verdicts") or {}).get(name)
    verdict = _strings(kept) or _verdict(cells)
    serial = next((cell for cell in cells if cell.name == "serial"), None)
    axis = _axis(cells, [floor, law])
    lines = []
    if serial is not None:
        lines.append(strips.Line("serial", axis.at(serial.seconds), "serial"))
    if floor and floor >= law:
        lines.append(
            strips.Line(
                "floor", axis.at(floor), "floor, by latencies and bytes: no run can be faster"
            )
        )
    elif law:
        by_law = "floor, by the work law: the least CPU time of any row / usable cores"
        lines.append(strips.Line("floor", axis.at(law), by_law))
    answer = next(
        (
            one
            for one in verdict
            if one.startswith(("Leader", "No leader", "Cannot tell", "Fastest"))
        ),
        verdict[0] if verdict else "",
    )
    told_apart = not answer.startswith(("No leader", "Cannot tell"))
    cheap = cheap_second(cells) if told_apart else []
    return Workload(
        name=name,
        key=key,
        jobs=next((int(j) for one in extra if (j := number(one.get("jobs"))) is not None), None),
        verdict=tuple(verdict),
        answer=answer,
        remarks=tuple(_strings((ours.get("remarks") or {}).get(name)) + cheap),
        rows=tuple(_rows(cells, axis)),
        absent=tuple(absent),
        lines=tuple(lines),
        ticks=tuple(_seconds_ticks(axis)),
        logarithmic=axis.logarithmic,
    )


def benchmarks(group: str, key: str, found: Sequence[Mapping[str, Any]]) -> Workload:
    """Benchmarks that are no cells of the suite: their times, as they are named."""
    cells = sorted((_cell(each) for each in found), key=lambda cell: cell.seconds)
    left_out = max(0, len(cells) - MOST_TESTS)
    cells = cells[:MOST_TESTS]
    axis = _axis(cells, [])
    return Workload(
        name=group or "benchmarks",
        key=key,
        jobs=None,
        verdict=(),
        answer=f"{words.plural(len(found), 'benchmark')}, the fastest first.",
        remarks=(),
        rows=tuple(_rows(cells, axis)),
        absent=(),
        lines=(),
        ticks=tuple(_seconds_ticks(axis)),
        logarithmic=axis.logarithmic,
        measured=False,
        left_out=left_out,
    )


def _nothing(name: str, key: str, reasons: Sequence[tuple[str, str]]) -> Workload:
    return Workload(
        name, key, None, (), "Every cell is absent.", (), (), tuple(reasons), (), (), False
    )


def _cell(benchmark: Mapping[str, Any]) -> Cell:
    """The figures of a benchmark; raises ValueError where it has no time."""
    extra, stats = benchmark.get("extra_info") or {}, benchmark["stats"]
    visits = [value for value in map(number, extra.get("visits") or ()) if value and value > 0]
    seconds = number(stats.get("median"))
    if visits:  # as the tables have it
        seconds = math.exp(math.fsum(map(math.log, visits)) / len(visits))
    if seconds is None or seconds < 0:
        raise ValueError(f"{benchmark.get('name')} has no time")
    low, high = number(stats.get("q1")), number(stats.get("q3"))
    settings = extra.get("settings") or {}
    pool = "+".join(str(settings[one]) for one in ("in_flight", "workers") if one in settings)
    name = "_".join(str(part) for part in (extra.get("model"), extra.get("variant")) if part)
    return Cell(
        name=name or str(benchmark.get("name")),
        seconds=seconds,
        low=min(seconds, seconds if low is None else low),
        high=max(seconds, seconds if high is None else high),
        rounds=int(number(stats.get("rounds")) or 0),
        speedup=number(extra.get("speedup")),
        floor_share=number(extra.get("floor_share")) or number(extra.get("bound_share")),
        in_flight=number(extra.get("in_flight")),
        cores_busy=number(extra.get("cores_busy")),
        cpu=number(extra.get("cpu_seconds")),
        memory=number(extra.get("memory_added_bytes")),
        start=number(extra.get("pool_start_seconds")),
        failed=int(number(extra.get("failed_jobs")) or 0),
        pool=pool if extra.get("workload") else "",
        leads=extra.get("leads") is True,
    )


def _axis(cells: Sequence[Cell], others: Sequence[float]) -> Axis:
    return from_zero([*(cell.high for cell in cells), *(cell.seconds for cell in cells), *others])


def _rows(cells: Sequence[Cell], axis: Axis) -> Iterator[Row]:
    by_cpu = from_zero([cell.cpu or 0.0 for cell in cells])
    by_memory = from_zero([cell.memory or 0.0 for cell in cells])
    for cell in cells:
        yield Row(
            cell,
            strips.strip(axis, cell.seconds, cell.low, cell.high),
            None if cell.cpu is None else strips.strip(by_cpu, cell.cpu),
            None if cell.memory is None else strips.strip(by_memory, cell.memory),
        )


def _seconds_ticks(axis: Axis) -> list[strips.Tick]:
    return strips.ticks(axis, [words.seconds(value) for value in axis.ticks()])


def _verdict(cells: Sequence[Cell]) -> list[str]:
    """What can be said of a file that holds no verdict: it was written by an earlier version."""
    if not cells:
        return []
    first = cells[0]
    speedup = f", {words.times(first.speedup)} serial" if first.speedup else ""
    unsaid = "This file holds no verdict, so whether that is more than chance is not said."
    return [f"Fastest: {first.name}{speedup}. {unsaid}"]


def cheap_second(cells: Sequence[Cell]) -> list[str]:
    """A sentence on the cell that is nearly as fast and far cheaper, if there is one."""
    if not cells:
        return []
    first, found = cells[0], []
    for cell in cells[1:]:
        if not cell.seconds <= NEAR * first.seconds:
            break
        saves = [
            f"{words.share(1 - own / most)} less {what}"
            for own, most, what in (
                (cell.cpu, first.cpu, "CPU time"),
                (cell.memory, first.memory, "memory"),
            )
            if own is not None and most and own <= CHEAP * most
        ]
        if saves:
            behind = words.share(cell.seconds / first.seconds - 1)
            found.append((len(saves), -cell.seconds, cell.name, behind, " and ".join(saves)))
    if not found:
        return []
    _, _, name, behind, what = max(found)
    return [f"A cheap second place: {name} takes {behind} longer than {first.name}, and {what}."]


def _absent(ours: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Why cells are absent: by workload, the labels of each reason."""
    found: dict[str, dict[str, list[str]]] = {}
    for cell, reason in (ours.get("absent") or {}).items():
        name, _, label = str(cell).partition("-")
        found.setdefault(name, {}).setdefault(str(reason), []).append(label)
    return {
        name: [(", ".join(labels), reason) for reason, labels in reasons.items()]
        for name, reasons in found.items()
    }


def _pools(given: Any) -> tuple[tuple[Pool, ...], tuple[strips.Tick, ...]]:
    if not isinstance(given, dict):
        return (), ()
    found = []
    for model, one in given.items():
        start = number(one.get("start"))
        if start is None:
            continue
        worth = number(one.get("worth_from"))
        found.append(
            Pool(
                str(model),
                start,
                number(one.get("spread")),
                number(one.get("stop")),
                number(one.get("job")),
                worth,
                str(one.get("worth_for") or ""),
            )
        )
    known = [one.worth_from for one in found if one.worth_from]
    if not known:
        return tuple(found), ()
    axis = Axis(min(known) / 3, max(known) * 3, logarithmic=True)
    drawn = [
        one
        if one.worth_from is None
        else Pool(
            one.model, one.start, one.spread, one.stop, one.job, one.worth_from, one.worth_for,
            strips.strip(axis, one.worth_from),
        )
        for one in found
    ]  # fmt: skip
    return tuple(drawn), tuple(_seconds_ticks(axis))


def _broken_off(given: Any) -> Iterator[str]:
    """Say that the run ended early, and what was not measured by then."""
    if not isinstance(given, Mapping) or not given.get("why"):
        return
    yield f"This run did not come to its end ({given['why']}), and the page shows a part of it."
    cells = given.get("not_measured")
    left = [
        f"{name} ({', '.join(_strings(labels))})"
        for name, labels in (cells.items() if isinstance(cells, Mapping) else ())
    ]
    if others := int(number(given.get("others")) or 0):
        left.append(words.plural(others, "other benchmark"))
    if left:
        yield f"Not measured: {', '.join(left)}."


def _rules(given: Any) -> Iterator[Rule]:
    """The rules of thumb that the run says something of."""
    for rule, found in given.items() if isinstance(given, Mapping) else ():
        if found["verdict"] != UNMEASURED:
            yield Rule(str(rule), str(found["verdict"]), str(found["figures"]))


def _environment(data: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    machine = data.get("machine_info") or {}
    commit = data.get("commit_info") or {}
    cpu = machine.get("cpu") or {}
    build = ours.get("python") or " ".join(
        str(machine[name])
        for name in ("python_implementation", "python_version")
        if machine.get(name)
    )
    gil = ours.get("gil", machine.get("gil"))
    told = {
        "Python": build,
        "GIL": None if gil is None else "on" if gil else "off",
        "usable cores": ours.get("usable_cores", machine.get("usable_cores")),
        "processor": cpu.get("brand_raw") or machine.get("processor"),
        "system": " ".join(
            str(machine[one]) for one in ("system", "release", "machine") if machine.get(one)
        ),
        "in flight": ours.get("in_flight"),
        "workers": ours.get("workers"),
        "start method": ours.get("start_method"),
        "event loop": ours.get("loop"),
        "seed": ours.get("seed"),
        "measured": data.get("datetime"),
        "commit": f"{str(commit.get('id'))[:12]}{', changed since' if commit.get('dirty') else ''}"
        if commit.get("id")
        else None,
        "pytest-benchmark": data.get("version"),
    }
    for name, value in told.items():
        if value not in (None, ""):
            yield name, str(value)


def _strings(given: Any) -> list[str]:
    return [str(one) for one in given] if isinstance(given, list | tuple) else []

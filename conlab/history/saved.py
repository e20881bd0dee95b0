"""Reads one saved run: pytest-benchmark's JSON, with what the bench put into it or without.

The file may be anybody's, or damaged: every field that is used is checked, and all else is left.
"""

import json
import math
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

LARGEST = 64 * 1024 * 1024  # bytes: a whole run with each round in it takes under two million
LONGEST = 200  # characters of a name
RATIOS = ("speedup", "floor_share", "broken_to_fixed")  # as the bench writes them
SERIAL_SECONDS = "serial_seconds"  # of this suite's serial cells, within one machine
SECONDS = "seconds"  # of the benchmarks of another project
KINDS = (*RATIOS, SERIAL_SECONDS, SECONDS)
SERIAL_CELL = re.compile(r"bench_cell\[(.+-serial)\]")
MAY_HAVE_NO_GIL = (3, 13)  # from this version on, a build may have none, and a file may not say so

T = TypeVar("T")


class Unusable(Exception):
    """Why a file is passed over, in a few words."""


@dataclass(frozen=True, order=True, slots=True)
class Machine:
    """What makes two runs comparable: hardware, build of Python, state of the GIL.

    A bug fix release of Python is no other machine. ``host`` is.
    """

    python: str
    cores: int
    cpu: str
    system: str
    host: str


@dataclass(frozen=True, order=True, slots=True)
class Ratio:
    """Which ratio: its kind (one of KINDS), of which cell, pitfall or test, over how many jobs."""

    kind: str
    of: str
    jobs: int | None


@dataclass(frozen=True, slots=True)
class Run:
    """One saved run. ``commit`` is None where no version control knew; times are aware."""

    name: str
    machine: Machine
    conditions: str
    python: str
    commit: str | None
    dirty: bool
    branch: str
    committed: datetime | None
    made: datetime
    ratios: Mapping[Ratio, float]


def read(path: Path, name: str) -> Run:
    """The run in a file. Raises Unusable."""
    values = _object(_parsed(path), "it")
    ours = values.get("concurrency_lab")
    theirs = "benchmarks" in values and ours is None
    if not theirs and (not isinstance(ours, dict) or "ratios" not in ours):
        raise Unusable("no saved run of this suite: it holds no ratios")
    machine = _object(values.get("machine_info"), "machine_info")
    commit = _object(values.get("commit_info"), "commit_info")
    known = commit.get("id") not in (None, "unversioned", "unknown")
    made = _time(_field(values, "datetime", str), "datetime")
    try:
        return Run(
            name=name,
            machine=_machine_of_theirs(machine) if theirs else _machine(machine),
            conditions="" if theirs else _conditions(_object(ours, "concurrency_lab")),
            python=_name(machine, "python_version"),
            commit=_name(commit, "id") if known else None,
            dirty=bool(commit.get("dirty")),
            branch=_name(commit, "branch") if known else "",
            committed=_time(commit["time"], "commit_info.time") if commit.get("time") else None,
            made=made,
            ratios=dict(_seconds(values) if theirs else _ratios(values, ours)),
        )
    except RecursionError:
        raise Unusable("nested too deeply") from None


def _parsed(path: Path) -> Any:
    try:
        seen = path.stat()
        if stat.S_ISDIR(seen.st_mode):
            raise Unusable("a folder")
        if not stat.S_ISREG(seen.st_mode):
            raise Unusable("no regular file")
        if not seen.st_size:
            raise Unusable("empty")
        if seen.st_size > LARGEST:
            raise Unusable(f"larger than {LARGEST // 2**20} MiB")
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror or error}") from None
    except RecursionError:
        raise Unusable("nested too deeply") from None
    except UnicodeDecodeError:
        raise Unusable("no text in UTF-8") from None
    except ValueError as error:  # of json, or a number with too many digits
        raise Unusable(f"no JSON, or cut off: {str(error)[:LONGEST]}") from None


def _machine(info: dict[str, Any]) -> Machine:
    version = _name(info, "python_version").split(".")
    build = " free-threaded" if _field(info, "free_threaded", bool) else ""
    gil = "with the GIL" if _field(info, "gil", bool) else "no GIL"
    implementation = _name(info, "python_implementation")
    cpu = _object(info.get("cpu"), "machine_info.cpu").get("brand_raw") or info.get("processor")
    return Machine(
        python=f"{implementation} {'.'.join(version[:2])}{build}, {gil}",
        cores=_count(info, "usable_cores"),
        cpu=_name({"cpu": cpu or "unknown processor"}, "cpu"),
        system=f"{_name(info, 'system')} {_name(info, 'machine')}",
        host=_name(info, "node"),
    )


def _machine_of_theirs(info: dict[str, Any]) -> Machine:
    """The machine as pytest-benchmark 4 and 5 describe it by themselves."""
    version = _name(info, "python_version").split(".")
    numbers = tuple(int(each) for each in version[:2] if each.isdecimal())
    cpu = _object(info.get("cpu") or {}, "machine_info.cpu")
    counted = cpu.get("count")
    named = cpu.get("brand_raw") or cpu.get("brand") or info.get("processor")
    return Machine(
        python=f"{_name(info, 'python_implementation')} {'.'.join(version[:2])},"
        f" {'GIL not known' if numbers >= MAY_HAVE_NO_GIL else 'with the GIL'}",
        cores=_count(cpu, "count") if counted else 0,
        cpu=_name({"cpu": named or "unknown processor"}, "cpu"),
        system=f"{_name(info, 'system')} {_name(info, 'machine')}",
        host=_name(info, "node"),
    )


def _ratios(values: Mapping[str, Any], ours: Any) -> Iterator[tuple[Ratio, float]]:
    """The ratios of a run of this suite, and the seconds of its serial cells."""
    for one in _field(ours, "ratios", list):
        yield _ratio(one)
    for benchmark in values.get("benchmarks") or ():
        about = _object(benchmark, "benchmarks")
        if match := SERIAL_CELL.fullmatch(str(about.get("name"))):
            jobs = _object(about.get("extra_info", {}), "extra_info").get("jobs")
            ratio = Ratio(SERIAL_SECONDS, match[1], None if jobs is None else int(jobs))
            yield ratio, _median(about)


def _seconds(values: Mapping[str, Any]) -> Iterator[tuple[Ratio, float]]:
    """The seconds of each benchmark of another project."""
    benchmarks = _field(values, "benchmarks", list)
    if not benchmarks:
        raise Unusable("it holds no benchmark")
    for one in benchmarks:
        about = _object(one, "benchmarks")
        yield Ratio(SECONDS, _name(about, "fullname"), None), _median(about)


def _median(benchmark: Mapping[str, Any]) -> float:
    value = _number(_object(benchmark.get("stats"), "stats"), "median")
    if not 0 < value < math.inf:
        raise Unusable(f"a median of {value} seconds")
    return float(value)


def _conditions(ours: dict[str, Any]) -> str:
    """The options of the run that its ratios depend on, in words."""
    latency = _number(ours, "latency_seconds")
    words = [
        f"{_count(ours, 'in_flight')} in flight",
        f"{_count(ours, 'workers')} workers ({_name(ours, 'start_method')})",
        f"event loop {_name(ours, 'loop')}",
        f"origin {latency * 1000:g} ms away",
    ]
    if (cluster := ours.get("cluster", "local")) != "local":
        words.append(f"cluster {_name({'cluster': cluster}, 'cluster')}")
    data = _object(ours.get("data", {}), "data")
    words += [f"{name} from {_name(data, name)}" for name in sorted(data)]
    return ", ".join(words)


def _ratio(values: Any) -> tuple[Ratio, float]:
    one = _object(values, "ratios")
    kind, value = _name(one, "ratio"), _number(one, "value")
    if kind not in RATIOS:
        raise Unusable(f"unknown ratio {kind!r}")
    if not 0 < value < math.inf:
        raise Unusable(f"a ratio of {value}")
    jobs = None if one.get("jobs") is None else _count(one, "jobs")
    return Ratio(kind, _name(one, "of"), jobs), float(value)


def _object(values: Any, name: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise Unusable(f"{name} is no object")
    return values


def _field(values: Mapping[str, Any], name: str, wanted: type[T]) -> T:
    value = values.get(name)
    if not isinstance(value, wanted):
        raise Unusable(f"{name} is {'missing' if value is None else f'no {wanted.__name__}'}")
    return value


def _name(values: Mapping[str, Any], name: str) -> str:
    """A name that can be printed as it is: what a terminal would obey is refused."""
    value = _field(values, name, str)
    if not value or not value.isprintable() or len(value) > LONGEST:
        raise Unusable(f"{name} is no name")
    return value


def _count(values: Mapping[str, Any], name: str) -> int:
    value = _field(values, name, int)
    if isinstance(value, bool) or not 0 < value < 10**9:
        raise Unusable(f"{name} is no count")
    return value


def _number(values: Mapping[str, Any], name: str) -> float:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9:
        raise Unusable(f"{name} is no number")
    if math.isnan(value):
        raise Unusable(f"{name} is no number")
    return value


def _time(values: Any, name: str) -> datetime:
    """A time, taken to be UTC where it says no zone."""
    try:
        time = datetime.fromisoformat(values)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Unusable(f"{name} is no time") from None

"""What a run is asked to be: the options, each checked before anything starts."""

import math
import os
import random
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conlab.bench import discovery
from conlab.errors import UserError
from conlab.origin.regular_files import is_readable

START_METHODS = ("forkserver", "spawn", "fork")
LOOPS = ("asyncio", "uvloop")
MOST_JOBS = 1_000_000
MOST_DIGITS = 18  # of a seed
MOST_IN_FLIGHT = 10_000  # each may be a thread
MOST_SECONDS = 86_400
MOST_LATENCY = 60_000  # milliseconds
MOST_LEVELS = 16  # values of an option, each of which is measured
LEVELS = "; of several, all are measured: tables and verdict are of the last"
MOST_WORKERS = 61 if sys.platform == "win32" else 1024  # Windows waits for no more processes


@dataclass(frozen=True, slots=True)
class Level:
    """A value of "workers", "in_flight" or "jobs" that is measured beside the run's own."""

    option: str
    value: int

    def __str__(self) -> str:
        """Be what tells a cell at this level from the others, in its id."""
        return f"{self.option}={self.value}"


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a run, checked. ``jobs`` is None where each workload decides."""

    workloads: tuple[discovery.Workload, ...]
    models: tuple[discovery.Model, ...]
    in_flight: int
    workers: int
    start_method: str
    loop: str
    cluster: str
    jobs: int | None
    latency: float
    images: Path | None
    texts: Path | None
    site: Path | None
    urls: Path | None
    seconds: float | None = None  # the budget of a workload of the reader's own
    compare: str | None = None  # the name of a function of the reader's file
    compares: bool = True  # whether results are compared at all
    rules: bool = False  # whether the rules of thumb are asked for
    seed: int = 0
    wait_for_quiet: float = 0.0
    levels: tuple[Level, ...] = ()

    def for_models(self, computes_only: bool) -> dict[str, Any]:
        """The settings that a model may ask for, by name.

        Jobs that never wait gain nothing from more threads than cores can run.
        """
        return {
            "in_flight": self.workers if computes_only else self.in_flight,
            "workers": self.workers,
            "start_method": self.start_method,
            "loop": self.loop,
            "cluster": self.cluster,
        }


AddOption = Callable[..., object]  # pytest's ``addoption``, or ``add_argument`` of argparse


def add_options(parser: Any) -> None:
    """Register the options with pytest; ``parser`` is its parser."""
    group = parser.getgroup("concurrency lab", "concurrency lab: what to run, and on what")
    add = group.addoption
    add(
        "--workloads",
        metavar="A,B",
        help="run these workloads only (default: all in workloads/, or none beside --workload)",
    )
    add(
        "--workload",
        metavar="FILE",
        action="append",
        help="run your own workload in place of those of the suite: a file with jobs() and"
        " work(job), and work_async(job) if it can run on an event loop; may be repeated, and"
        " --workloads adds workloads of the suite",
    )
    add_run_options(add)
    add(
        "--peers",
        action="store_true",
        help="measure curl, Scrapy, vipsthumbnail and the bare standard library beside this suite",
    )


def add_run_options(add: AddOption) -> None:
    """Register those of the options that do not say which workloads are run."""

    def option(name: str, metavar: str, meaning: str) -> None:
        add(f"--{name}", metavar=metavar, help=meaning, default=None)

    option("models", "A,B", "run these models only, and serial to compare with (default: all)")
    option("jobs", "N[,N...]", "how many jobs each workload has (default: its own JOBS)" + LEVELS)
    option(
        "in-flight",
        "N[,N...]",
        "how many jobs wait at once under threads and coroutines (default: 32)" + LEVELS,
    )
    option(
        "workers",
        "N[,N...]",
        "how many processes or interpreters compute (default: the usable cores)" + LEVELS,
    )
    option("start-method", "NAME", "how processes start: forkserver (default), spawn or fork")
    option("loop", "NAME", "the event loop of coroutines: asyncio (default) or uvloop")
    option(
        "cluster", "ADDRESS", "a running Dask scheduler, tcp://host:port (default: a local cluster)"
    )
    option("latency", "MS", "milliseconds until the origin answers (default: 20)")
    option("images", "DIR", "your own images for resize_images and fetch_and_resize")
    option("texts", "DIR", "your own texts, in UTF-8, for count_words")
    option("site", "DIR", "your own folder of HTML for scrape_sites, served by the origin")
    option("seed", "N", "draw the orders as a run did that printed this seed (default: a new one)")
    option(
        "wait-for-quiet",
        "SECONDS",
        "wait until other programs take less than 5%% of the cores, for so long at most in all",
    )
    option("urls", "FILE", "real addresses, one a line, for download_files: no origin, no floor")
    option("seconds", "N", "for how long to measure your own job, the fewest rounds first")
    option(
        "compare",
        "NAME",
        "the function of your file that says of two results whether they are alike (default: ==,"
        " NaN as NaN, and arrays, frames and tensors by their own equality)",
    )
    add(
        "--no-compare", action="store_true", help="do not look whether models give the same results"
    )
    add(
        "--rules-of-thumb",
        action="store_true",
        help="hold the rules of thumb against your own job, too",
    )


def read(config: Any, small: bool) -> Settings:
    """The settings that the options of ``config`` mean; raises UserError for nonsense.

    ``small`` is the size for tests: every cell once, to see that it is right.
    """
    option = config.getoption
    workloads = tuple(discovery.workloads())
    own = own_workloads(option("workload") or [], {workload.name for workload in workloads})
    names = option("workloads")
    suite = () if own and names is None else chosen("--workloads", names, workloads)
    return read_run((*own, *suite), config, small)


def read_run(
    workloads: tuple[discovery.Workload, ...],
    config: Any,
    small: bool = False,
    package: str = discovery.WORKLOADS,
) -> Settings:
    """The settings of a run of these workloads; ``package`` is where the models lie."""
    option = config.getoption
    loop = choice("--loop", option("loop") or LOOPS[0], LOOPS)
    if loop == "uvloop":
        try:
            import uvloop  # noqa: F401
        except ImportError:
            raise UserError("--loop uvloop: it is not installed; pip install uvloop") from None
    start_method = choice(
        "--start-method", option("start_method") or START_METHODS[0], usable_start_methods()
    )
    models = tuple(discovery.models(package))
    usual = 1.0 if small else 20.0
    latency = number("--latency", option("latency"), usual, "milliseconds", 0, MOST_LATENCY)
    quiet = number("--wait-for-quiet", option("wait_for_quiet"), 0.0, "seconds", 0, MOST_SECONDS)
    in_flight = wholes("--in-flight", option("in_flight"), 4 if small else 32, most=MOST_IN_FLIGHT)
    workers = wholes(
        "--workers",
        option("workers"),
        min(2, usable_cores()) if small else usable_cores(),
        most=MOST_WORKERS,
    )
    jobs = wholes("--jobs", option("jobs"), 8 if small else None, most=MOST_JOBS)
    varied = (("workers", workers), ("in_flight", in_flight), ("jobs", jobs))
    return Settings(
        workloads=workloads,
        models=chosen("--models", option("models"), models, always="serial"),
        in_flight=in_flight[-1],
        workers=workers[-1],
        start_method=start_method,
        loop=loop,
        cluster=scheduler_address(option("cluster")),
        jobs=jobs[-1],
        latency=latency / 1000,
        images=folder("--images", option("images")),
        texts=folder("--texts", option("texts")),
        site=folder("--site", option("site")),
        urls=file("--urls", option("urls")),
        seconds=number("--seconds", option("seconds"), None, "seconds", 1, MOST_SECONDS),
        compare=comparison(option("compare"), option("no_compare"), workloads),
        compares=not option("no_compare"),
        rules=bool(option("rules_of_thumb")),
        seed=seed("--seed", option("seed")),
        wait_for_quiet=quiet,
        levels=tuple(Level(name, value) for name, values in varied for value in values[:-1]),
    )


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "process_cpu_count"):  # 3.13 on; obeys -X cpu_count
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_start_methods() -> tuple[str, ...]:
    """The start methods that this system has, the suite's default first."""
    import multiprocessing

    return tuple(
        method for method in START_METHODS if method in multiprocessing.get_all_start_methods()
    )


def own_workloads(paths: list[str], taken: set[str]) -> tuple[discovery.Workload, ...]:
    """The reader's own workloads, each once; a name of the suite's stands for that one alone."""
    found: dict[Path, discovery.Workload] = {}
    for path in map(Path, paths):
        try:
            workload = found[path.resolve()] = discovery.own_workload(path)
        except UserError as mistake:
            raise UserError(f"--workload {mistake}") from None
        if workload.name in taken:
            raise UserError(
                f"--workload {path}: the suite has a workload {workload.name} of its own;"
                f" --workloads {workload.name} runs that, and yours needs another file name"
            )
    return tuple(found.values())


def wholes(name: str, text: str | None, default: Any, most: int) -> tuple[Any, ...]:
    """Whole numbers from 1 to ``most``, with commas between them, each once."""
    if text is None:
        return (default,)
    values: list[int] = []
    for part in str(text).split(","):
        try:
            value = int(part)
        except ValueError:
            value = 0
        if not 1 <= value <= most:
            each = ", each of them" if "," in str(text) else ""
            raise UserError(f"{name} {text}: it should be a whole number from 1 to {most:,}{each}")
        values.append(value)
    if len(set(values)) < len(values):
        raise UserError(f"{name} {text}: it should name each value once")
    if len(values) > MOST_LEVELS:
        raise UserError(f"{name} {text}: it should name {MOST_LEVELS} values at most")
    return tuple(values)


def number(name: str, text: str | None, default: Any, unit: str, least: int, most: int) -> Any:
    """A number of that unit, from ``least`` to ``most``."""
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise UserError(f"{name} {text}: it should be {unit}, a number from {least} to {most}")
    return value


def comparison(
    name: str | None, without: bool, workloads: tuple[discovery.Workload, ...]
) -> str | None:
    """The name of a function that each workload of the reader's own has."""
    if name is None:
        return None
    if without:
        raise UserError(f"--compare {name} and --no-compare: one of the two is enough")
    own = [workload for workload in workloads if workload.own]
    if not own:
        raise UserError(
            f"--compare {name}: it names a function of your own file, and there is none"
        )
    for workload in own:
        if not callable(workload.hook(name)):
            raise UserError(
                f"--compare {name}: {workload.name} has no {name}(); it should be a function of two"
                " results that says whether they are alike"
            )
    return name


def seed(name: str, text: str | None) -> int:
    """What orders are drawn by, a new one unless it is given."""
    if text is None:
        return random.SystemRandom().randrange(2**32)
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise UserError(f"{name} {text}: it should be a whole number, such as a run printed")
    return int(text)


def choice(name: str, value: str, possible: tuple[str, ...]) -> str:
    """One of the possible values."""
    if value not in possible:
        raise UserError(f"{name} {value}: it should be one of {', '.join(possible)}")
    return value


def chosen(name: str, text: str | None, things: Any, always: str = "") -> Any:
    """The things whose names stand in the comma-separated ``text``, in their own order."""
    if text is None:
        return things
    names = [part.strip() for part in text.split(",") if part.strip()]
    known = [thing.name for thing in things]
    for part in names or [text]:
        if part not in known:
            raise UserError(f"{name} {text}: {part!r} is none of {', '.join(known)}")
    return tuple(thing for thing in things if thing.name in (*names, always))


def scheduler_address(text: str | None) -> str:
    """``"local"``, or the address of a scheduler."""
    if text is None:
        return "local"
    host, _, port = text.removeprefix("tcp://").rpartition(":")
    right = text.startswith("tcp://") and host and port.isdecimal()
    if not (right and 1 <= int(port) <= 65535):
        raise UserError(
            f"--cluster {text}: it should be tcp://host:port, with a port from 1 to 65535"
        )
    return text


def folder(name: str, text: str | None) -> Path | None:
    """A folder with at least one file somewhere in it that can be read."""
    if text is None:
        return None
    path = full_path(text)
    if not (text and path.is_dir()):
        raise UserError(f"{name} {text}: it should be a folder, and there is none of that name")
    if not any(is_readable(entry) for entry in path.rglob("*")):
        raise UserError(f"{name} {text}: the folder holds no file that can be read")
    return path


def file(name: str, text: str | None) -> Path | None:
    """A file that can be read."""
    if text is None:
        return None
    path = full_path(text)
    if not path.is_file():
        raise UserError(f"{name} {text}: it should be a file, and there is none of that name")
    return path


def full_path(text: str) -> Path:
    """The absolute path; a home that nobody has stays as it is written."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        return Path(text).absolute()


def tracers() -> tuple[str, ...]:
    """What looks at every step of this process now: coverage, a debugger, a profiler."""
    hooks = (sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile())
    names = {hook.__module__ or type(hook).__module__ for hook in hooks if hook is not None}
    if hasattr(sys, "monitoring"):
        names.update(filter(None, map(sys.monitoring.get_tool, range(6))))
    return tuple(sorted(names))


def python_build() -> str:
    """This Python in words: version, build and state of the GIL."""
    version = ".".join(map(str, sys.version_info[:3]))
    if not free_threaded():
        return f"CPython {version}"
    return f"CPython {version} free-threaded" + (", GIL switched on" if gil_enabled() else "")


def free_threaded() -> bool:
    """Say whether this build can run without a GIL."""
    import sysconfig

    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def gil_enabled() -> bool:
    """Say whether the GIL is on right now."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())

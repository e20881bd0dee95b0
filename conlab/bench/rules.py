"""The rules of thumb of every introduction to the subject, and what this run shows about each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from conlab.bench.leading import FLOOR_OF_NOISE
from conlab.bench.measured import Measured, Start
from conlab.bench.report import PARALLEL, Group
from conlab.bench.settings import free_threaded, gil_enabled
from conlab.bench.verdicts import kind_of
from conlab.bench.words import MEBI, duration

HOLDS = "holds"
ONLY_IF = "holds only if"
FAILS = "does not hold here"
UNMEASURED = "not measured"

MANY_TIMES = 2.0  # a gain that nobody would call noise


class NotMeasured(Exception):
    """A rule needs what this run has not: a cell, a quiet machine, a second core."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule, its verdict, and the figures behind it."""

    rule: str
    verdict: str
    figures: str


@dataclass(frozen=True, slots=True)
class Run:
    """The groups by workload and the starts by model."""

    groups: dict[str, Group]
    starts: dict[str, Start]

    def cell(self, workload: str, label: str) -> Measured:
        """A measured cell; raises NotMeasured."""
        found = self.group(workload).named(label)
        if found is None:
            raise NotMeasured(f"{label} of {workload}")
        return found

    def group(self, workload: str) -> Group:
        """A workload's cells; raises NotMeasured."""
        if workload not in self.groups:
            raise NotMeasured(workload)
        return self.groups[workload]

    def ratio(self, workload: str, one: str, other: str) -> float:
        """The time of one cell over that of another."""
        group = self.group(workload)
        return group.time(self.cell(workload, one)) / group.time(self.cell(workload, other))

    def exceeds(self, workload: str, ratio: float) -> bool:
        """Say whether a ratio is above 1 by more than noise; raises NotMeasured if that is much.

        So it does where others had the cores and may have made the difference.
        """
        group = self.group(workload)
        if group.crowded:
            raise NotMeasured(f"a quieter machine ({workload}: {group.undecided})")
        if ratio > 1 + (group.noise or FLOOR_OF_NOISE):
            return True
        if group.loud:
            raise NotMeasured(f"a quieter machine (the noise of {workload} is {group.noise:.0%})")
        return False

    def need_cores(self, workload: str) -> None:
        """Raise NotMeasured if no cell of the workload got more cores than one."""
        if not self.group(workload).parallel:
            raise NotMeasured(f"a second core that is free ({workload} never had one)")

    def start(self, model: str) -> Start:
        """What starting a model's pool cost; raises NotMeasured."""
        if model not in self.starts:
            raise NotMeasured(f"the start of {model}")
        return self.starts[model]


Verdict = tuple[str, str]
RULES: dict[str, Callable[[Run], Verdict]] = {}


def rule(sentence: str) -> Callable[[Callable[[Run], Verdict]], Callable[[Run], Verdict]]:
    """Put the sentence beside the function that checks it."""

    def keep(check: Callable[[Run], Verdict]) -> Callable[[Run], Verdict]:
        RULES[sentence] = check
        return check

    return keep


def findings(groups: Iterable[Group], starts: dict[str, Start]) -> list[Finding]:
    """What this run shows about each rule."""
    run = Run({group.name: group for group in groups}, starts)
    found = []
    for sentence, check in RULES.items():
        try:
            verdict, figures = check(run)
        except NotMeasured as missing:
            verdict, figures = UNMEASURED, f"it needs {missing}"
        found.append(Finding(sentence, verdict, figures))
    return found


@rule("Only one thread runs Python code at a time.")
def one_thread(run: Run) -> Verdict:
    """Cores that threads keep busy with pure Python."""
    busy = run.cell("count_words", "threads").cores_busy
    run.need_cores("count_words")
    gil = "with the GIL" if gil_enabled() else "without a GIL"
    return (
        HOLDS if busy < PARALLEL else FAILS,
        f"{gil}, threads counting words kept {busy:.2f} cores busy",
    )


@rule("Threads suit jobs that wait.")
def threads_wait(run: Run) -> Verdict:
    """The gain of threads where serial waits."""
    gain = run.ratio("download_files", "serial", "threads")
    if kind_of(run.group("download_files")) != "waiting":
        raise NotMeasured("downloads that wait: a longer --latency")
    return (
        HOLDS if gain > MANY_TIMES else FAILS,
        f"downloads ran {gain:.1f} times as fast as serial",
    )


@rule("Threads gain nothing where jobs compute.")
def threads_compute(run: Run) -> Verdict:
    """The gain of threads on pure Python and on C that lets go of the GIL."""
    words = run.ratio("count_words", "serial", "threads")
    images = run.ratio("resize_images", "serial", "threads")
    for workload in ("count_words", "resize_images"):
        run.need_cores(workload)
    gains = [run.exceeds("count_words", words), run.exceeds("resize_images", images)]
    figures = f"speedup {words:.2f} counting words, {images:.2f} resizing images"
    match gains:
        case [False, False]:
            return HOLDS, figures
        case [False, True]:
            return f"{ONLY_IF} the work keeps the GIL", figures
        case _:
            return FAILS, figures


@rule("Processes suit jobs that compute.")
def processes_compute(run: Run) -> Verdict:
    """The gain of processes on pure Python."""
    gain = run.ratio("count_words", "serial", "processes")
    against = run.ratio("count_words", "threads", "processes")
    figures = f"counting words, {gain:.2f} times serial and {against:.2f} times threads"
    if not run.exceeds("count_words", gain):
        return FAILS, figures
    ahead = run.exceeds("count_words", against)
    return (HOLDS if ahead else f"{ONLY_IF} there is a GIL to get past"), figures


@rule("Image work needs processes.")
def images_need_processes(run: Run) -> Verdict:
    """Threads against processes on Pillow."""
    ratio = run.ratio("resize_images", "threads", "processes")
    busy = run.cell("resize_images", "threads").cores_busy
    run.need_cores("resize_images")
    figures = f"threads took {ratio:.2f} times as long as processes, {busy:.2f} cores busy"
    return (HOLDS if run.exceeds("resize_images", ratio) else FAILS), figures


@rule("An event loop is the fastest way to wait for many things.")
def loop_fastest(run: Run) -> Verdict:
    """Coroutines against threads on downloads, by client."""
    lean = run.ratio("download_files", "threads", "coroutines")
    figures = f"with aiohttp {lean:.2f} times as fast as threads"
    try:
        heavy = run.ratio("download_files", "threads", "coroutines_httpx")
    except NotMeasured:
        heavy = lean
    else:
        figures += f", with httpx {heavy:.2f} times"
    if not run.exceeds("download_files", lean):
        return FAILS, figures
    also_heavy = run.exceeds("download_files", heavy)
    return (HOLDS if also_heavy else f"{ONLY_IF} the client is a lean one"), figures


@rule("Coroutines need fewer resources than threads.")
def coroutines_lean(run: Run) -> Verdict:
    """CPU and memory of coroutines against threads on downloads, by client."""
    threads = run.cell("download_files", "threads")
    lean = run.cell("download_files", "coroutines")
    cpu = lean.cpu / threads.cpu
    figures = (
        f"with aiohttp {cpu:.2f} times the CPU of threads,"
        f" +{lean.memory_added / MEBI:.0f} MiB against +{threads.memory_added / MEBI:.0f} MiB"
    )
    heavy = run.groups["download_files"].named("coroutines_httpx")
    if heavy:
        figures += f"; with httpx {heavy.cpu / threads.cpu:.2f} times"
    if cpu >= 1 or lean.memory_added > threads.memory_added + MEBI:
        return FAILS, figures
    return (
        f"{ONLY_IF} the client is a lean one" if heavy and heavy.cpu >= threads.cpu else HOLDS
    ), figures


@rule("Which library you use matters less than which model.")
def library_or_model(run: Run) -> Verdict:
    """Two clients under one model against two models."""
    clients = run.ratio("download_files", "coroutines_httpx", "coroutines")
    models = run.ratio("download_files", "threads", "coroutines")
    span = max(models, 1 / models)
    figures = (
        f"two clients of coroutines differ {clients:.2f} times, threads and coroutines {span:.2f}"
    )
    return (HOLDS if max(clients, 1 / clients) < span else FAILS), figures


@rule("Processes cost more to start than threads.")
def processes_start(run: Run) -> Verdict:
    """The start of both pools."""
    processes, threads = run.start("processes"), run.start("threads")
    figures = f"{duration(processes.start)} against {duration(threads.start)}"
    return (HOLDS if slower(processes, threads) else FAILS), figures


@rule("Interpreters start faster than processes.")
def interpreters_start(run: Run) -> Verdict:
    """The start of both pools."""
    interpreters, processes = run.start("interpreters"), run.start("processes")
    figures = f"{duration(interpreters.start)} against {duration(processes.start)}"
    return (HOLDS if slower(processes, interpreters) else FAILS), figures


@rule("Processes need more memory than threads.")
def processes_memory(run: Run) -> Verdict:
    """Memory that both pools add, counting words."""
    processes = run.cell("count_words", "processes").memory_added / MEBI
    threads = run.cell("count_words", "threads").memory_added / MEBI
    figures = f"+{processes:.0f} MiB against +{threads:.0f} MiB, counting words"
    return (HOLDS if processes > threads else FAILS), figures


@rule("A job sent to another process costs more than one given to a thread.")
def dispatch(run: Run) -> Verdict:
    """What a job that does nothing costs under both."""
    group = run.group("dispatch_tasks")
    processes, threads = (run.cell("dispatch_tasks", name) for name in ("processes", "threads"))
    there, here = (group.time(m) / m.jobs for m in (processes, threads))
    return (HOLDS if there > here else FAILS), f"{duration(there)} a job against {duration(here)}"


@rule("Small jobs should be sent to processes in chunks.")
def chunks(run: Run) -> Verdict:
    """One at a time against 64 at a time."""
    gain = run.ratio("dispatch_tasks", "processes", "processes_by_64")
    return (HOLDS if gain > MANY_TIMES else FAILS), f"64 at a time cost {gain:.0f} times less each"


@rule("A lock makes shared data safe at little cost.")
def lock_cost(run: Run) -> Verdict:
    """One dict under a lock against partial tallies, both under threads."""
    cost = run.ratio("count_words", "threads_one_dict", "threads")
    figures = f"a lock for each word took {cost:.1f} times as long as merging partial tallies"
    return (FAILS if run.exceeds("count_words", cost) else HOLDS), figures


@rule("Jobs that wait and compute want an event loop and a pool together.")
def hybrid(run: Run) -> Verdict:
    """The hybrid against the best of the others."""
    group = run.group("fetch_and_resize")
    own = group.time(run.cell("fetch_and_resize", "hybrid"))
    others = [m for m in group.rows if m.cell.model.name != "hybrid"]
    if not others:
        raise NotMeasured("another model of fetch_and_resize")
    best = others[0]
    ratio = group.time(best) / own
    figures = f"hybrid ran {ratio:.2f} times as fast as {best.cell.label}, the best of the others"
    return (HOLDS if run.exceeds("fetch_and_resize", ratio) else FAILS), figures


@rule("Without a GIL, threads compute in parallel.")
def without_gil(run: Run) -> Verdict:
    """Only a free-threaded build can tell."""
    if not free_threaded() or gil_enabled():
        raise NotMeasured("a free-threaded build of Python")
    gain = run.ratio("count_words", "serial", "threads")
    run.need_cores("count_words")
    figures = f"threads counted words {gain:.2f} times as fast as serial"
    return (HOLDS if run.exceeds("count_words", gain) else FAILS), figures


def slower(one: Start, other: Start) -> bool:
    """Say whether one pool takes longer to start, by more than both starts vary."""
    return one.start * (1 - one.spread) > other.start * (1 + other.spread)

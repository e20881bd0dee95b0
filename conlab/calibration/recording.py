"""Records pairs whose truth is known, for as long as there is time: what `conlab calibrate` judges.

Identical sides are compared in six cells. Slower sides are copies of the jobs in
``planted``, with a known share of their own work added. Each pair is one line of JSON in
``.conlab/calibration/idle.jsonl`` or ``busy.jsonl``, written at once: a session may be broken off
at any moment, and the next one goes on where it stopped.
"""

import json
import os
import platform
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self
from zlib import crc32

from conlab.bench import discovery, settings
from conlab.bench.discovery import Cell
from conlab.bench.running import CellAbsent
from conlab.bench.settings import Settings
from conlab.calibration import replay
from conlab.calibration.replay import RecordingExhausted
from conlab.errors import UserError
from conlab.scratch import scratch_folder
from conlab.versus.pairs.measuring import Measurer, Pair
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.rule import Rule
from conlab.versus.sides.side import ROOT, working_tree

FOLDER = ROOT / ".conlab" / "calibration"
LOADS = ("idle", "busy")
METHOD = 2  # of measuring a pair: 1 took the first jobs of a cell, 2 takes all of them, by strata
PLANTED = Path(__file__).parent / "planted"
UNCHANGED = {  # the cells of a run
    "download_files-threads": "waiting",
    "download_files-coroutines": "waiting",
    "count_words-serial": "computing",
    "resize_images-processes": "computing",
    "fetch_and_resize-threads": "mixed",
    "wait_and_count-threads": "mixed",
}
SLOWED = {  # one of them takes the place of one of these
    "wait_for_answers-threads": "waiting",
    "count_letters-serial": "computing",
    "count_letters-processes": "computing",
    "wait_and_count-threads": "mixed",
}
RUNS = {0.0: 6, 0.1: 3, 0.2: 1, 0.05: 1}  # in how many each slowdown is tried, to one another
KINDS = UNCHANGED | SLOWED
FAILURES = 3  # of a stream in a session, after which it is left out
BUSY_LOOP = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
print(flush=True)
while True:
    pass
"""


@dataclass(frozen=True, order=True)
class Stream:
    """A cell and the share by which its side B is slower: the truth about its pairs."""

    cell: str
    slowdown: float

    @property
    def id(self) -> str:
        """The cell, and by how much B is slower."""
        return f"{self.cell} +{self.slowdown:.0%}" if self.slowdown else self.cell

    @property
    def kind(self) -> str:
        """Waiting, computing, or mixed."""
        return KINDS[self.cell]

    @property
    def computes(self) -> bool:
        """Whether its jobs only compute."""
        return self.kind == "computing"


INVENTORY = 3.0  # seconds on each side: the jobs of these workloads are all alike
SAME = [Stream(cell, 0.0) for cell in UNCHANGED]
SLOWER = [Stream(cell, slowdown) for slowdown in RUNS if slowdown for cell in SLOWED]
STREAMS = [*SAME, *SLOWER]


@dataclass(frozen=True)
class Record:
    """A pair, with what it took in seconds, and when (ISO, UTC) and where it was measured.

    ``planted`` says which text the planted jobs had: what another text showed has another truth.
    ``method`` says how it was measured: see METHOD.
    """

    stream: Stream
    pair: Pair
    seconds: float
    when: str
    machine: str
    planted: str
    method: int = METHOD

    def to_json(self) -> str:
        """The record as a line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The record of a line. Raises ValueError, KeyError or TypeError if it is none."""
        saved = json.loads(line)
        return cls(
            stream=Stream(**saved["stream"]),
            pair=Pair.from_json(json.dumps(saved["pair"])),
            seconds=float(saved["seconds"]),
            when=str(saved["when"]),
            machine=str(saved["machine"]),
            planted=str(saved["planted"]),
            method=int(saved.get("method", 1)),
        )


@dataclass(frozen=True)
class Recorded:
    """The pairs of this machine by stream, in the order of their measuring; and what was not read.

    ``foreign`` lines are another machine's, another Python's or of planted jobs that have changed
    since; ``damaged`` ones are torn. Of pairs that were measured by an earlier method, ``earlier``
    are among the streams, since nothing says that their cells are measured otherwise now, and
    ``outdated`` are not.
    """

    streams: Mapping[Stream, list[Record]]
    foreign: int
    damaged: int
    earlier: int = 0
    outdated: int = 0

    def __len__(self) -> int:
        return sum(map(len, self.streams.values()))


def read(path: Path, machine: str, *, earlier: bool = True) -> Recorded:
    """What was recorded on that machine, by ``earlier`` methods too where they are still valid.

    That is so of a cell whose jobs are one stratum, and of one of which no pair was measured since.
    """
    streams: dict[Stream, list[Record]] = {stream: [] for stream in STREAMS}
    texts = {stream: planted_text(stream.cell) for stream in STREAMS}
    foreign = damaged = 0
    with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                record = Record.from_json(line)
            except (ValueError, KeyError, TypeError, IndexError):
                damaged += 1
                continue
            if record.machine == machine and record.planted == texts.get(record.stream):
                streams[record.stream].append(record)
            else:
                foreign += 1
    used = outdated = 0
    for stream, records in streams.items():
        now = [one for one in records if one.method == METHOD]
        before = len(records) - len(now)
        if earlier and not (now and now[-1].pair.kinds):
            used += before
        else:
            outdated += before
            streams[stream] = now
    return Recorded(streams, foreign, damaged, used, outdated)


def record(
    path: Path,
    rule: Rule,
    seconds: float,
    busy: bool,
    progress: Callable[[str], None],
    streams: Sequence[Stream] = STREAMS,
) -> None:
    """Measure pairs and add them to the file, for that many seconds.

    What is measured are runs as ``--versus`` makes them, of unchanged cells or with one that is
    slower. They are played over what is recorded, and the pairs that they lack are measured.
    ``progress`` is called with a sentence after each pair, and about what cannot be measured.
    """
    same = [stream for stream in streams if not stream.slowdown]
    slower = [stream for stream in streams if stream.slowdown]
    with ExitStack() as stack:
        recorder = Recorder(path, Measuring(stack), progress, stack)
        if busy:
            stack.enter_context(one_busy_core())
        recorder.deadline = time.monotonic() + seconds
        playing = {
            one: replay.runs(cells_of_run(one, same), rule, recorder.pair)
            for one in (None, *slower)
        }
        done = recorder.done
        while kinds := [
            one for one in playing if not recorder.left_out.issuperset([one] if one else same)
        ]:
            kind = min(kinds, key=lambda one: done[one] / RUNS[one.slowdown if one else 0.0])
            if not next(playing[kind], None):
                return
            done[kind] += 1


def cells_of_run(slower: Stream | None, same: Sequence[Stream]) -> list[Stream]:
    """The cells of a run: all unchanged, or one slower in the place of the one most like it."""
    if slower is None:
        return list(same)
    likest = max(same, key=lambda one: (one.cell == slower.cell, one.kind == slower.kind))
    return [slower if one is likest else one for one in same]


class Recorder:
    """Gives the pairs of a stream: what is recorded, then new ones, each written down at once."""

    def __init__(
        self, path: Path, measuring: "Measuring", progress: Callable[[str], None], stack: ExitStack
    ) -> None:
        self.machine = this_machine()
        self.recorded = read(path, self.machine, earlier=False).streams
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = stack.enter_context(path.open("a+b"))
        end_torn_line(self.file)
        self.measuring = measuring
        self.progress = progress
        self.deadline = 0.0  # monotonic
        self.done: Counter[Stream | None] = Counter()  # runs: of unchanged cells, and with a slower
        self.left_out: set[Stream] = set()
        self.failures: Counter[Stream] = Counter()

    def pair(self, stream: Stream, number: int) -> Record:
        """The pair with that number. Raises RecordingExhausted when the time is up."""
        records = self.recorded[stream]
        if number == len(records):
            if stream in self.left_out:
                raise CellAbsent("it is left out")
            records.append(self.measured(stream))
        return records[number]

    def measured(self, stream: Stream) -> Record:
        """A new pair, written down."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise RecordingExhausted
        began = time.perf_counter()
        try:
            pair = self.measuring.pair(stream)
        except CellAbsent as reason:
            self.left_out.add(stream)
            self.progress(f"{stream.cell} is left out: {reason}")
            raise
        except SideFailed as failure:
            self.failures[stream] += 1
            if self.failures[stream] == FAILURES:
                self.left_out.add(stream)
            self.progress(f"{stream.cell} failed: {failure}")
            raise
        took = time.perf_counter() - began
        when = datetime.now(UTC).isoformat(timespec="seconds")
        record = Record(stream, pair, took, when, self.machine, planted_text(stream.cell))
        self.file.write(f"{record.to_json()}\n".encode())
        self.file.flush()
        self.progress(f"{self.done.total()} runs complete, now {stream.id}; {left:.0f} s to go")
        return record


def end_torn_line(file: Any) -> None:
    """End the last line of a file if whoever wrote it was killed in the middle."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")


class Measuring:
    """The measurers of the streams, each started when it is needed, ended with the stack."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.seed = random.SystemRandom().randrange(2**32)
        self.measurers: dict[float, Measurer] = {}
        self.cells: dict[Stream, Cell] = {}
        if not (ROOT / "workloads").is_dir():
            raise UserError(f"{ROOT} holds no workloads: conlab calibrate is run in the clone")
        if str(ROOT) not in sys.path:
            sys.path.insert(0, str(ROOT))

    def pair(self, stream: Stream) -> Pair:
        """One more pair. Raises CellAbsent and SideFailed."""
        if stream not in self.cells:
            self.cells[stream] = self.cell(stream)
        if stream.slowdown not in self.measurers:
            self.measurers[stream.slowdown] = self.measurer(stream.slowdown)
        return self.measurers[stream.slowdown].pair(self.cells[stream])

    def cell(self, stream: Stream) -> Cell:
        """The cell of that name."""
        name, _, model = stream.cell.rpartition("-")
        planted = PLANTED / f"{name}.py"
        if planted.is_file():
            workload = discovery.own_workload(planted)
        else:
            workload = discovery.suite_workload(name)
        return Cell(workload, discovery.suite_model(model))

    def measurer(self, slowdown: float) -> Measurer:
        """A measurer of two sides of which B is slower by that share."""
        names = sorted({cell.rpartition("-")[0] for cell in SLOWED})
        planted = tuple(discovery.own_workload(PLANTED / f"{name}.py") for name in names)
        suite = default_settings()
        chosen = replace(suite, workloads=planted if slowdown else (*suite.workloads, *planted))
        sides = working_tree(chosen, "A"), working_tree(chosen, "B")
        if slowdown:
            folder = self.stack.enter_context(scratch_folder())
            slower = {name: plant(name, slowdown, folder) for name in names}
            sides = sides[0], replace(sides[1], own=slower)
        measurer = self.stack.enter_context(Measurer(sides, chosen, self.seed))
        measurer.limit = INVENTORY
        return measurer


def plant(name: str, slowdown: float, folder: Path) -> Path:
    """A copy of planted jobs with more units of work."""
    text = (PLANTED / f"{name}.py").read_text("utf-8")
    unchanged = re.search(r"^UNITS = (\d+)$", text, re.MULTILINE)
    assert unchanged
    units = int(unchanged[1]) * (1 + slowdown)
    if abs(units - round(units)) > 1e-6:
        raise ValueError(f"{name} cannot be slower by {slowdown:g}: that makes {units:g} units")
    path = folder / f"{name}.py"
    path.write_text(text.replace(unchanged[0], f"UNITS = {round(units)}"), "utf-8")
    return path


def planted_text(cell: str) -> str:
    """Which text the planted jobs of the cell have, as a few digits; nothing if it has none."""
    path = PLANTED / f"{cell.rpartition('-')[0]}.py"
    return f"{crc32(path.read_bytes()):08x}" if path.is_file() else ""


def default_settings() -> Settings:
    """The settings of a run without any option."""
    return settings.read(SimpleNamespace(getoption=lambda _name: None), small=False)


@contextmanager
def one_busy_core() -> Iterator[int]:
    """Keep one core busy from a process of its own, and give its id; it cannot outlive this one.

    It ends when the pipe closes on which it waits, as that does however this process ends.
    """
    with subprocess.Popen(
        [sys.executable, "-c", BUSY_LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            yield child.pid
        finally:
            child.kill()


def this_machine() -> str:
    """The machine and the Python: what was measured on another says nothing about this one."""
    cores = settings.usable_cores()
    return (
        f"{processor()}, {cores} {'core' if cores == 1 else 'cores'}, {platform.system()},"
        f" {settings.python_build()}"
    )


def processor() -> str:
    """The processor by its name, as far as the system tells."""
    with suppress(OSError):
        named = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if named:
            return named[1]
    return platform.processor() or platform.machine()

"""Recording: what a session adds to the file and what it survives; and how jobs are planted."""

import itertools
import math
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from conlab.bench import discovery
from conlab.bench.running import CellAbsent
from conlab.calibration import evaluation, recording
from conlab.calibration.recording import (
    STREAMS,
    Record,
    Stream,
    this_machine,
)
from conlab.versus.pairs.measuring import Pair
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.rule import missing_library
from conlab.versus.sides.side import ROOT
from tests.calibration.made_pairs import HERE, records
from tests.patience import patience

pytest.importorskip("scipy", reason=f"{missing_library()}")

RULE = evaluation.RULE
FIRST = next(replace(RULE, clocks=2).looks())  # wall and CPU time
UNCHANGED = [stream for stream in STREAMS if not stream.slowdown]
TENTH = Stream("count_letters-serial", 0.1)


class Machine:
    """Stands in for the measuring: gives pairs without any process."""

    absent: str | None = None
    failing: str | None = None

    def __init__(self, _stack: Any) -> None:
        self.made = {stream: records(stream, 10_000, HERE) for stream in STREAMS}

    def pair(self, stream: Stream) -> Pair:
        if stream.cell == self.absent:
            raise CellAbsent("it is not there")
        if stream.cell == self.failing:
            raise SideFailed("A: no answer")
        return next(self.made[stream]).pair


class Told:
    """Counts what is told, and interrupts at a number of pairs."""

    def __init__(self, pairs: int) -> None:
        self.pairs = pairs
        self.sentences: list[str] = []

    def __call__(self, sentence: str) -> None:
        self.sentences.append(sentence)
        self.pairs -= sentence.endswith("to go")
        if not self.pairs:
            raise KeyboardInterrupt


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to record; each pair takes a second."""
    clock = SimpleNamespace(monotonic=time.monotonic, perf_counter=itertools.count().__next__)
    monkeypatch.setattr(recording, "time", clock)
    monkeypatch.setattr(recording, "Measuring", Machine)
    return tmp_path / "new folder" / "idle.jsonl"


def session(file: Path, pairs: int, streams: Sequence[Stream] = STREAMS) -> Told:
    """Record until that many pairs are there, then press Ctrl-C."""
    told = Told(pairs)
    with pytest.raises(KeyboardInterrupt):
        recording.record(file, RULE, 3600, busy=False, progress=told, streams=streams)
    return told


def test_ctrl_c_keeps_what_was_recorded_and_the_next_session_goes_on(file: Path) -> None:
    session(file, 40)
    session(file, 25)
    recorded = recording.read(file, this_machine())
    assert (len(recorded), recorded.foreign, recorded.damaged) == (65, 0, 0)


def test_the_cells_of_a_run_take_turns_and_identical_sides_are_tried_more_often(
    file: Path,
) -> None:
    two = [UNCHANGED[0], UNCHANGED[1], TENTH]
    session(file, 2 * 10, two)
    assert [len(recording.read(file, this_machine()).streams[each]) for each in two] == [10, 10, 0]
    session(file, 12 * FIRST - 20, two)
    done = [len(recording.read(file, this_machine()).streams[each]) // FIRST for each in two]
    assert done[0] == done[1] > done[2] > 1


def test_a_run_with_a_slower_cell_is_played_over_what_is_recorded_of_the_others(
    file: Path,
) -> None:
    waiting, computing = UNCHANGED[0], UNCHANGED[2]
    of_two_clocks = next(replace(RULE, clocks=2).looks())
    told = session(file, FIRST + 2 * of_two_clocks + 1, [waiting, computing, TENTH])
    recorded = recording.read(file, this_machine()).streams
    measured = [len(recorded[each]) for each in (waiting, computing, TENTH)]
    assert measured == [FIRST + 1, of_two_clocks, of_two_clocks]
    assert told.sentences[0].startswith(f"0 runs complete, now {waiting.id}; ")
    assert told.sentences[-1].startswith(f"2 runs complete, now {waiting.id}; ")


def test_who_is_killed_in_mid_write_loses_that_line_alone(file: Path) -> None:
    session(file, 5)
    with file.open("r+b") as torn:
        torn.truncate(file.stat().st_size - 30)
    session(file, 3)
    recorded = recording.read(file, this_machine())
    assert (len(recorded), recorded.damaged) == (4 + 3, 1)


def test_lines_of_another_machine_are_told_apart(file: Path) -> None:
    session(file, 5)
    with file.open("a") as more:
        more.writelines(f"{each.to_json()}\n" for each in records(TENTH, 3, "another"))
    recorded = recording.read(file, this_machine())
    assert (len(recorded), recorded.foreign, recorded.damaged) == (5, 3, 0)


def test_pairs_of_planted_jobs_that_have_changed_since_are_told_apart(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = TENTH, UNCHANGED[0]
    session(file, FIRST + 5, streams)
    changed = tmp_path / "planted"
    shutil.copytree(recording.PLANTED, changed)
    with (changed / "count_letters.py").open("a") as more:
        more.write("UNITS = 200\n")
    monkeypatch.setattr(recording, "PLANTED", changed)
    recorded = recording.read(file, this_machine())
    assert [len(recorded.streams[each]) for each in streams] == [0, FIRST]
    assert recorded.foreign == 5


def test_a_record_comes_back_as_it_was_written() -> None:
    (written,) = records(TENTH, 1, HERE)
    assert Record.from_json(written.to_json()) == written


def test_a_cell_that_is_not_here_is_named_and_the_others_are_recorded(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "absent", UNCHANGED[0].cell)
    told = session(file, 20, UNCHANGED)
    assert told.sentences.count(f"{UNCHANGED[0].cell} is left out: it is not there") == 1
    assert len(recording.read(file, this_machine())) == 20


def test_a_failure_costs_one_pair_and_a_cell_that_keeps_failing_is_left_out(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "failing", UNCHANGED[0].cell)
    told = session(file, 20 * FIRST, UNCHANGED)
    failures = [sentence for sentence in told.sentences if "failed: A: no answer" in sentence]
    assert len(failures) == recording.FAILURES


def test_when_the_time_is_over_it_ends(file: Path) -> None:
    recording.record(file, RULE, 0, busy=False, progress=Told(-1))
    assert len(recording.read(file, this_machine())) == 0


@pytest.mark.parametrize("name", sorted({cell.rpartition("-")[0] for cell in recording.SLOWED}))
def test_planted_jobs_do_more_of_the_same_and_give_the_same(name: str, tmp_path: Path) -> None:
    original = recording.PLANTED / f"{name}.py"
    copy = tmp_path / f"{name}.py"
    for slowdown, units in ((0.05, 105), (0.1, 110), (0.2, 120)):
        assert recording.plant(name, slowdown, tmp_path) == copy
        changed = set(copy.read_text().splitlines()) - set(original.read_text().splitlines())
        assert changed == {f"UNITS = {units}"}
    spaces: list[dict[str, Any]] = [{}, {}]
    for path, space in zip((original, copy), spaces, strict=True):
        exec(path.read_text(), space)
        space.update(UNITS=space["UNITS"] // 100)
    assert spaces[0]["work"](3) == spaces[1]["work"](3)
    with pytest.raises(ValueError, match="makes 103\\.3 units"):
        recording.plant(name, 0.033, tmp_path)


def test_every_stream_names_a_workload_and_a_model_that_exist() -> None:
    for stream in STREAMS:
        name, _, model = stream.cell.rpartition("-")
        folders = (
            [recording.PLANTED] if stream.slowdown else [recording.PLANTED, ROOT / "workloads"]
        )
        assert any((folder / f"{name}.py").is_file() for folder in folders)
        assert discovery.suite_model(model).name == model
    assert len(UNCHANGED) == RULE.cells


def test_a_real_pair_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "INVENTORY", 0.1)
    file = tmp_path / "idle.jsonl"
    with ExitStack() as stack:
        recorder = recording.Recorder(file, recording.Measuring(stack), print, stack)
        recorder.deadline = math.inf
        record = recorder.pair(TENTH, 0)
    assert recording.read(file, this_machine()).streams[TENTH] == [record]
    assert record.pair.cell == TENTH.cell
    assert min(map(min, record.pair.wall)) > 0
    assert record.seconds > sum(map(sum, record.pair.wall))


# The busy core


def test_the_busy_core_is_left_alone_afterwards() -> None:
    with recording.one_busy_core() as number:
        child = psutil.Process(number)
        assert child.is_running()
    assert not psutil.pid_exists(number)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_the_busy_core_is_left_alone_after_a_kill() -> None:
    script = (
        "import os, signal\n"
        "from conlab.calibration.recording import one_busy_core\n"
        "with one_busy_core() as number:\n"
        "    print(number, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=patience(60), check=False
    )
    assert done.returncode == -signal.SIGKILL
    try:
        psutil.Process(int(done.stdout)).wait(timeout=patience(30))
    except psutil.NoSuchProcess:
        return
    assert not psutil.pid_exists(int(done.stdout))

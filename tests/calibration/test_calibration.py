"""The calibration: what is recorded, that nothing of it is lost, and what is counted on it."""

import argparse
import itertools
import json
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
from conlab.calibration import coin, evaluation, quotation, rates, recording, tables
from conlab.calibration.recording import (
    STREAMS,
    Record,
    Recorded,
    Stream,
    cells_of_run,
    this_machine,
)
from conlab.calibration.replay import runs, tape
from conlab.commands import calibrate as command
from conlab.errors import UserError
from conlab.versus.pairs.measuring import Pair
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.plugin import COMPARISON
from conlab.versus.rule import Verdict, missing_library
from conlab.versus.sequential_test import SequentialTest
from conlab.versus.sides.side import ROOT
from tests.bench.made import cell
from tests.versus.made_pairs import records

pytest.importorskip("scipy", reason=f"{missing_library()}")

RULE = evaluation.RULE
FIRST, SECOND, *_ = RULE.looks()
UNCHANGED = [stream for stream in STREAMS if not stream.slowdown]
TENTH = Stream("count_letters-serial", 0.1)
HERE = "a machine"


# Recording


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


def test_a_real_pair_is_recorded(tmp_path: Path) -> None:
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
        [sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    try:
        psutil.Process(int(done.stdout)).wait(timeout=30)
    except psutil.NoSuchProcess:
        return
    assert not psutil.pid_exists(int(done.stdout))


# Replaying


def played(
    streams: dict[Stream, list[Record]], budget: float = 300.0
) -> list[list[SequentialTest]]:
    return list(runs(list(streams), RULE, tape(streams), budget))


def test_runs_follow_one_another_and_share_no_pair() -> None:
    streams = {stream: list(records(stream, 90, HERE, spread=0.04)) for stream in UNCHANGED[:3]}
    found = played(streams)
    assert len(found) > 1
    for place, stream in enumerate(streams):
        taken = [pair for run in found for pair in run[place].pairs]
        assert taken == [record.pair for record in streams[stream]][: len(taken)]
    for test in (test for run in found for test in run):
        rule = replace(RULE, clocks=2) if test.computes else RULE
        looks = [look for look in rule.looks() if look <= len(test.pairs)]
        assert test.wall == rule.judge([pair.log_wall for pair in test.pairs[: looks[-1]]])
        assert test.verdict is Verdict.UNSURE or looks[-1] == len(test.pairs)
    assert {test.computes for test in found[0]} == {True, False}


def test_a_run_ends_when_its_pairs_took_the_budget() -> None:
    wild = {UNCHANGED[0]: list(records(UNCHANGED[0], 100, HERE, spread=0.5))}
    (only, *_) = played(wild, budget=50.0)
    assert only[0].verdict is Verdict.UNSURE
    assert only[0].seconds == 50.0 == len(only[0].pairs) * 1.25


def test_a_run_that_the_tape_does_not_hold_to_its_end_does_not_count() -> None:
    quiet = list(records(UNCHANGED[0], FIRST, HERE))
    assert len(played({UNCHANGED[0]: quiet})) == 1
    assert played({UNCHANGED[0]: quiet[:-1]}) == []


def test_a_slower_cell_takes_the_place_of_the_one_most_like_it() -> None:
    assert cells_of_run(None, UNCHANGED) == UNCHANGED
    for slower, replaced in (
        (Stream("wait_and_count-threads", 0.1), UNCHANGED[5]),
        (Stream("wait_for_answers-threads", 0.1), UNCHANGED[0]),
        (Stream("count_letters-processes", 0.1), UNCHANGED[2]),
    ):
        cells = cells_of_run(slower, UNCHANGED)
        assert set(UNCHANGED) - set(cells) == {replaced}
        assert cells.index(slower) == UNCHANGED.index(replaced)


# Counting


def recorded(truth: float = 0.0, count: int = 250) -> Recorded:
    """Pairs of every stream; ``truth`` is how much slower side B is where it should be the same."""
    made = {
        stream: [
            replace(record, stream=stream)
            for record in records(Stream(stream.cell, stream.slowdown or truth), count, HERE)
        ]
        for stream in STREAMS
    }
    return Recorded(made, foreign=0, damaged=0)


@pytest.fixture(scope="module")
def counted() -> evaluation.OfLoad:
    found = evaluation.of_load("idle", recorded())
    assert found is not None
    return found


def test_unchanged_code_raises_no_alarm_and_a_slowdown_is_found(
    counted: evaluation.OfLoad,
) -> None:
    for judge in ("this rule", "this rule, a fair coin tossed again"):
        alarms = counted.runs[judge]
        assert alarms.hits == 0 < alarms.of
    for one in counted.streams:
        expected = Verdict.SLOWER if one.slowdown >= 0.1 else Verdict.SAME
        if one.slowdown != 0.05:  # a coin flip
            assert one.verdicts[expected].share == 1
        assert one.covered.share == 1
        assert one.spread == pytest.approx(0.02, rel=0.5)
        assert one.seconds_taken == one.pairs_taken * 1.25


def test_sides_that_are_not_identical_are_seen_in_the_alarms_and_in_the_coin() -> None:
    found = evaluation.of_load("idle", recorded(truth=0.1, count=20))
    assert found is not None
    assert found.runs["this rule"].share == 1
    assert found.b_slower.low > 0.5


def test_rates_say_on_how_many_they_rest() -> None:
    assert str(rates.rate([False] * 300)) == "0 of 300 (0.0% to 1.2%)"
    assert str(rates.rate([])) == "none yet"


def test_pytest_benchmark_is_asked_with_the_rounds_that_it_would_have_seen() -> None:
    def record(a: Sequence[float], b: Sequence[float]) -> Record:
        pair = Pair("", (tuple(a), tuple(b)), ((1.0,), (1.0,)), 0)
        return Record(UNCHANGED[0], pair, 1, "", HERE, "")

    made = [record([1.0, 9.0], [1.04, 9.5]), record([2.0, 8.0], [2.2, 8.8])]
    first, second = (SequentialTest(UNCHANGED[0], RULE, [one.pair]) for one in made)
    for limit, together, after in (
        ("mean:5%", [True, True], True),
        ("min:5%", [False, True], True),
    ):
        assert [evaluation.fails_together(limit, one) for one in (first, second)] == together
        assert evaluation.fails_after(limit, first, second) is after
    assert not evaluation.passes("min:5%", [1.05], [1.0])
    assert evaluation.passes("min:5%", [1.06], [1.0])


def test_the_unfair_coin_is_as_unfair_as_what_was_seen_allows() -> None:
    ratios = [0.1] * 60 + [-0.1] * 40 + [0.0] * 10
    assert 0.6 < coin.unfair(ratios) < 0.8
    assert coin.unfair(ratios * 10) < coin.unfair(ratios)
    assert coin.unfair([-ratio for ratio in ratios]) < 0.4


def test_few_pairs_allow_a_coin_that_raises_alarms_and_many_do_not() -> None:
    bounds = {}
    for count in (60, 600):
        streams = {one: list(records(one, count, HERE, spread=0.15)) for one in UNCHANGED}
        tossed = coin.tossed_again(RULE, streams, coin.unfair)
        bounds[count] = rates.rate(tossed)
    assert bounds[60].share > bounds[600].share
    assert bounds[600].high < 0.05


def test_without_a_complete_run_there_is_nothing_to_count() -> None:
    assert evaluation.of_load("idle", recorded(count=FIRST - 1)) is None


# Quoting


def test_what_was_found_here_is_quoted(tmp_path: Path, counted: evaluation.OfLoad) -> None:
    path = tmp_path / "summary.json"
    evaluation.save([counted], path)
    quoted = str(quotation.quoted(path))
    assert "alpha 0.01 over 6 cells" in quoted
    alarms = counted.runs["this rule"]
    assert f"idle, 2026-01-01 to 2026-01-03: an alarm in {alarms} runs" in quoted
    tenths = sum(one.verdicts["slower"].of for one in counted.streams if one.slowdown == 0.1)
    assert f"slower by a tenth was found in {tenths} of {tenths} (" in quoted
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_the_summary_of_a_comparison_quotes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotation, "quoted", lambda: "Calibrated here: never wrong")
    written: list[str] = []
    reporter = SimpleNamespace(write_line=written.append)
    for tests in ([], [SequentialTest(cell("serial", "a_job"), RULE)]):
        stash = {COMPARISON: SimpleNamespace(tests=tests)}
        config: Any = SimpleNamespace(stash=stash)
        quotation.pytest_terminal_summary(reporter, config)
    assert written == ["Calibrated here: never wrong"]


def test_what_was_found_elsewhere_or_not_at_all_is_not_quoted(
    tmp_path: Path, counted: evaluation.OfLoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quotation.quoted(tmp_path / "summary.json") is None
    evaluation.save([counted], tmp_path / "summary.json")
    monkeypatch.setattr(quotation, "this_machine", lambda: "another")
    assert quotation.quoted(tmp_path / "summary.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"machine": 1', json.dumps({"loads": []})])
def test_a_damaged_summary_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "summary.json"
    path.write_text(text)
    assert str(quotation.quoted(path)).startswith(f"{path} cannot be read")


# The command


def call(seconds: float = 0.0, busy: bool = False) -> int:
    return command.run(argparse.Namespace(seconds=seconds, busy=busy))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: evaluation.OfLoad) -> Path:
    monkeypatch.setattr(recording, "FOLDER", tmp_path)
    monkeypatch.setattr(evaluation, "SUMMARY", tmp_path / "summary.json")
    monkeypatch.setattr(evaluation, "of_load", lambda _load, pairs: counted if len(pairs) else None)
    return tmp_path


def test_the_tables_name_every_judge_and_every_stream(
    folder: Path, capsys: pytest.CaptureFixture[str], counted: evaluation.OfLoad
) -> None:
    lines = [record.to_json() for record in records(TENTH, 3, this_machine())]
    (folder / "busy.jsonl").write_text("\n".join([*lines, "torn"]))
    assert call() == 0
    said = capsys.readouterr().out
    for judge, rate in counted.runs.items():
        assert f"{judge} " in said
        assert str(rate) in said
    for stream in STREAMS:
        shown = f"{stream.cell} +{stream.slowdown:.0%}" if stream.slowdown else stream.cell
        assert f"\n{shown} " in said
    assert this_machine() in said
    assert "busy.jsonl: 1 damaged lines are passed over" in said
    assert json.loads((folder / "summary.json").read_text())["loads"][0]["pairs"] == counted.pairs


def test_of_no_runs_there_is_no_share() -> None:
    assert tables.per_cent(rates.rate([])) == "-"
    assert tables.per_cent(rates.rate([True, False])) == "50%"


def test_ctrl_c_shows_what_there_is(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(file: Path, *_arguments: Any) -> None:
        file.write_text("".join(f"{one.to_json()}\n" for one in records(TENTH, 3, this_machine())))
        raise KeyboardInterrupt

    monkeypatch.setattr(recording, "record", interrupted)
    assert call(60.0, busy=True) == 130
    assert "unchanged code: who judged it" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {"busy.jsonl", "summary.json"}


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_seconds_that_are_none_are_refused(seconds: float) -> None:
    with pytest.raises(UserError, match="it should be a number, 0 or more"):
        call(seconds)


@pytest.mark.usefixtures("folder")
def test_before_the_first_run_there_is_a_sentence() -> None:
    with pytest.raises(UserError, match="no run is complete yet"):
        call()


def test_without_scipy_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(UserError, match=r"calibrate needs scipy: python3 -m conlab\.install"):
        call()


def test_progress_is_one_line_on_a_terminal_and_only_news_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command.progress("3 runs complete; 50 s to go")
    command.progress("a cell is left out: no reason")
    assert capsys.readouterr().err == "a cell is left out: no reason\n"
    terminal = SimpleNamespace(isatty=lambda: True, write=lambda _: None, flush=lambda: None)
    written: list[str] = []
    terminal.write = written.append
    monkeypatch.setattr(sys, "stderr", terminal)
    command.progress("3 runs complete; 50 s to go")
    assert "".join(written).endswith("3 runs complete; 50 s to go")

"""What may have spoilt the figures is said: each guard on what it guards against."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from conlab.bench import costs, guards, settings
from conlab.bench.contention import Contention
from conlab.bench.inputs import Inputs
from conlab.bench.measuring import Matrix
from conlab.bench.neighbours import Neighbours
from tests.bench import made
from tests.bench.made import crowded, measured
from tests.patience import patience

LIMIT = 60


@pytest.fixture(autouse=True)
def helpers_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left over but what a test leaves."""
    before = {left.partition(" ")[0] for left in costs.children_left(None)}
    real = costs.children_left
    monkeypatch.setattr(
        costs,
        "children_left",
        lambda origin: [left for left in real(origin) if left.partition(" ")[0] not in before],
    )


def warnings(*cells: Any, origin: int | None = None, **options: Any) -> list[str]:
    return guards.warnings(made.settings(**options), cells, origin)


def test_a_clean_run_has_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "usable_cores", lambda: 2)
    monkeypatch.setattr(guards, "gil_enabled", lambda: not settings.free_threaded())
    assert warnings(measured("threads", 1.0, origin=0.5)) == []


def test_tracing_while_a_cell_was_measured_is_warned_of() -> None:
    cells = [measured("serial", 1.0), measured("threads", 1.0, tracers=("coverage",))]
    assert "tracing was on (coverage): it slows models unevenly" in warnings(*cells)


def trace(_frame: FrameType, _event: str, _argument: Any) -> None:
    """Trace nothing."""


def test_a_tracer_of_the_calling_thread_is_seen() -> None:
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        tracers = settings.tracers()
    finally:
        sys.settrace(before)
    assert __name__ in tracers


def test_a_tracer_of_the_worker_threads_is_seen() -> None:
    before = threading.gettrace()
    threading.settrace(trace)
    try:
        tracers = settings.tracers()
    finally:
        threading.settrace(before)
    assert __name__ in tracers


def test_a_profiler_is_seen() -> None:
    before = sys.getprofile()
    sys.setprofile(trace)
    try:
        tracers = settings.tracers()
    finally:
        sys.setprofile(before)
    assert __name__ in tracers


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="sys.monitoring came with Python 3.12")
def test_a_tool_of_sys_monitoring_is_seen() -> None:
    monitoring = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    monitoring.use_tool_id(4, "a tool")
    try:
        assert "a tool" in settings.tracers()
    finally:
        monitoring.free_tool_id(4)


def test_more_workers_than_cores_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "usable_cores", lambda: 2)
    assert "3 workers had 2 usable cores: they took turns" in warnings(workers=3)


@pytest.mark.parametrize(
    ("free_threaded", "gil", "warned"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
def test_a_gil_that_an_import_switched_on_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, free_threaded: bool, gil: bool, warned: bool
) -> None:
    monkeypatch.setattr(guards, "free_threaded", lambda: free_threaded)
    monkeypatch.setattr(guards, "gil_enabled", lambda: gil)
    assert any("an import switched it on" in sentence for sentence in warnings()) == warned


def test_an_origin_that_was_the_limit_is_warned_of() -> None:
    (sentence,) = guards.origin_limits(
        [measured("serial", 1.0, origin=0.84), measured("threads", 1.0, origin=0.93)]
    )
    assert sentence == (
        "count_words-threads: the origin was busy 93% of the time,"
        " so it and not the model was the limit"
    )


def test_a_worker_left_over_is_warned_of_and_the_origin_is_none() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
        named = [w for w in warnings() if w.startswith("a worker process was left over: ")]
        spared = warnings(origin=worker.pid)
        assert worker.stdin
        worker.stdin.close()
        worker.wait(patience(LIMIT))
    assert len(named) == 1
    assert str(worker.pid) in named[0]
    assert not any("left over" in sentence for sentence in spared)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs")
def test_what_of_the_reader_s_folders_is_left_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "b.jpg").mkdir()
    assert not any("left out" in warning for warning in warnings(images=tmp_path, texts=tmp_path))
    for name in "1234":
        os.mkfifo(tmp_path / name)
    (tmp_path / "0").symlink_to("/dev/zero")
    folders: list[tuple[str, dict[str, Any]]] = [
        ("images", {"images": tmp_path}),
        ("texts", {"texts": tmp_path}),
        ("site", {"site": tmp_path}),
    ]
    for option, folder in folders:
        (said,) = [one for one in warnings(**folder) if "left out" in one]
        assert said == (
            f"--{option} {tmp_path}: left out, as no regular files that can be read, were"
            " 0, 1, 2 and 2 more"
        )


# What others took


def crowding(*seen: Contention, before: Neighbours | None = None) -> list[str]:
    cells = [measured("serial", 1.0, contention=contention) for contention in seen]
    return list(guards.crowding(cells, before))


def test_on_a_quiet_machine_nothing_is_said_of_others() -> None:
    assert crowding(crowded(0.09), crowded(0.0), before=Neighbours(crowded(0.05))) == []
    assert crowding() == []


def test_how_much_others_took_is_said_before_and_during_the_run() -> None:
    before = Neighbours(crowded(1.9), (("ffmpeg", 1.8),))
    assert crowding(crowded(0.5), crowded(1.5), before=before) == [
        (
            "other programs took 1.9 of 2 cores (ffmpeg 1.8) before this run, and 1.0 of 2 cores"
            " (0.5 to 1.5) while it measured: on a quiet machine times are shorter, and not by the"
            " same share; --wait-for-quiet SECONDS waits for one"
        )
    ]


def test_others_that_ended_in_time_are_said_all_the_same() -> None:
    (sentence,) = crowding(crowded(0.0), before=Neighbours(crowded(1.0)))
    assert "1.0 of 2 cores before this run, and 0.0 of 2 cores while it measured" in sentence


def test_what_is_not_known_of_others_is_said() -> None:
    (sentence,) = crowding(crowded(others=None))
    assert sentence == "how much of this machine other programs took is not known on this system"


def test_that_time_ready_is_not_known_is_said_where_it_matters() -> None:
    assert crowding(crowded(0.0, ready=None)) == []
    _, sentence = crowding(crowded(1.0, ready=None))
    assert sentence.startswith("for how long jobs stood ready to compute is not known")


def test_a_host_that_gives_cores_to_others_is_said() -> None:
    sentences = crowding(crowded(0.0, stolen=0.5))
    assert (
        "the host of this virtual machine gave 0.5 of 2 cores to others while this run"
        in (sentences[-1])
    )


def test_a_limit_of_the_container_is_said() -> None:
    (sentence,) = crowding(crowded(0.0, throttled=0.25))
    assert sentence.startswith("a CPU limit, of this container or its service, held the run back")
    assert "of each second 0.25 core seconds" in sentence


def test_what_others_took_is_among_the_warnings_of_a_run() -> None:
    matrix = Matrix(made.settings(), Inputs(made.settings(), small=True))
    matrix.measured.append(measured("serial", 1.0, contention=crowded(1.0)))
    assert any("other programs took" in sentence for sentence in guards.of_run(matrix))

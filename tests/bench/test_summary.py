"""The summary: what it prints in which width, and what it adds to the JSON."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from conlab.bench import costs, rules, summary
from conlab.bench.floors import Floor
from conlab.bench.inputs import Inputs
from conlab.bench.leading import FLOOR_OF_NOISE
from conlab.bench.measured import Start
from conlab.bench.measuring import Matrix
from conlab.bench.report import Group
from conlab.bench.summary import NARROWEST, PRICED_JOBS, text, worth
from conlab.bench.tables import workload_table
from tests.bench.made import cell, crowded, group, measured, settings
from tests.bench.test_rules import EVERYTHING, STARTS

ESCAPE = "\x1b"


@pytest.fixture(autouse=True)
def nothing_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "children_left", lambda _origin: [])


@pytest.fixture
def matrix() -> Iterator[Matrix]:
    """A whole run, made by hand."""
    chosen = settings()
    made = Matrix(chosen, Inputs(chosen, small=True))
    for cells in EVERYTHING:
        made.measured += cells
    made.starts |= STARTS
    made.absent += [
        (cell("coroutines"), "has no work_async"),
        (cell("interpreters"), "needs Python 3.14"),
        (cell("interpreters_by_64", "dispatch_tasks"), "needs Python 3.14"),
        (cell("serial", "need_more"), "No module named 'more' on this Python"),
        (cell("threads", "need_more"), "No module named 'more' on this Python"),
    ]
    yield made
    made.inputs.close()


def widths(said: str) -> list[int]:
    return [cell_len(line) for line in said.splitlines()]


@pytest.mark.parametrize("width", [NARROWEST, 120, 200])
def test_the_summary_fits_its_width(matrix: Matrix, width: int) -> None:
    said = text(matrix, width, color=False)
    assert max(widths(said)) <= width
    assert "…" not in said


def test_a_narrow_terminal_gets_whole_figures_all_the_same(matrix: Matrix) -> None:
    assert text(matrix, 40, color=False) == text(matrix, NARROWEST, color=False)


def test_large_figures_are_not_cut_off(matrix: Matrix) -> None:
    huge = measured(
        "processes_by_64",
        123.456,
        name="dispatch_tasks",
        jobs=1_000_000,
        failed=999_999,
        in_flight=1024.0,
        memory=12_345,
        floor=Floor(100.0),
    )
    matrix.measured = [replace(huge, settings={"in_flight": 1024, "workers": 1024})]
    said = text(matrix, NARROWEST, color=False)
    for figure in ("processes_by_64 (1024+1024)", "123.46 s", "1024.0", "12345", "999999"):
        assert figure in said


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_there_is_no_colour_where_none_is_wanted(
    matrix: Matrix, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    assert ESCAPE not in text(matrix, 120, color=False)


def test_there_is_colour_where_it_is_wanted(
    matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert ESCAPE in text(matrix, 120, color=True)


def test_every_workload_has_a_table_sorted_by_time(matrix: Matrix) -> None:
    said = text(matrix, 120, color=False)
    table = said[said.index("download_files: 10 jobs") :].splitlines()[2:6]
    names = [line.split()[0] for line in table]
    assert names == ["coroutines", "threads", "coroutines_httpx", "serial"]


def test_absent_cells_are_listed_with_their_reasons(matrix: Matrix) -> None:
    said = text(matrix, 120, color=False)
    assert "absent: coroutines: has no work_async" in said
    assert "absent: interpreters: needs Python 3.14" in said
    assert "absent: interpreters_by_64: needs Python 3.14" in said


def test_a_workload_of_which_every_cell_is_absent_is_named(matrix: Matrix) -> None:
    said = text(matrix, 120, color=False)
    assert "need_more: every cell is absent" in said
    assert "absent: serial, threads: No module named 'more' on this Python" in said


def test_the_slowest_job_is_shown_where_there_is_a_client(matrix: Matrix) -> None:
    assert "slowest" not in text(matrix, 120, color=False).partition("time: of a round")[0]
    one = measured("serial", 1.0, name="ask_server")
    assert one.cell.workload.module is not None
    vars(one.cell.workload.module)["client"] = object
    matrix.measured = [one]
    assert "max 100.0 ms" in text(matrix, 120, color=False)


def test_failed_jobs_are_shown_where_there_are_any(matrix: Matrix) -> None:
    assert " failed" not in text(matrix, 120, color=False)
    matrix.measured = [measured("serial", 1.0, failed=3)]
    assert " failed" in text(matrix, 120, color=False)


def test_no_share_of_the_floor_is_shown_where_none_is_known(matrix: Matrix) -> None:
    matrix.measured = [replace(measured("serial", 1.0, floor=None), job_seconds=())]
    row = next(
        line
        for line in text(matrix, 120, color=False).splitlines()
        if line.startswith("serial") and "x" in line
    )
    assert "%" not in row.partition("x")[2]


def test_warnings_are_printed_and_rules_end_the_summary(matrix: Matrix) -> None:
    matrix.measured.append(measured("processes", 1.0, tracers=("coverage",)))
    said = text(matrix, 120, color=False)
    assert "Warning: tracing was on (coverage)" in said
    assert said.index("Rules of thumb") > said.index("What a pool costs")


def test_a_run_of_starts_alone_has_a_summary(matrix: Matrix) -> None:
    matrix.measured, matrix.absent = [], []
    said = text(matrix, 120, color=False)
    assert "What a pool costs" in said


# What a pool is worth


def test_a_job_worth_a_pool_takes_as_long_in_it_as_in_a_loop() -> None:
    start = Start(start=2.0, spread=0.0, stop=0.0, at_once=4, computes=True)
    length = 4e-3  # (0.001 + 2.0 / 1000) / (1 - 1 / 4)
    loop = PRICED_JOBS * length
    pool = start.start + PRICED_JOBS * (0.001 + length / 4)
    assert loop == pytest.approx(pool)
    assert worth(start, 0.001, cores=8) == ("4.0 ms", "compute or wait")


def test_workers_without_cores_compute_no_faster() -> None:
    start = Start(start=2.0, spread=0.0, stop=0.0, at_once=4, computes=True)
    assert worth(start, 0.001, cores=2) == ("6.0 ms", "compute or wait")
    assert worth(start, 0.001, cores=1) == ("", "")


def test_a_pool_without_workers_is_worth_it_for_jobs_that_wait() -> None:
    start = Start(start=0.0, spread=0.0, stop=0.0, at_once=32, computes=False)
    assert worth(start, 0.031, cores=1) == ("32.0 ms", "wait")


def test_what_a_job_costs_must_be_known() -> None:
    assert worth(STARTS["threads"], None, cores=2) == ("", "")


# The JSON


def json_of(matrix: Matrix) -> dict[str, Any]:
    output: dict[str, Any] = {
        "benchmarks": [
            {"name": f"bench_cell[{one.cell.id}]", "extra_info": one.figures()}
            for one in matrix.measured
        ]
        + [{"name": "bench_start[threads]", "extra_info": {"model": "threads"}}]
    }
    summary.complete(output, matrix)
    completed: dict[str, Any] = json.loads(json.dumps(output))
    return completed


def test_the_json_tells_what_only_the_whole_run_could(matrix: Matrix) -> None:
    by_name = {b["name"]: b["extra_info"] for b in json_of(matrix)["benchmarks"]}
    threads = by_name["bench_cell[resize_images-threads]"]
    assert threads["speedup"] == 2.0
    assert threads["work_law_seconds"] == pytest.approx(1.0 * 1.9 / 2, rel=0.1)
    assert threads["floor_share"] == pytest.approx(threads["work_law_seconds"] / 1.0)
    assert threads["noise"] == FLOOR_OF_NOISE
    assert threads["leads"] is True  # as processes do, no further apart than the noise
    assert by_name["bench_cell[resize_images-serial]"]["leads"] is False
    assert by_name["bench_start[threads]"] == {"model": "threads"}


def test_the_json_tells_the_machine_the_absent_the_warnings_and_the_rules(matrix: Matrix) -> None:
    told = json_of(matrix)["concurrency_lab"]
    assert told["python"].startswith("CPython 3.")
    assert (told["in_flight"], told["workers"], told["start_method"]) == (4, 2, "forkserver")
    assert told["absent"]["count_words-interpreters"] == "needs Python 3.14"
    assert told["loopback_bytes_per_second"] is None
    assert set(told["rules_of_thumb"]) == set(rules.RULES)


# One workload alone


@pytest.fixture
def alone(matrix: Matrix) -> Matrix:
    """A run of one workload, whose table wants every column but one."""
    failing = [
        measured("serial", 2.0, failed=1), measured("processes", 1.0), measured("threads", 1.5),
    ]  # fmt: skip
    matrix.measured = failing
    matrix.starts = {}
    return matrix


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (120, None),
        (74, "jobs/s"),
        (66, "jobs/s, +MiB"),
        (60, "jobs/s, +MiB, CPU s"),
    ],
)
def test_a_table_gives_up_columns_where_they_do_not_fit_and_says_which(
    alone: Matrix, width: int, left_out: str | None
) -> None:
    said = summary.of_one(alone, width, color=False)
    assert max(widths(said)) <= width
    head = next(line for line in said.splitlines() if line.startswith("model"))
    for name in ("time", "speedup", "in flight", "cores", "failed"):
        assert name in head
    assert ("jobs/s" in head) == (left_out is None)
    words = " ".join(said.split())
    assert (f"Left out in {width} columns: {left_out}; --json has all." in words) == bool(left_out)


def test_one_workload_alone_has_no_rules_of_thumb_and_no_pools(alone: Matrix) -> None:
    said = summary.of_one(alone, 120, color=False)
    assert "count_words: 10 jobs" in said
    assert "Leader: processes" in said
    assert "Rules of thumb" not in said
    assert "pool" not in said.partition("time: of a round")[0]


def test_of_a_run_that_was_broken_off_there_is_a_table_and_no_verdict(alone: Matrix) -> None:
    said = summary.of_one(alone, 120, color=False, ended=False)
    assert "count_words: 10 jobs" in said
    assert "Leader" not in said
    assert "Serial was" not in said


def test_leaders_stand_out_in_the_table_and_none_where_the_run_cannot_tell() -> None:
    cells = measured("serial", 2.0), measured("threads", 1.0)
    styles = [row.style for row in workload_table(group(*cells)).rows]
    assert [bool(style) for style in styles] == [True, False]
    crowd = [replace(one, contention=crowded(1.0)) for one in cells]
    assert not any(row.style for row in workload_table(group(*crowd)).rows)


def test_how_often_each_model_was_visited_is_said_where_there_are_several() -> None:
    one, other = measured("serial", 2.0), measured("threads", 1.0)
    assert workload_table(group(one)).title == "count_words: 10 jobs"
    said = "count_words: 10 jobs, each model visited"
    assert workload_table(group(one, other)).title == f"{said} 3 times"
    assert workload_table(group(one, other, again=None)).title == f"{said} once"
    twice = [replace(each, visits=each.visits[:2]) for each in (one, other)]
    assert workload_table(Group("count_words", tuple(twice), 2)).title == f"{said} twice"


def test_threads_in_the_queue_are_shown_and_explained_where_others_took_cores(
    matrix: Matrix,
) -> None:
    assert "ready" not in text(matrix, 120, color=False)
    matrix.measured = [
        measured("serial", 2.0, contention=crowded(1.0, ready=0.25)),
        measured("threads", 1.0, contention=crowded(1.0, ready=None)),
    ]
    said = text(matrix, 120, color=False)
    lines = [line.split() for line in said.partition("Serial was")[0].splitlines() if line.strip()]
    rows = {line[0]: line for line in lines}
    head = " ".join(rows["model"]).replace("CPU s", "CPU").split()
    column = head.index("ready") - len(head)  # from the right
    assert (rows["serial"][column], rows["threads"][column]) == ("0.25", "?")
    assert "ready: threads in the queue for a core" in said

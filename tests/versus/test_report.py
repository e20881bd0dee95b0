"""What a comparison says at its end, and which of it fails a run."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.versus import plugin, report
from conlab.versus.comparison import Comparison, TooShort, notes, sequential_tests
from conlab.versus.options import Options
from conlab.versus.pairs.measuring import Pair
from conlab.versus.pairs.survey import Survey, absent, gone
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.rule import Judgement, Rule, Verdict
from conlab.versus.sequential_test import Judged, SequentialTest
from conlab.versus.sides.side import Side
from tests.bench.made import cell

RULE = Rule(0.01, 4, 0.05)


def judgement(verdict: Verdict, change: float, needed: int | None = None) -> Judgement:
    """A judgement of 20 pairs, its interval two per cent wide on both sides."""
    return Judgement(verdict, change, change - 0.02, change + 0.02, 20, needed)


def after_pairs(name: str, wall: Judgement | None = None, **known: Any) -> SequentialTest:
    """The test of a cell after 20 pairs of 1.5 seconds."""
    return SequentialTest(cell("serial", name), RULE, [None] * 20, [1.5] * 20, wall, **known)  # type: ignore[list-item]


BY_CPU = after_pairs(  # wall time from -4% to +20%
    "busy_job",
    Judgement(Verdict.UNSURE, 0.08, -0.04, 0.2, 20),
    cpu=judgement(Verdict.SLOWER, 0.09),
    computes=True,
)


def survey(name: str, **told: Any) -> Survey:
    """What a side told."""
    usual: dict[str, Any] = {"python": "CPython 3.13.1", "gil": True, "libraries": {}}
    return Survey(Side(name, Path("python")), **usual | {"workloads": {}} | told)


def comparison(*tests: SequentialTest, **options: Any) -> Comparison:
    """A comparison that has come to an end."""
    asked: dict[str, Any] = {
        "text": "main",
        "alpha": 0.01,
        "matters": 0.05,
        "budget": 300.0,
        "seed": 17,
        "fail_on_cannot_tell": False,
    }
    return Comparison(
        Options(**asked | options), list(tests), (survey("main (1a2b3c)"), survey("working tree"))
    )


ALL = (
    after_pairs("slow_job", judgement(Verdict.SLOWER, 0.083), cpu=judgement(Verdict.SLOWER, 0.081)),
    after_pairs("fast_job", judgement(Verdict.FASTER, -0.2)),
    after_pairs("same_job", judgement(Verdict.SAME, 0.001)),
    after_pairs("wild_job", judgement(Verdict.UNSURE, 0.02, 60)),
    after_pairs("gone_job", absent="main (1a2b3c) has no gone_job"),
    after_pairs("sick_job", failure="main (1a2b3c): every job failed"),
)


@pytest.mark.parametrize(
    "said",
    [
        "working tree against main (1a2b3c)",
        "seed 17",
        "slow_job-serial slower wall +8.3% (+6.3% to +10.3%) 20 30",
        "CPU +8.1% (+6.1% to +10.1%)",
        "fast_job-serial faster wall -20.0% (-22.0% to -18.0%) 20 30",
        "60 pairs, 90 s",
        "absent: gone_job-serial: main (1a2b3c) has no gone_job",
        "failed: sick_job-serial: main (1a2b3c): every job failed",
        "A change just as large as 5.0% is the toss of a coin.",
    ],
)
def test_the_summary_says(said: str) -> None:
    assert said in " ".join(report.text(comparison(*ALL), 120, color=False).split())


def test_before_the_first_look_no_more_is_known_than_when_that_is_due() -> None:
    young = SequentialTest(cell("serial", "young_job"), RULE)
    for _ in range(9):
        young.add(Pair("", ((1.0,), (1.09,)), ((1.0,), (1.0,)), 0), 1.5)
    said = " ".join(report.text(comparison(young), 120, color=False).split())
    assert f"at least {young.looks[0]} pairs" in said
    assert "young_job-serial cannot tell about +9.0% 9 14 at least" in said
    assert "slower in 9 of 9 pairs" in said
    assert "so far about +9.0%, slower in 9 of 9 pairs" in report.sentence(young)


def test_long_verdicts_give_way_to_the_names_of_cells_and_to_nothing_else() -> None:
    name = "dispatch_tasks_by_64"
    rows = (
        after_pairs(name, judgement(Verdict.SAME, 0.001)),
        after_pairs(name, judgement(Verdict.UNSURE, 0)),
    )
    narrow, wide = (report.text(comparison(*rows), width, color=False) for width in (104, 140))
    assert narrow.count(f"{name}-serial") == wide.count(f"{name}-serial") == 2
    assert "no change that matters" in wide.partition("Wall time decides")[0]
    assert "over 2,000, or never" in wide


def test_no_figure_of_the_table_is_cut_off() -> None:
    assert "…" not in report.text(comparison(*ALL), 80, color=False)


def test_a_slower_cell_and_a_failed_one_fail_the_run() -> None:
    assert comparison(*ALL).failures() == {
        "slow_job-serial": "slow_job-serial got slower: +8.3% (+6.3% to +10.3%)",
        "sick_job-serial": "main (1a2b3c): every job failed",
    }


def test_what_cpu_time_decides_is_marked() -> None:
    found = comparison(BY_CPU)
    assert "busy_job-serial slower (CPU) wall +8.0% (-4.0% to +20.0%) 20 30 CPU +9.0%" in " ".join(
        report.text(found, 120, color=False).split()
    )
    by_cpu = "+9.0% (+7.0% to +11.0%) by CPU time"
    assert found.failures() == {"busy_job-serial": f"busy_job-serial got slower: {by_cpu}"}
    assert report.sentence(BY_CPU) == f"busy_job-serial: slower, {by_cpu}, after 20 pairs in 30 s"


def test_by_option_an_undecided_cell_fails_it_too() -> None:
    failures = comparison(*ALL, fail_on_cannot_tell=True).failures()
    assert "wild_job-serial" in failures
    assert {"gone_job-serial", "same_job-serial", "fast_job-serial"}.isdisjoint(failures)


def test_the_cells_that_can_be_compared_share_the_rate() -> None:
    def absent(one: Any) -> str | None:
        if one.workload.name == "sick":
            raise SideFailed("main: no answer")
        return "no such cell" if one.workload.name == "gone" else None

    measurer: Any = SimpleNamespace(
        absent=absent, computes=lambda one: one.workload.name == "computing"
    )
    cells = [cell("serial", name) for name in ("gone", "sick", "waiting", "computing")]
    gone, sick, waiting, computing = sequential_tests(cells, measurer, comparison().options)
    assert (gone.absent, sick.failure) == ("no such cell", "main: no answer")
    assert waiting.rule.cells == computing.rule.cells == 2
    assert (waiting.computes, computing.computes) == (False, True)


def test_what_else_differs_is_noted() -> None:
    old = survey("python3.14", python="CPython 3.14.0", libraries={"httpx": "0.27", "pip": "23"})
    new = survey("working tree", libraries={"httpx": "0.28", "pip": "26", "rich": "14"})
    assert notes((old, new)) == [
        "python3.14 is CPython 3.14.0, working tree is CPython 3.13.1",
        "libraries that differ: httpx 0.27 → 0.28",
    ]


def test_the_kind_that_moved_is_listed() -> None:
    slower = judgement(Verdict.SLOWER, 0.1)
    test = after_pairs("mixed_job", judgement(Verdict.SAME, 0.025), jobs=(39, 40))
    test.strata = {0: Judged(False, judgement(Verdict.SAME, 0.0)), 1: Judged(False, slower)}
    test.names = ("30 jobs of about 2 ms, such as 'a'", "10 jobs of about 9 ms, such as 'b'")
    said = report.text(comparison(test), 140, color=False)
    row = "mixed_job-serial slower wall +2.5% (+0.5% to +4.5%) 39 of 40 20 30"
    assert row in " ".join(said.split())
    kind = "10 jobs of about 9 ms, such as 'b'"
    assert f"mixed_job-serial: slower: {kind}: +10.0% (+8.0% to +12.0%)" in said
    assert "such as 'a'" not in said
    assert comparison(test).failures() == {
        "mixed_job-serial": f"mixed_job-serial got slower: +10.0% (+8.0% to +12.0%) in {kind}"
    }


# What is known of how many


def test_new_and_gone_cells_are_listed_and_fail_nothing() -> None:
    new = after_pairs("new_job", absent="new: main (1a2b3c) has no file bench/new_job.py")
    found = comparison(ALL[2], new)
    found.gone = ["old_job-serial"]
    said = report.text(found, 120, color=False)
    assert "new: new_job-serial: main (1a2b3c) has no file bench/new_job.py" in said
    assert "gone: old_job-serial: working tree has it no longer" in said
    assert found.failures() == {}
    assert found.count() == "1 of 1 cell decided, 1 gone, 1 new"


def test_the_last_line_counts_what_is_decided() -> None:
    assert comparison(*ALL).count() == "3 of 5 cells decided, 1 failed"
    unsure = [after_pairs("wild_job", judgement(Verdict.UNSURE, 0.02, 60))] * 9
    assert comparison(*unsure).count() == "0 of 9 cells decided"


@pytest.mark.parametrize(
    ("tests", "before", "after"),
    [
        ([ALL[3]], 0, 6),
        ([ALL[3], ALL[2]], 0, 0),
        ([ALL[3], ALL[4]], 0, 6),
        ([ALL[4]], 0, 0),
        ([ALL[5]], 1, 1),
        ([ALL[3]], 2, 2),
    ],
    ids=["nothing", "something", "nothing of what is there", "none is there", "failed", "Ctrl-C"],
)
def test_where_nothing_is_decided_the_exit_status_says_so(
    tests: list[SequentialTest], before: int, after: int
) -> None:
    stash = pytest.Stash()
    stash[plugin.COMPARISON] = comparison(*tests)
    session: Any = SimpleNamespace(config=SimpleNamespace(stash=stash), exitstatus=before)
    hook = plugin.pytest_sessionfinish(session)
    next(hook)
    with pytest.raises(StopIteration):
        next(hook)
    assert session.exitstatus == after


def test_a_report_carries_verdict_estimate_interval_and_pairs() -> None:
    test = after_pairs("slow_job", judgement(Verdict.SLOWER, 0.083), jobs=(8, 8))
    assert dict(plugin.properties(test)) == {
        "verdict": "slower",
        "pairs": 20,
        "jobs": "8 of 8",
        "estimate": "+0.0830",
        "low": "+0.0630",
        "high": "+0.1030",
    }
    assert dict(plugin.properties(ALL[5])) == {"verdict": "cannot tell"}


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (300.0, [None, None]),
        (55.0, [None, "for every verdict"]),
        (15.0, ["for every verdict", None]),
    ],
)
def test_a_budget_that_is_too_short_is_said_once_as_soon_as_pairs_show_it(
    left: float, said: list[str | None]
) -> None:
    tests = [SequentialTest(cell("serial", name), RULE) for name in "ab"]
    told: list[str] = []
    warned = TooShort(tests, left + 5.0, left, told.append)
    for test, expected in zip(tests, said, strict=True):
        told.clear()
        test.add(Pair("", ((1.0,), (1.0,)), ((1.0,), (1.0,)), 0), 2.0)
        warned.look()
        warned.look()
        assert len(told) == bool(expected)
        if expected:
            assert expected in told[0]
            assert f"and {left:.0f} s are left for 2 cells" in told[0]
            advised = int(told[0].partition("--budget ")[2].split()[0])
            assert advised > 2 * test.first_look * 2.0 + 5.0


def test_where_no_cell_can_be_looked_at_the_budget_is_too_short_for_any_verdict() -> None:
    told: list[str] = []
    test = SequentialTest(cell("serial"), RULE)
    warned = TooShort([test], 10.0, 10.0, told.append)
    warned.look()
    assert told == []
    test.add(Pair("", ((1.0,), (1.0,)), ((1.0,), (1.0,)), 0), 2.0)
    warned.look()
    assert told[0].startswith("The budget is too short for any verdict")


# Which cells can be compared


def told(cells: dict[str, str | None], problem: str | None = None) -> dict[str, Any]:
    """What a survey says of a workload."""
    return {"workloads": {"a_job": {"asks": [], "problem": problem, "cells": cells}}}


def test_what_the_new_side_has_no_longer_is_gone() -> None:
    old = survey("v1", **told({"serial": None, "threads_by_64": None, "processes": "too old"}))
    new = survey("v2", **told({"serial": None}))
    assert gone((old, new)) == ["a_job-threads_by_64"]
    assert absent((old, new), "a_job", "threads_by_64", set()) == (
        "gone: v2 has no a_job under threads_by_64"
    )
    assert gone((new, old)) == []


def test_a_file_that_only_one_side_has_is_named() -> None:
    side = Side("v1", lacks={"a_job": "bench/a_job.py"})
    old = Survey(side, "CPython 3.13.1", True, {}, {})
    new = survey("v2", **told({"serial": None}))
    assert absent((old, new), "a_job", "serial", set()) == "new: v1 has no file bench/a_job.py"
    assert absent((new, old), "a_job", "serial", set()) == "gone: v1 has no file bench/a_job.py"


@pytest.mark.parametrize(
    ("old", "said"),
    [
        (told({}), "new: v1 has no a_job"),
        (told({"threads": None}), "new: v1 has no a_job under serial"),
        (told({"serial": "needs Python 3.14"}), "v1: needs Python 3.14"),
    ],
)
def test_a_cell_that_one_side_has_not_is_absent(old: dict[str, Any], said: str) -> None:
    sides = (survey("v1", **old), survey("v2", **told({"serial": None})))
    assert absent(sides, "a_job", "serial", set()) == said


def test_a_library_that_both_sides_lack_makes_a_cell_absent() -> None:
    lacking = told({}, problem="No module named 'PIL' on this Python")
    sides = (survey("v1", **lacking), survey("v2", **lacking))
    assert absent(sides, "a_job", "serial", set()) == "No module named 'PIL' on this Python"


def test_a_library_that_one_side_lacks_is_an_error() -> None:
    lacking = told({}, problem="No module named 'PIL' on this Python")
    sides = (survey("python3.13", **lacking), survey("here", **told({"serial": None})))
    with pytest.raises(SideFailed, match=r"python3\.13: a_job cannot be imported: No module"):
        absent(sides, "a_job", "serial", set())

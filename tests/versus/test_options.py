"""The options of a comparison: what they mean, and a sentence for each that means nothing."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.versus import clocks, options, project
from conlab.versus.clocks import Clock


def read(**given: Any) -> options.Options | None:
    """The options that a command line with these would mean."""
    asked = {"benchmark_only": True, "fail_on_cannot_tell": False} | given
    return options.read(SimpleNamespace(getoption=lambda name, *_: asked.get(name)))


def test_the_defaults() -> None:
    asked = read(versus="main")
    assert asked is not None
    assert (asked.alpha, asked.matters, asked.budget) == (0.01, 0.05, 300)
    assert not asked.fail_on_cannot_tell


@pytest.mark.parametrize("name", ["install", "fail_on_cannot_tell"])
def test_what_is_asked_for_is_that_and_nothing_else(name: str) -> None:
    asked = read(versus="main", **{name: True})
    assert asked is not None
    assert {flag: getattr(asked, flag) for flag in ("install", "fail_on_cannot_tell")} == {
        "install": name == "install",
        "fail_on_cannot_tell": name == "fail_on_cannot_tell",
    }


def test_without_a_side_nothing_is_compared() -> None:
    assert read() is None


def test_each_run_draws_a_seed_of_its_own() -> None:
    seeds = {asked.seed for _ in range(5) if (asked := read(versus="main"))}
    assert len(seeds) == 5
    asked = read(versus="main", seed="17")
    assert asked is not None
    assert asked.seed == 17


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05", 0.05), ("12.5%", 0.125)])
def test_a_share_may_be_per_cent(text: str, share: float) -> None:
    asked = read(versus="main", matters=text)
    assert asked is not None
    assert asked.matters == pytest.approx(share)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"versus": "main", "benchmark_only": False}, "it needs --benchmark-only beside it"),
        ({"versus": "."}, "it should name a side"),
        ({"versus": "main", "alpha": "1"}, "--alpha 1: it should be more than 0 and less than 1"),
        ({"versus": "main", "matters": "5 percent"}, "--matters 5 percent: it should be"),
        ({"versus": "main", "matters": "nan"}, "--matters nan: it should be"),
        ({"versus": "main", "budget": "0"}, "--budget 0: it should be seconds"),
        ({"versus": "main", "budget": "inf"}, "--budget inf: it should be seconds"),
        ({"versus": "main", "seed": "-1"}, "--seed -1: it should be a whole number"),
        ({"versus": "main", "peers": True}, "--peers goes with one side"),
        ({"versus": "main", "benchmark_autosave": True}, "--benchmark-autosave goes with one"),
        ({"budget": "60"}, "--budget is for a comparison: --versus SIDE"),
        ({"fail_on_cannot_tell": True}, "--fail-on-cannot-tell is for a comparison"),
    ],
)
def test_what_means_nothing_is_said_in_a_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        read(**given)
    assert "\n" not in str(raised.value)


TABLE = """
[tool.conlab.versus]
alpha = 0.05
budget = 60
clocks = ["wall", "first-job"]
cells = ["bench_*", "slow"]
report-md = "report.md"
fail-on-cannot-tell = true

[tool.conlab.versus.matters]
default = "4%"
memory = 0.2
"test_big*" = "1%"
test_wild = {memory = "50%", default = "9%"}
"""


def in_project(folder: Path, table: str, **given: Any) -> options.Options:
    """The options in a project whose settings have that table."""
    (folder / "pyproject.toml").write_text(table)
    asked = {"versus": "main"} | given
    return options.meant(asked.get, project.table_in(folder))


def test_the_project_says_what_the_command_line_leaves_open(tmp_path: Path) -> None:
    found = in_project(tmp_path, TABLE, budget="90")
    assert (found.alpha, found.budget, found.matters) == (0.05, 90, 0.04)
    assert found.clocks == (Clock.WALL, Clock.FIRST)
    assert found.fail_on_cannot_tell
    assert [found.chooses(name) for name in ("bench_a", "tests/slow_b", "fast")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "clock", "share"),
    [
        ("test_other", Clock.WALL, 0.04),
        ("test_other", Clock.MEMORY, 0.2),
        ("test_big_one", Clock.MEMORY, 0.01),  # a word on the cell comes first
        ("test_wild", Clock.MEMORY, 0.5),
        ("test_wild", Clock.CPU, 0.09),
    ],
)
def test_what_matters_is_said_for_cells_and_for_clocks(
    tmp_path: Path, name: str, clock: Clock, share: float
) -> None:
    found = in_project(tmp_path, TABLE, clocks="all")
    assert found.matters_of(name)[clock] == pytest.approx(share)


def test_what_matters_on_the_command_line_is_for_all(tmp_path: Path) -> None:
    found = in_project(tmp_path, TABLE, matters="2%")
    assert set(found.matters_of("test_wild").values()) == {0.02}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("budgets = 3", "has 'budgets', which is none of matters, clocks, cells"),
        ("cells = 3", "cells = 3: it should be a list of patterns"),
        ("clocks = ['sun']", "'sun' is none of wall, cpu, memory, first-job, import, tail"),
        ("matters = {memory = '200%'}", "--matters, memory 200%: it should be more than 0"),
        ("matters = {memory = {cpu = '2%'}}", "matters.memory should be a share"),
        ("matters = {a = {moon = '2%'}}", "matters.a.moon: 'moon' is none of"),
        ("report-md = 'no/such/folder'", "/no/such/folder: there is no folder"),
        ("= 3", "cannot be read"),
    ],
)
def test_a_table_that_means_nothing_is_said_in_a_sentence(
    tmp_path: Path, table: str, said: str
) -> None:
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        in_project(tmp_path, f"[tool.conlab.versus]\n{table}\n")
    assert "\n" not in str(raised.value)


def test_a_project_without_a_table_has_the_defaults(tmp_path: Path) -> None:
    found = in_project(tmp_path, "")
    assert (found.alpha, found.clocks, found.cells) == (0.01, clocks.DEFAULT, ())
